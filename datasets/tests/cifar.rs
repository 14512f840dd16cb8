//! CIFAR in both of its layouts.

use std::fs;
use std::path::Path;

use burn_zoo_data::{Image, ImageData, save_png};
use burn_zoo_datasets::{DatasetName, OpenError, OpenOptions, open};

const TEN: [&str; 10] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];

fn read(name: DatasetName, root: &Path) -> Result<ImageData, OpenError> {
    open(
        name,
        &OpenOptions {
            root: Some(root.to_owned()),
            ..OpenOptions::default()
        },
    )
}

fn message(name: DatasetName, root: &Path) -> String {
    read(name, root).err().expect("it is refused").to_string()
}

/// A record whose red, green and blue planes are told apart.
fn record(labels: &[u8], shade: u8) -> Vec<u8> {
    let plane = |start: u8| (0..1024).map(move |i| start.wrapping_add((i % 32) as u8));
    labels
        .iter()
        .copied()
        .chain(plane(shade))
        .chain(plane(shade + 40))
        .chain(plane(shade + 80))
        .collect()
}

/// The same as an image.
fn image(shade: u8) -> Image {
    let pixels = (0..1024u32)
        .flat_map(|i| [0, 40, 80].map(|c| shade + c + (i % 32) as u8))
        .collect();
    Image {
        height: 32,
        width: 32,
        channels: 3,
        pixels,
    }
}

fn ten(root: &Path) -> std::path::PathBuf {
    let folder = root.join("cifar-10-batches-bin");
    fs::create_dir_all(&folder).unwrap();
    for batch in 1..=5u8 {
        let bytes = [record(&[batch], batch), record(&[9], batch + 10)].concat();
        fs::write(folder.join(format!("data_batch_{batch}.bin")), bytes).unwrap();
    }
    fs::write(folder.join("test_batch.bin"), record(&[0], 99)).unwrap();
    folder
}

#[test]
fn planes_become_pixels() {
    let root = tempfile::tempdir().unwrap();
    let folder = ten(root.path());
    for place in [root.path(), &folder] {
        let data = read(DatasetName::Cifar10, place).unwrap();
        assert_eq!((data.train.len(), data.valid.len()), (10, 1));
        let sample = data.train.get(4).unwrap();
        assert_eq!((sample.label, sample.image), (3, image(3).into()));
        assert_eq!(data.valid.get(0).unwrap().label, 0);
        assert_eq!(data.info.classes, TEN);
    }
}

#[test]
fn cifar100_has_its_fine_labels_and_a_hundred_sorted_names() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("cifar-100-binary");
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("train.bin"),
        [record(&[3, 99], 1), record(&[19, 0], 2)].concat(),
    )
    .unwrap();
    fs::write(folder.join("test.bin"), record(&[0, 50], 3)).unwrap();
    let data = read(DatasetName::Cifar100, root.path()).unwrap();
    assert_eq!(data.train.get(0).unwrap().label, 99);
    assert_eq!(data.valid.get(0).unwrap().label, 50);
    assert_eq!(data.info.classes.len(), 100);
    assert!(
        data.info.classes.windows(2).all(|pair| pair[0] < pair[1]),
        "sorted, so none is missing its place"
    );
    assert_eq!(
        (
            data.info.classes[0].as_str(),
            data.info.classes[99].as_str()
        ),
        ("apple", "worm")
    );
}

#[test]
fn broken_files_are_named_with_their_numbers() {
    let root = tempfile::tempdir().unwrap();
    let folder = ten(root.path());
    let path = folder.join("data_batch_3.bin");
    let whole = fs::read(&path).unwrap();
    for length in [0, 1, 3072, 3074, 6145] {
        fs::write(&path, &whole[..length]).unwrap();
        let message = message(DatasetName::Cifar10, root.path());
        assert!(
            message.contains("data_batch_3.bin") && message.contains(&format!("found {length}")),
            "{message}"
        );
    }
    let mut wrong = whole.clone();
    wrong[3073] = 10;
    fs::write(&path, wrong).unwrap();
    let found = message(DatasetName::Cifar10, root.path());
    assert!(found.contains("label 10 of record 1"), "{found}");
    fs::remove_file(&path).unwrap();
    let found = message(DatasetName::Cifar10, root.path());
    assert!(
        found.contains("data_batch_3.bin") && found.contains("cannot be read"),
        "{found}"
    );
    let empty = tempfile::tempdir().unwrap();
    let found = message(DatasetName::Cifar100, empty.path());
    assert!(found.contains("zoo data fetch cifar100 --root"), "{found}");
}

fn tree(root: &Path) {
    for split in ["train", "test"] {
        for (label, class) in TEN.iter().enumerate() {
            let folder = root.join(split).join(class);
            fs::create_dir_all(&folder).unwrap();
            save_png(&image(label as u8), &folder.join("0001.png")).unwrap();
        }
    }
}

#[test]
fn a_tree_of_images_reads_like_the_binary() {
    let root = tempfile::tempdir().unwrap();
    tree(root.path());
    let data = read(DatasetName::Cifar10, root.path()).unwrap();
    assert_eq!((data.train.len(), data.valid.len()), (10, 10));
    for label in 0..10 {
        let sample = data.train.get(label).unwrap();
        assert_eq!(
            (sample.label, sample.image),
            (label, image(label as u8).into())
        );
    }
}

#[test]
fn a_tree_with_other_classes_sizes_or_content_is_refused() {
    let root = tempfile::tempdir().unwrap();
    tree(root.path());
    let frog = root.path().join("test/frog/0001.png");
    save_png(
        &Image {
            height: 2,
            width: 3,
            channels: 1,
            pixels: vec![0; 6],
        },
        &frog,
    )
    .unwrap();
    let found = message(DatasetName::Cifar10, root.path());
    assert!(
        found.contains("frog") && found.contains("2×3 pixels, expected 32×32"),
        "{found}"
    );
    fs::write(&frog, "ribbit").unwrap();
    let found = message(DatasetName::Cifar10, root.path());
    assert!(found.contains("0001.png: text, not an image"), "{found}");
    fs::remove_file(&frog).unwrap();
    let found = message(DatasetName::Cifar10, root.path());
    assert!(
        found.contains("frog") && found.contains("no images"),
        "{found}"
    );
    fs::rename(
        root.path().join("train/cat"),
        root.path().join("train/kitten"),
    )
    .unwrap();
    let found = message(DatasetName::Cifar10, root.path());
    assert!(
        found.contains("\"kitten\"") && found.contains("\"cat\""),
        "{found}"
    );
}
