//! The list against the networks themselves and against the published figures.

use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor};
use burn_zoo::resnet::{ResNetConfig, Variant};
use burn_zoo::{Classifier, CreateError, ModelOptions, WeightsError, create, load_weights};
use burn_zoo::{model_info, models, summarize, trainable_params};

/// What was published of a network: trainable parameters (without auxiliary heads), and giga multiply-adds with the
/// part by which they may differ.
struct Published {
    name: &'static str,
    parameters: usize,
    giga: Option<(f64, f64)>,
}

const fn row(name: &'static str, parameters: usize) -> Published {
    Published {
        name,
        parameters,
        giga: None,
    }
}

/// Multiply-adds of torchvision's documentation, or counted from the paper's table.
const fn counted(name: &'static str, parameters: usize, giga: f64) -> Published {
    Published {
        name,
        parameters,
        giga: Some((giga, 0.005)),
    }
}

/// Multiply-adds that a paper rounds to one decimal.
const fn rounded(name: &'static str, parameters: usize, giga: f64) -> Published {
    Published {
        name,
        parameters,
        giga: Some((giga, 0.02)),
    }
}

/// torchvision's documentation for its names, else the papers, else the sum over the layers of the paper's table.
const PUBLISHED: &[Published] = &[
    row("lenet5", 60_000),
    row("lenet5_modern", 61_706),
    counted("alexnet", 61_100_840, 0.714),
    row("alexnet_paper", 60_965_224),
    row("zfnet", 62_357_608),
    counted("vgg11", 132_863_336, 7.609),
    counted("vgg11_lrn", 132_863_336, 7.609),
    counted("vgg13", 133_047_848, 11.308),
    counted("vgg16_c", 133_638_952, 11.771),
    counted("vgg16", 138_357_544, 15.470),
    counted("vgg19", 143_667_240, 19.632),
    counted("vgg11_bn", 132_868_840, 7.609),
    counted("vgg13_bn", 133_053_736, 11.308),
    counted("vgg16_bn", 138_365_992, 15.470),
    counted("vgg19_bn", 143_678_248, 19.632),
    counted("googlenet", 6_624_904, 1.498),
    row("googlenet_paper", 6_998_552),
    counted("resnet18", 11_689_512, 1.814),
    counted("resnet34", 21_797_672, 3.664),
    counted("resnet50", 25_557_032, 4.089),
    counted("resnet101", 44_549_160, 7.801),
    counted("resnet152", 60_192_808, 11.514),
    rounded("resnet50_paper", 25_557_032, 3.8),
    rounded("resnet101_paper", 44_549_160, 7.6),
    rounded("resnet152_paper", 60_192_808, 11.3),
    rounded("plain18", 11_515_688, 1.8),
    rounded("plain34", 21_623_848, 3.6),
    row("resnet20", 269_722),
    row("resnet32", 464_154),
    row("resnet44", 658_586),
    row("resnet56", 853_018),
    row("resnet110", 1_727_962),
    row("plain20", 269_722),
    row("plain32", 464_154),
    row("plain44", 658_586),
    row("plain56", 853_018),
];

#[test]
fn the_listed_parameters_are_those_of_the_networks() {
    let device = Device::flex();
    for info in models("*") {
        let model = create(info.name, &ModelOptions::default(), &device).expect("a listed name");
        let listed = info.parameters + info.aux_parameters;
        assert_eq!(trainable_params(&model), listed, "{}", info.name);
        assert_eq!(model.num_classes(), info.classes, "{}", info.name);
    }
}

#[test]
fn the_listed_multiply_adds_are_those_of_a_recorded_forward_pass() {
    let recorder = Device::capture();
    let mut wrong = Vec::new();
    for info in models("*") {
        let summary =
            summarize(info.name, &ModelOptions::default(), None, &recorder).expect("a listed name");
        let found = [summary.parameters, summary.aux_parameters];
        assert_eq!(
            found,
            [info.parameters, info.aux_parameters],
            "{}",
            info.name
        );
        assert_eq!(summary.input, info.input);
        if summary.multiply_adds != info.multiply_adds {
            wrong.push(format!("{}: {}", info.name, summary.multiply_adds));
        }
    }
    assert!(
        wrong.is_empty(),
        "the list differs from the networks: {wrong:#?}"
    );
}

#[test]
fn the_figures_are_the_published_ones() {
    eprintln!(
        "{:16} {:>12} {:>12} {:>9} {:>9}",
        "model", "parameters", "published", "G", "published"
    );
    for Published {
        name,
        parameters,
        giga,
    } in PUBLISHED
    {
        let info = model_info(name).expect("a listed name");
        let ours = info.multiply_adds as f64 / 1e9;
        let shown = giga.map_or(String::new(), |(published, _)| published.to_string());
        eprintln!(
            "{name:16} {:>12} {parameters:>12} {ours:>9.3} {shown:>9}",
            info.parameters
        );
        assert_eq!(info.parameters, *parameters, "{name}");
        if let Some((published, tolerance)) = giga {
            let relative = (ours - published).abs() / published;
            assert!(
                relative <= *tolerance,
                "{name}: {ours} G, published {published} G"
            );
        }
    }
    // With both auxiliary heads.
    for (name, parameters) in [("googlenet", 13_004_888), ("googlenet_paper", 13_378_280)] {
        let info = model_info(name).expect("a listed name");
        assert_eq!(info.parameters + info.aux_parameters, parameters, "{name}");
    }
}

#[test]
fn a_summary_follows_the_forward_pass() {
    let recorder = Device::capture();
    let summary = summarize("resnet18", &ModelOptions::default(), None, &recorder).expect("known");
    let layer = |name: &str| {
        summary
            .layers
            .iter()
            .find(|layer| layer.name == name)
            .unwrap_or_else(|| panic!("{name}"))
    };
    let first = &summary.layers[0];
    assert_eq!(
        (first.name.as_str(), first.kind.as_str()),
        ("conv1", "Conv2d")
    );
    assert_eq!(first.kernel.as_deref(), Some("7×7 / 2"));
    assert_eq!(first.output, Some(vec![64, 112, 112]));
    assert_eq!(first.parameters, 3 * 64 * 49);
    assert_eq!(first.multiply_adds, 112 * 112 * 3 * 64 * 49);
    assert_eq!(layer("MaxPool2d").output, Some(vec![64, 56, 56]));
    assert_eq!(
        layer("layer2.0.downsample.0").kernel.as_deref(),
        Some("1×1 / 2")
    );
    assert_eq!(layer("bn1").parameters, 128);
    let last = summary.layers.last().expect("a network has layers");
    assert_eq!((last.name.as_str(), last.kind.as_str()), ("fc", "Linear"));
    assert_eq!(last.output, Some(vec![1000]));
    assert_eq!(last.parameters, 513_000);
    assert_eq!(last.multiply_adds, 512_000);
}

#[test]
fn a_summary_takes_other_inputs_and_classes() {
    let recorder = Device::capture();
    let options = ModelOptions {
        num_classes: Some(7),
        in_channels: Some(1),
        ..ModelOptions::default()
    };
    let summary = summarize("resnet20", &options, Some([28, 20]), &recorder).expect("any size");
    assert_eq!(summary.input, [1, 28, 20]);
    assert_eq!(summary.classes, 7);
    assert_eq!(summary.layers[0].output, Some(vec![16, 28, 20]));
    // Two channels fewer in the first convolution, three classes fewer in the last layer.
    assert_eq!(summary.parameters, 269_722 - 2 * 9 * 16 - 3 * 65);

    let error = summarize(
        "lenet5",
        &ModelOptions::default(),
        Some([28, 28]),
        &recorder,
    );
    let error = error.expect_err("LeNet-5 is for 32×32 only");
    assert!(error.to_string().contains("32×32"), "{error}");
    assert!(error.to_string().contains("28×28"), "{error}");
}

#[test]
fn patterns_and_misspelt_names() {
    let names: Vec<&str> = models("plain1?").iter().map(|info| info.name).collect();
    assert_eq!(names, ["plain18"]);
    assert_eq!(models("resnet*_paper").len(), 3);
    assert!(models("vgg[").is_empty());
    let error = model_info("resnt50").expect_err("misspelt");
    assert_eq!(error.nearest, Some("resnet50"));
    assert!(
        error.to_string().contains("did you mean resnet50?"),
        "{error}"
    );
}

#[test]
fn options_that_no_network_can_have_are_refused() {
    let device = Device::flex();
    let none = ModelOptions {
        num_classes: Some(0),
        ..ModelOptions::default()
    };
    let error = create("resnet20", &none, &device).expect_err("no classes");
    assert!(
        matches!(error, CreateError::OutOfRange { value: 0, .. }),
        "{error}"
    );
    let huge = ModelOptions {
        num_classes: Some(usize::MAX),
        ..ModelOptions::default()
    };
    assert!(create("lenet5", &huge, &device).is_err());
    let no_channel = ModelOptions {
        in_channels: Some(0),
        ..ModelOptions::default()
    };
    let error = create("lenet5_modern", &no_channel, &device).expect_err("no channels");
    assert!(
        error
            .to_string()
            .contains("lenet5_modern cannot have 0 channels"),
        "{error}"
    );
}

#[test]
fn weights_saved_here_load_in_the_architectures_own_crate_and_back() {
    let device = Device::flex();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("resnet20.bpk");
    let images = Tensor::random([2, 3, 32, 32], Distribution::Default, &device);

    let ours = create("resnet20", &ModelOptions::default(), &device).expect("known");
    let expected = ours.forward(images.clone()).into_data();
    ours.save_file(&path).expect("the folder is writable");

    let own = ResNetConfig::new(Variant::R20).init(&device);
    let own = own.try_load_file(&path).expect("the same paths");
    own.forward(images.clone())
        .into_data()
        .assert_eq(&expected, true);

    let fresh = create("resnet20", &ModelOptions::default(), &device).expect("known");
    let info = model_info("resnet20").expect("known");
    let back = load_weights(fresh, info, &path, &device).expect("the same network");
    back.forward(images).into_data().assert_eq(&expected, true);
}

#[test]
fn weights_that_cannot_be_loaded_are_refused_with_their_file() {
    let device = Device::flex();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let resnet = || create("resnet20", &ModelOptions::default(), &device).expect("known");
    let info = model_info("resnet20").expect("known");
    let refuse = |path: &std::path::Path| {
        load_weights(resnet(), info, path, &device).expect_err("not the weights of resnet20")
    };

    let path = folder.path().join("missing.bpk");
    assert!(matches!(refuse(&path), WeightsError::Unreadable { .. }));
    assert!(matches!(
        refuse(folder.path()),
        WeightsError::Unreadable { .. }
    ));

    let path = folder.path().join("other.bpk");
    let other = create("lenet5_modern", &ModelOptions::default(), &device).expect("known");
    other.save_file(&path).expect("the folder is writable");
    let error = refuse(&path);
    assert!(matches!(error, WeightsError::Mismatch { .. }), "{error}");
    assert!(error.to_string().contains("do not fit resnet20"), "{error}");

    let classes = ModelOptions {
        num_classes: Some(3),
        ..ModelOptions::default()
    };
    let path = folder.path().join("classes.bpk");
    create("resnet20", &classes, &device)
        .expect("known")
        .save_file(&path)
        .expect("writable");
    assert!(matches!(refuse(&path), WeightsError::Mismatch { .. }));

    let path = folder.path().join("whole.bpk");
    resnet().save_file(&path).expect("the folder is writable");
    let bytes = std::fs::read(&path).expect("just written");
    for length in [0, 1, 16, 100, bytes.len() / 2, bytes.len() - 1] {
        let path = folder.path().join("cut.bpk");
        std::fs::write(&path, &bytes[..length]).expect("writable");
        let error = refuse(&path);
        assert!(
            matches!(
                error,
                WeightsError::Malformed { .. } | WeightsError::NotWeights { .. }
            ),
            "{length} bytes: {error}"
        );
    }
    let path = folder.path().join("text.bpk");
    std::fs::write(&path, "not weights at all\n".repeat(100)).expect("writable");
    assert!(matches!(refuse(&path), WeightsError::NotWeights { .. }));
}

#[test]
fn every_model_trains_and_scores_images_of_its_size() {
    let device = Device::flex();
    for info in models("*")
        .into_iter()
        .filter(|info| info.input[1] == 32 && info.parameters < 300_000)
    {
        let model = create(info.name, &ModelOptions::default(), &device).expect("a listed name");
        let [channels, height, width] = info.input;
        let images = Tensor::random([2, channels, height, width], Distribution::Default, &device);
        assert_eq!(
            model.forward(images.clone()).dims(),
            [2, info.classes],
            "{}",
            info.name
        );
        assert_eq!(model.embed(images.clone()).dims()[0], 2, "{}", info.name);

        let gradients = device.clone().autodiff();
        let model = model.fork(&gradients).train();
        let images = Tensor::from_inner(images);
        let loss = model.forward_train(images).logits.powi_scalar(2).mean();
        assert!(loss.into_scalar::<f32>().is_finite(), "{}", info.name);
    }
}
