//! Every run file of the repository: it parses, its names exist, its images fit; and those for CIFAR learn.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use burn::train::Interrupter;
use burn_zoo::datasets::{DatasetName, OpenOptions};
use burn_zoo::trainer::{Existing, Machine, Outcome, RunFile, Silent, TrainRequest, train};
use burn_zoo::{config_for, model_info, open_data};

fn run_files(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../configs")
        .join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&root)
        .unwrap_or_else(|error| panic!("{}: {error}", root.display()))
        .map(|entry| entry.expect("readable").path())
        .collect();
    files.sort();
    files
}

#[test]
fn every_run_file_names_a_model_and_a_data_set_that_fit() {
    let folders = [
        "cifar10",
        "cifar100",
        "glyphs",
        "imagenet",
        "mnist",
        "tiny_imagenet",
    ];
    let files: Vec<PathBuf> = folders.into_iter().flat_map(run_files).collect();
    assert!(files.len() > 30, "{files:?}");
    for file in files {
        let run = RunFile::load(&file, &[]).unwrap_or_else(|error| panic!("{error}"));
        let info = model_info(&run.model.arch).unwrap_or_else(|error| panic!("{error}"));
        let name: DatasetName = run
            .data
            .name
            .parse()
            .unwrap_or_else(|error| panic!("{error}"));
        let size = run
            .data
            .size
            .map_or([info.input[1], info.input[2]], |side| [side, side]);
        info.check_size(size)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let folder = file
            .parent()
            .and_then(Path::file_name)
            .expect("configs/<data set>");
        let expected = if folder == "imagenet" {
            "image_folder"
        } else {
            folder.to_str().expect("UTF-8")
        };
        assert_eq!(name.as_str(), expected, "{}", file.display());
    }
}

/// The binary layout of CIFAR-10 or CIFAR-100, with images of one colour a class under a little texture. Of the hundred
/// classes only ten occur.
fn coloured(root: &Path, data: &str) {
    const COLOURS: [[u8; 3]; 10] = [
        [230, 30, 30],
        [30, 230, 30],
        [30, 30, 230],
        [230, 230, 30],
        [230, 30, 230],
        [30, 230, 230],
        [20, 20, 20],
        [240, 240, 240],
        [120, 60, 20],
        [128, 128, 128],
    ];
    let (folder, labels, files): (_, _, &[(&str, usize)]) = match data {
        "cifar10" => (
            "cifar-10-batches-bin",
            1,
            &[
                ("data_batch_1.bin", 10_000),
                ("data_batch_2.bin", 10_000),
                ("data_batch_3.bin", 10_000),
                ("data_batch_4.bin", 10_000),
                ("data_batch_5.bin", 10_000),
                ("test_batch.bin", 10_000),
            ],
        ),
        _ => (
            "cifar-100-binary",
            2,
            &[("train.bin", 50_000), ("test.bin", 10_000)],
        ),
    };
    let folder = root.join(folder);
    fs::create_dir_all(&folder).expect("writable");
    let record = |index: usize| {
        let class = index % 10;
        let pixel = move |position: usize| {
            let colour = COLOURS[class][position / 1024];
            colour.wrapping_add((position * 7 + index * 13) as u8 % 16)
        };
        std::iter::repeat_n(class as u8, labels).chain((0..3072).map(pixel))
    };
    for (file, length) in files {
        let records: Vec<u8> = (0..*length).flat_map(record).collect();
        fs::write(folder.join(file), records).expect("writable");
    }
}

#[test]
fn every_network_for_cifar10_learns_by_its_run_file() {
    all_learn("cifar10");
}

#[test]
fn every_network_for_cifar100_learns_by_its_run_file() {
    all_learn("cifar100");
}

fn all_learn(data: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    coloured(folder.path(), data);
    for file in run_files(data) {
        let mut overrides: Vec<String> = [
            "data.valid_size=10",
            "data.batch_size=8",
            "data.workers=1",
            "train.epochs=3",
        ]
        .map(str::to_owned)
        .to_vec();
        // The rate of the run file is for batches of 128; 110 layers need a lower one to begin (section 4.2).
        let plain = RunFile::load(&file, &[]).expect("it parses");
        let part = if plain.model.arch == "resnet110" {
            64.0
        } else {
            16.0
        };
        // Without batch normalisation or shortcuts a network takes longer to begin.
        let is_slow =
            ["cifar_alexnet", "cifar_zfnet", "plain20"].contains(&plain.model.arch.as_str());
        let images = if is_slow { 48 } else { 24 };
        overrides.push(format!("data.train_size={images}"));
        overrides.push(format!("optimizer.lr={}", plain.optimizer.lr() / part));
        overrides.push(format!("data.root={:?}", folder.path()));
        let run = RunFile::load(&file, &overrides).unwrap_or_else(|error| panic!("{error}"));
        let options = OpenOptions {
            root: run.data.root.clone(),
            train_size: run.data.train_size,
            valid_size: run.data.valid_size,
            ..OpenOptions::default()
        };
        let data = open_data(&run.data.name, &options).expect("just written");
        let config = config_for(&run, &data.info).expect("they fit");
        let out = folder.path().join(file.file_stem().expect("a name"));
        let job = TrainRequest {
            device_cache_bytes: 0,
            run,
            model: Box::new(move |device| config.init(device)),
            metadata: Vec::new(),
            input_size: [32, 32],
            data,
            device: Device::flex(),
            more_devices: Vec::new(),
            machine: Machine::default(),
            out: out.clone(),
            existing: Existing::Refuse,
            observer: Box::new(Silent),
            interrupter: Interrupter::new(),
        };
        let outcome = train(job).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(matches!(outcome, Outcome::Finished(_)));
        let metrics = fs::read_to_string(out.join("metrics.jsonl")).expect("written");
        let losses: Vec<f64> = metrics
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
            .map(|record| record["train"]["loss"].as_f64().expect("a number"))
            .collect();
        eprintln!("{}: {losses:.3?}", file.display());
        assert!(losses[2] < losses[0], "{}: {losses:?}", file.display());
        // A checkpoint of a large network takes space.
        fs::remove_dir_all(&out).expect("just written");
    }
}
