//! Weights of PyTorch's own files, and the files that are written.

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor, TensorData};
use burn_zoo::{
    Classifier, Format, LoadReport, Model, ModelCard, ModelInfo, ModelOptions, WeightsError,
    WeightsFile, create, model_info, save_weights,
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/weights")
        .join(name)
}

fn info(name: &str) -> &'static ModelInfo {
    model_info(name).expect("a listed name")
}

fn model(name: &str, device: &Device) -> Model {
    create(name, &ModelOptions::default(), device).expect("a listed name")
}

fn partly(name: &str) -> Result<(Model, LoadReport), WeightsError> {
    let device = Device::flex();
    let file = WeightsFile::open(&fixture(name), info("lenet5_modern"), &device)?;
    file.load_into(model("lenet5_modern", &device), true)
}

/// The first feature map of an image with one bright pixel in its corner: `weight[c][0][0] + bias[c]`, rectified.
fn corner(model: &Model) -> Vec<f32> {
    let device = Device::flex();
    let mut pixels = vec![0.0; 32 * 32];
    pixels[0] = 1.0;
    let image = Tensor::<4>::from_data(TensorData::new(pixels, [1, 1, 32, 32]), &device);
    let map = model.features(image, &["conv1"]).expect("a map").remove(0);
    let corner = map.slice([0..1, 0..6, 0..1, 0..1]).into_data();
    corner
        .try_to_vec::<f32>()
        .expect("f32 whatever the file has")
}

#[test]
fn every_format_and_precision_gives_the_same_numbers() {
    let expected: Vec<f32> = (0..6)
        .map(|c| (25 * c) as f32 / 64.0 + c as f32 / 64.0)
        .collect();
    for (name, prefix, exact) in [
        ("plain.pth", "", true),
        ("legacy.pth", "", true),
        ("full_f16.pth", "state_dict.module.", true),
        ("bf16.safetensors", "", false),
    ] {
        let (model, report) = partly(name).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            (report.loaded, report.prefix.as_str()),
            (4, prefix),
            "{name}"
        );
        assert_eq!(report.missing.len(), 6, "{name}");
        assert_eq!(report.unexpected, [""; 0], "{name}");
        for (found, expected) in corner(&model).iter().zip(&expected) {
            // bf16 has eight bits of mantissa.
            let tolerance = if exact { 0.0 } else { expected / 128.0 };
            assert!(
                (found - expected).abs() <= tolerance,
                "{name}: {found}, expected {expected}"
            );
        }
    }
}

#[test]
fn all_differences_are_listed_and_nothing_is_loaded() {
    let device = Device::flex();
    let file = WeightsFile::open(&fixture("other.pth"), info("lenet5_modern"), &device)
        .expect("a checkpoint");
    assert_eq!(file.format(), Format::PyTorch);
    assert_eq!(
        file.options().num_classes,
        Some(7),
        "the head tells the classes"
    );
    let error = file
        .load_into(model("lenet5_modern", &device), false)
        .expect_err("it does not fit");
    let text = error.to_string();
    let WeightsError::Mismatch { report, .. } = error else {
        panic!("{text}")
    };
    assert_eq!(report.unexpected, ["extra"]);
    assert_eq!(report.missing.len(), 5);
    let wrong = &report.wrong[0];
    assert_eq!(
        (
            wrong.name.as_str(),
            wrong.found.as_str(),
            wrong.expected.as_str()
        ),
        ("fc3.weight", "7×84", "10×84")
    );
    for part in [
        "other.pth",
        "fc3.weight is 7×84 in the file, 10×84 in the network",
        "fc1.bias",
        "extra",
        "--partial",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_pickle_that_is_a_program_is_refused_and_not_run() {
    for name in ["attack.pth", "hidden_attack.pth"] {
        let error = partly(name).expect_err("an attack");
        assert!(matches!(error, WeightsError::Malicious { .. }), "{error}");
        assert!(error.to_string().contains("system"), "{error}");
    }
    assert!(!Path::new("burn-zoo-was-here").exists());
}

#[test]
fn what_is_cut_or_no_checkpoint_is_refused_with_its_file() {
    let device = Device::flex();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in [
        "plain.pth",
        "legacy.pth",
        "bf16.safetensors",
        "full_f16.pth",
    ] {
        let bytes = std::fs::read(fixture(name)).expect("a fixture");
        for length in [
            3,
            20,
            bytes.len() / 4,
            bytes.len() / 2,
            bytes.len() - 100,
            bytes.len() - 1,
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, &bytes[..length]).expect("writable");
            let loaded = WeightsFile::open(&path, info("lenet5_modern"), &device)
                .and_then(|file| file.load_into(model("lenet5_modern", &device), true));
            let error = loaded
                .err()
                .unwrap_or_else(|| panic!("{name} cut to {length} bytes"));
            assert!(error.to_string().contains(name), "{error}");
        }
    }
    let zip = folder.path().join("images.zip");
    std::fs::write(&zip, b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0").expect("writable");
    let error = WeightsFile::open(&zip, info("resnet20"), &device)
        .err()
        .expect("an empty zip");
    assert!(matches!(error, WeightsError::Malformed { .. }), "{error}");
    assert!(error.to_string().contains("images.zip"), "{error}");
}

fn card(model: &'static str) -> ModelCard {
    ModelCard {
        model: model.to_owned(),
        statistics: Some([vec![0.485, 0.456, 0.406], vec![0.229, 0.224, 0.225]]),
        source: Some("a.pth".into()),
    }
}

#[test]
fn what_is_written_is_read_back_and_says_what_it_is() {
    let device = Device::flex();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let images = Tensor::random([2, 3, 32, 32], Distribution::Default, &device);
    for (name, ending) in [
        ("resnet20", "bpk"),
        ("resnet20", "safetensors"),
        ("cifar_googlenet", "safetensors"),
        ("cifar_vgg11_bn", "safetensors"),
    ] {
        let path = folder.path().join(format!("{name}.{ending}"));
        let ours = model(name, &device).materialize();
        let expected = ours.forward(images.clone()).into_data();
        save_weights(&ours, &path, &card(name), false).unwrap_or_else(|error| panic!("{error}"));

        let file =
            WeightsFile::open(&path, info(name), &device).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(file.statistics(), card(name).statistics);
        let options = file.options();
        assert_eq!(
            (options.num_classes, options.in_channels),
            (Some(10), Some(3)),
            "{name}"
        );
        let (back, report) = file
            .load_into(model(name, &device), false)
            .unwrap_or_else(|error| panic!("{error}"));
        assert!(report.is_complete() && report.adapted.is_empty());
        back.forward(images.clone())
            .into_data()
            .assert_eq(&expected, true);

        // A file says itself whose weights it holds.
        let error = WeightsFile::open(&path, info("resnet32"), &device)
            .err()
            .expect("another model");
        assert!(
            error
                .to_string()
                .contains(&format!("weights of {name}, not of resnet32")),
            "{error}"
        );
        let error = save_weights(&ours, &path, &card(name), false).expect_err("it exists");
        assert!(matches!(error, WeightsError::Exists { .. }), "{error}");
        save_weights(&ours, &path, &card(name), true).expect("it may be replaced");
    }
    let error = save_weights(
        &model("resnet20", &device),
        &folder.path().join("a.pth"),
        &card("resnet20"),
        false,
    );
    assert!(matches!(error, Err(WeightsError::Ending { .. })));
}

#[test]
fn safetensors_have_pytorchs_keys_and_shapes() {
    use burn::store::{ModuleStore, SafetensorsStore};
    let device = Device::flex();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("resnet20.safetensors");
    save_weights(&model("resnet20", &device), &path, &card("resnet20"), false).expect("writable");
    let mut store = SafetensorsStore::from_file(&path);
    let tensors = store.get_all_tensors().expect("just written");
    let shape = |key: &str| {
        tensors
            .get(key)
            .unwrap_or_else(|| panic!("{key}"))
            .shape
            .to_vec()
    };
    assert_eq!(shape("fc.weight"), [10, 64]);
    assert_eq!(shape("layer2.0.conv1.weight"), [32, 16, 3, 3]);
    assert_eq!(shape("bn1.weight"), [16]);
    assert_eq!(shape("layer3.2.bn2.running_var"), [64]);
    // 20 convolutions and linear layers, 19 batch norms of four tensors each, one bias.
    assert_eq!(tensors.len(), 20 + 4 * 19 + 1);
}

#[test]
fn a_first_convolution_is_summed_for_grey_images() {
    let device = Device::flex();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("rgb.bpk");
    let rgb = model("resnet20", &device).materialize();
    save_weights(&rgb, &path, &card("resnet20"), false).expect("writable");
    let options = ModelOptions {
        in_channels: Some(1),
        ..ModelOptions::default()
    };
    let grey = create("resnet20", &options, &device).expect("grey");
    let file = WeightsFile::open(&path, info("resnet20"), &device).expect("just written");
    let (grey, report) = file
        .load_into(grey, false)
        .expect("all but one fit as they are");
    assert_eq!(report.adapted, ["conv1.weight"]);
    // A grey image, once as one channel and once repeated over three.
    let image = Tensor::random([1, 1, 32, 32], Distribution::Default, &device);
    let expected = rgb.forward(image.clone().repeat_dim(1, 3)).into_data();
    grey.forward(image)
        .into_data()
        .assert_approx_eq::<f32>(&expected, burn::tensor::Tolerance::rel_abs(1e-4, 1e-5));
}

/// `BURN_ZOO_DATA` names a folder with the published checkpoints.
#[test]
fn published_checkpoints_load_whole() {
    let Some(root) = std::env::var_os("BURN_ZOO_DATA").filter(|root| !root.is_empty()) else {
        eprintln!("skipped: BURN_ZOO_DATA is unset");
        return;
    };
    let device = Device::flex();
    for (name, file) in [
        ("resnet20", "resnet20-12fca82f.th"),
        ("resnet32", "resnet32-d509ac18.th"),
    ] {
        let path = Path::new(&root).join("checkpoints").join(file);
        let file =
            WeightsFile::open(&path, info(name), &device).unwrap_or_else(|error| panic!("{error}"));
        let (_, report) = file
            .load_into(model(name, &device), false)
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(report.prefix, "state_dict.module.");
        let wrong = WeightsFile::open(&path, info("resnet18"), &device)
            .and_then(|file| file.load_into(model("resnet18", &device), false));
        assert!(matches!(wrong, Err(WeightsError::Mismatch { .. })));
    }
}

#[test]
fn a_head_for_other_classes_starts_afresh_and_the_rest_stays() {
    let device = Device::flex();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("ten.bpk");
    let ten = model("lenet5_modern", &device).materialize();
    save_weights(&ten, &path, &card("lenet5_modern"), false).expect("writable");
    let run_file = folder.path().join("run.toml");
    let text = "[model]\narch = 'lenet5_modern'\n[data]\nname = 'image_folder'\n[optimizer]\nkind = 'sgd'\nlr = 0.1\n\
                [train]\nepochs = 1\n";
    std::fs::write(&run_file, text).expect("writable");
    let run = burn_zoo::trainer::RunFile::load(&run_file, &[]).expect("a run file");
    let images = Tensor::random([2, 1, 32, 32], Distribution::Default, &device);
    for (classes, kept) in [(3, false), (10, true)] {
        let data = burn_zoo::data::DatasetInfo {
            name: "three".into(),
            classes: (0..classes).map(|class| class.to_string()).collect(),
            channels: 1,
            size: None,
            mean: vec![0.5],
            std: vec![0.5],
        };
        let tuned = burn_zoo::fine_tuned(&run, &data, &path, &device)
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(tuned.num_classes(), classes);
        let embedding = tuned.embed(images.clone()).into_data();
        embedding.assert_eq(&ten.embed(images.clone()).into_data(), true);
        if kept {
            let scores = tuned.forward(images.clone()).into_data();
            scores.assert_eq(&ten.forward(images.clone()).into_data(), true);
        }
    }
}

#[test]
fn a_fused_network_is_written_and_read_back_and_takes_no_other_weights() {
    let device = Device::flex();
    let folder = tempfile::tempdir().expect("a folder");
    let images = Tensor::random([2, 3, 32, 32], Distribution::Normal(0.0, 1.0), &device);
    for (name, file) in [("resnet20", "a.safetensors"), ("cifar_vgg11_bn", "b.bpk")] {
        let whole = model(name, &device);
        let plain = folder.path().join(format!("plain-{file}"));
        save_weights(&whole, &plain, &card(name), false).expect("writable");
        let fused = whole.fuse();
        let expected = fused.forward(images.clone()).into_data();
        let path = folder.path().join(file);
        save_weights(&fused, &path, &card(name), false).expect("writable");

        let load = |path: &Path| {
            let file = WeightsFile::open(path, info(name), &device)?;
            file.load_into(model(name, &device).fuse(), false)
        };
        let (back, _) = load(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let found = back.forward(images.clone()).into_data();
        found.assert_eq(&expected, true);
        assert!(
            load(&plain).is_err(),
            "{name}: weights of the whole network"
        );
    }
}
