//! What the tables of the paper say of every network: parameters, resolutions, feature maps, heads.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use burn_zoo_blocks::trainable_params;
use burn_zoo_resnet::{Classifier, Depth, ResNetConfig, Shortcut, Variant};

fn parameters(config: &ResNetConfig) -> usize {
    trainable_params(&config.init(&Device::flex()))
}

#[test]
fn every_network_has_its_published_number_of_parameters() {
    // ImageNet: torchvision's figures, and the paper's plain networks; CIFAR: section 4.2; the rest: known from
    // CIFAR-sized ResNets in PyTorch.
    let published = [
        (Variant::R18, 11_689_512),
        (Variant::R34, 21_797_672),
        (Variant::R50, 25_557_032),
        (Variant::R101, 44_549_160),
        (Variant::R152, 60_192_808),
        (Variant::R50Paper, 25_557_032),
        (Variant::R101Paper, 44_549_160),
        (Variant::R152Paper, 60_192_808),
        (Variant::Plain18, 11_515_688),
        (Variant::Plain34, 21_623_848),
        (Variant::R20, 269_722),
        (Variant::R32, 464_154),
        (Variant::R44, 658_586),
        (Variant::R56, 853_018),
        (Variant::R110, 1_727_962),
        (Variant::Plain20, 269_722),
        (Variant::Plain32, 464_154),
        (Variant::Plain44, 658_586),
        (Variant::Plain56, 853_018),
        (Variant::CifarR18, 11_173_962),
        (Variant::CifarR34, 21_282_122),
        (Variant::CifarR50, 23_520_842),
    ];
    for (variant, expected) in published {
        assert_eq!(
            parameters(&ResNetConfig::new(variant)),
            expected,
            "{variant:?}"
        );
    }
}

#[test]
fn a_depth_is_torchvisions_network() {
    for (depth, variant) in [
        (Depth::R18, Variant::R18),
        (Depth::R34, Variant::R34),
        (Depth::R50, Variant::R50),
        (Depth::R101, Variant::R101),
        (Depth::R152, Variant::R152),
    ] {
        assert_eq!(ResNetConfig::new(depth), ResNetConfig::new(variant));
    }
}

#[test]
fn shortcut_options_cost_what_table_3_compares() {
    let with = |shortcut| parameters(&ResNetConfig::new(Depth::R34).with_shortcut(shortcut));
    let plain = parameters(&ResNetConfig::new(Variant::Plain34));
    assert_eq!(with(Shortcut::ZeroPad), plain);
    assert_eq!(with(Shortcut::ProjectOnChange), 21_797_672);
    // Option C projects the other 13 units too: a square 1×1 convolution and a normalisation each.
    let square = |width: usize| width * width + 2 * width;
    let more = 3 * square(64) + 3 * square(128) + 5 * square(256) + 2 * square(512);
    assert_eq!(with(Shortcut::ProjectAlways), 21_797_672 + more);
}

#[test]
fn the_stages_have_the_resolutions_of_table_1() {
    let device = Device::flex();
    let names = ["relu", "layer1", "layer2", "layer3", "layer4"];
    for (variant, side, expected) in [
        (
            Variant::R18,
            224,
            vec![[4, 112], [4, 56], [8, 28], [16, 14], [32, 7]],
        ),
        (
            Variant::R50Paper,
            96,
            vec![[4, 48], [16, 24], [32, 12], [64, 6], [128, 3]],
        ),
        (
            Variant::CifarR50,
            32,
            vec![[4, 32], [16, 32], [32, 16], [64, 8], [128, 4]],
        ),
        (Variant::R20, 32, vec![[4, 32], [4, 32], [8, 16], [16, 8]]),
    ] {
        let model = ResNetConfig::new(variant)
            .with_width(4)
            .with_in_channels(1)
            .init(&device);
        let names = &names[..expected.len()];
        assert_eq!(model.feature_names(), names);
        let images = Tensor::zeros([1, 1, side, side], &device);
        let maps = model
            .features(images.clone(), names)
            .expect("its own names");
        let found: Vec<_> = maps
            .iter()
            .map(|map| [map.dims()[1], map.dims()[3]])
            .collect();
        assert_eq!(found, expected, "{variant:?}");
        assert_eq!(
            model.embed(images).dims(),
            [1, expected[expected.len() - 1][0]]
        );
    }
}

#[test]
fn the_embedding_is_the_mean_of_the_last_map() {
    let device = Device::flex();
    let model = ResNetConfig::new(Variant::R20).with_width(4).init(&device);
    let images = Tensor::random([2, 3, 32, 32], burn::tensor::Distribution::Default, &device);
    let maps = model
        .features(images.clone(), &["layer3"])
        .expect("layer3 exists");
    let means = maps[0].clone().mean_dim(3).mean_dim(2).flatten::<2>(1, 3);
    let tolerance = burn::tensor::Tolerance::<f32>::relative(1e-4);
    model
        .embed(images)
        .into_data()
        .assert_approx_eq(&means.into_data(), tolerance);
}

#[test]
fn an_unknown_feature_is_an_error_that_lists_the_known() {
    let device = Device::flex();
    let model = ResNetConfig::new(Variant::R20).with_width(4).init(&device);
    let error = model
        .features(
            Tensor::zeros([1, 3, 32, 32], &device),
            &["layer1", "layer4"],
        )
        .expect_err("a CIFAR network has three stages");
    assert_eq!(
        error.to_string(),
        "no feature map is called \"layer4\": this network has relu, layer1, layer2, layer3"
    );
}

#[test]
fn a_new_head_leaves_the_rest_untouched() {
    let device = Device::flex();
    let model = ResNetConfig::new(Depth::R18).with_width(4).init(&device);
    assert_eq!(model.num_classes(), 1000);
    let images = Tensor::random([1, 3, 32, 32], burn::tensor::Distribution::Default, &device);
    let before = model.embed(images.clone()).into_data();

    let model = model.with_head(7, &device);
    assert_eq!(model.num_classes(), 7);
    model
        .embed(images.clone())
        .into_data()
        .assert_eq(&before, true);
    assert_eq!(model.forward(images).dims(), [1, 7]);
}

#[test]
fn parameters_carry_torchvisions_keys() {
    #[derive(Default)]
    struct Paths {
        path: Vec<String>,
        found: Vec<String>,
    }
    impl ModuleVisitor for Paths {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, _param: &Param<Tensor<D>>) {
            self.found.push(self.path.join("."));
        }
    }
    let mut paths = Paths::default();
    ResNetConfig::new(Depth::R50)
        .with_width(4)
        .init(&Device::flex())
        .visit(&mut paths);
    for key in [
        "conv1.weight",
        "bn1.running_var",
        "layer1.0.conv3.weight",
        "layer2.0.downsample.0.weight",
        "layer2.0.downsample.1.running_mean",
        "layer4.2.bn2.gamma", // Burn's name for a normalisation's weight
        "fc.bias",
    ] {
        assert!(
            paths.found.iter().any(|path| path == key),
            "{key} is not among {:?}",
            paths.found
        );
    }
    // torchvision's resnet50 has 320 tensors, of which 53 count batches.
    assert_eq!(paths.found.len(), 320 - 53);
}

#[test]
#[should_panic(expected = "num_classes is 0")]
fn a_classifier_without_classes_is_refused() {
    let _ = ResNetConfig::new(Depth::R18)
        .with_num_classes(0)
        .init(&Device::flex());
}
