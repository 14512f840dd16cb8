//! What the paper and torchvision say of every network: parameters, resolutions, initial values, heads.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Distribution, Tensor};
use burn_zoo_alexnet::{AlexNetConfig, Classifier, Variant};
use burn_zoo_blocks::trainable_params;

const VARIANTS: [Variant; 3] = [Variant::Torchvision, Variant::Paper, Variant::Cifar];

/// A narrow network, for questions that its width does not matter to.
fn narrow(variant: Variant) -> AlexNetConfig {
    AlexNetConfig::new(variant).with_width(6)
}

fn images(side: usize, device: &Device) -> Tensor<4> {
    Tensor::random([2, 3, side, side], Distribution::Default, device)
}

#[test]
fn every_network_has_its_published_number_of_parameters() {
    let device = Device::flex();
    for (variant, expected) in [
        (Variant::Torchvision, 61_100_840),
        (Variant::Paper, 60_965_224),
        (Variant::Cifar, 5_871_434),
    ] {
        let model = AlexNetConfig::new(variant).init(&device);
        assert_eq!(trainable_params(&model), expected, "{variant:?}");
    }
}

#[test]
fn the_maps_have_the_sizes_of_the_paper() {
    let device = Device::flex();
    type Sizes = &'static [(&'static str, usize, usize)];
    // Name, channels, and height and width. Fig. 2 prints both halves of the channels apart.
    let paper: Sizes = &[
        ("conv1", 96, 55),
        ("norm1", 96, 55),
        ("pool1", 96, 27),
        ("conv2", 256, 27),
        ("norm2", 256, 27),
        ("pool2", 256, 13),
        ("conv3", 384, 13),
        ("conv4", 384, 13),
        ("conv5", 256, 13),
        ("pool5", 256, 6),
    ];
    let torchvision: Sizes = &[
        ("conv1", 64, 55),
        ("pool1", 64, 27),
        ("conv2", 192, 27),
        ("pool2", 192, 13),
        ("conv3", 384, 13),
        ("conv4", 256, 13),
        ("conv5", 256, 13),
        ("pool5", 256, 6),
    ];
    let cifar: Sizes = &[
        ("conv1", 64, 32),
        ("pool1", 64, 15),
        ("conv2", 192, 15),
        ("pool2", 192, 7),
        ("conv3", 384, 7),
        ("conv4", 256, 7),
        ("conv5", 256, 7),
        ("pool5", 256, 3),
    ];
    for (variant, side, hidden, expected) in [
        (Variant::Paper, 224, 4096, paper),
        (Variant::Torchvision, 224, 4096, torchvision),
        (Variant::Cifar, 32, 1024, cifar),
    ] {
        let model = AlexNetConfig::new(variant).init(&device);
        let names: Vec<_> = expected.iter().map(|(name, ..)| *name).collect();
        assert_eq!(model.feature_names(), names, "{variant:?}");
        let images = Tensor::zeros([1, 3, side, side], &device);
        let maps = model
            .features(images.clone(), &names)
            .expect("its own names");
        for (map, (name, channels, side)) in maps.iter().zip(expected) {
            assert_eq!(
                map.dims(),
                [1, *channels, *side, *side],
                "{variant:?}, {name}"
            );
        }
        assert_eq!(model.embed(images).dims(), [1, hidden], "{variant:?}");
    }
}

#[test]
fn the_least_image_leaves_a_pixel_and_others_may_be_oblong() {
    let device = Device::flex();
    for variant in VARIANTS {
        let model = narrow(variant).with_num_classes(4).init(&device);
        let least = variant.min_size();
        let maps = model
            .features(images(least, &device), &["pool5"])
            .expect("a name of every variant");
        assert_eq!(maps[0].dims()[2..], [1, 1], "{variant:?}");
        let oblong = Tensor::zeros([1, 3, least, 2 * least], &device);
        assert_eq!(model.forward(oblong).dims(), [1, 4], "{variant:?}");
    }
}

#[test]
fn channels_and_classes_are_options() {
    let device = Device::flex();
    for variant in VARIANTS {
        let model = narrow(variant)
            .with_in_channels(1)
            .with_num_classes(4)
            .init(&device);
        assert_eq!(model.num_classes(), 4);
        let images = Tensor::zeros([2, 1, 64, 64], &device);
        assert_eq!(model.forward(images).dims(), [2, 4]);
    }
}

/// Every parameter by its PyTorch key, without the names of enum variants.
#[derive(Default)]
struct Parameters {
    path: Vec<String>,
    found: Vec<(String, Vec<f32>)>,
}

impl ModuleVisitor for Parameters {
    fn enter_module(&mut self, name: &str, container: &str) {
        let is_variant = container.starts_with("Enum:");
        self.path.push(if is_variant {
            String::new()
        } else {
            name.to_owned()
        });
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let parts = self.path.iter().filter(|name| !name.is_empty());
        let key = parts.map(String::as_str).collect::<Vec<_>>().join(".");
        let values = param.val().into_data().try_to_vec().expect("f32");
        self.found.push((key, values));
    }
}

fn parameters<M: Module>(model: &M) -> Vec<(String, Vec<f32>)> {
    let mut parameters = Parameters::default();
    model.visit(&mut parameters);
    parameters.found
}

#[test]
fn parameters_carry_torchvisions_keys() {
    let model = narrow(Variant::Torchvision).init(&Device::flex());
    let keys: Vec<_> = parameters(&model).into_iter().map(|(key, _)| key).collect();
    // list(torchvision.models.alexnet().state_dict())
    #[rustfmt::skip]
    let torchvision = [
        "features.0.weight", "features.0.bias", "features.3.weight", "features.3.bias",
        "features.6.weight", "features.6.bias", "features.8.weight", "features.8.bias",
        "features.10.weight", "features.10.bias", "classifier.1.weight", "classifier.1.bias",
        "classifier.4.weight", "classifier.4.bias", "classifier.6.weight", "classifier.6.bias",
    ];
    assert_eq!(keys, torchvision);
}

#[test]
fn the_papers_network_starts_as_section_5_says() {
    let device = Device::flex();
    device.seed(1);
    let model = AlexNetConfig::new(Variant::Paper)
        .with_width(48)
        .init(&device);
    // "the second, fourth, and fifth convolutional layers, as well as [...] the fully-connected hidden layers"
    let ones = [
        "features.4.bias",
        "features.10.bias",
        "features.12.bias",
        "classifier.0.bias",
        "classifier.3.bias",
    ];
    for (key, values) in parameters(&model) {
        if key.ends_with("bias") {
            let expected = if ones.contains(&key.as_str()) {
                1.0
            } else {
                0.0
            };
            assert!(values.iter().all(|bias| *bias == expected), "{key}");
        } else {
            let squares: f64 = values.iter().map(|value| f64::from(*value).powi(2)).sum();
            let std = (squares / values.len() as f64).sqrt();
            assert!((std - 0.01).abs() < 3e-4, "{key}: {std}");
        }
    }
}

#[test]
fn conv2_sees_its_own_half_of_the_channels() {
    let device = Device::flex();
    let model = AlexNetConfig::new(Variant::Paper)
        .with_width(8)
        .init(&device);
    let shapes: Vec<_> = parameters(&model)
        .into_iter()
        .filter(|(key, _)| key.starts_with("features") && key.ends_with("weight"))
        .map(|(_, values)| values.len())
        .collect();
    // Channels: 8, 22, 32, 32, 22.
    let expected = [
        8 * 3 * 121,
        22 * 4 * 25,
        32 * 22 * 9,
        32 * 16 * 9,
        22 * 16 * 9,
    ];
    assert_eq!(shapes, expected);
}

#[test]
fn dropout_is_on_in_training_and_off_in_evaluation() {
    let device = Device::flex().autodiff();
    for variant in VARIANTS {
        let model = AlexNetConfig::new(variant)
            .with_width(16)
            .with_num_classes(4)
            .init(&device);
        let images = images(64, &device);
        let train = || model.forward_train(images.clone()).logits.into_data();
        assert_ne!(train(), train(), "{variant:?}");

        let model = model.valid();
        let evaluate = || model.forward(images.clone().inner()).into_data();
        evaluate().assert_eq(&evaluate(), true);
    }
}

#[test]
fn a_new_head_leaves_the_rest_untouched() {
    let device = Device::flex();
    for variant in VARIANTS {
        let model = narrow(variant).init(&device);
        let images = images(64, &device);
        let before = model.embed(images.clone()).into_data();

        let model = model.with_head(7, &device);
        assert_eq!(model.num_classes(), 7);
        model
            .embed(images.clone())
            .into_data()
            .assert_eq(&before, true);
        assert_eq!(model.forward(images).dims(), [2, 7]);
    }
}

#[test]
fn an_unknown_feature_is_an_error_that_lists_the_known() {
    let device = Device::flex();
    let model = narrow(Variant::Cifar).init(&device);
    let error = model
        .features(images(32, &device), &["conv1", "norm1"])
        .expect_err("only the paper's network normalises");
    assert_eq!(
        error.to_string(),
        "no feature map is called \"norm1\": this network has conv1, pool1, conv2, pool2, conv3, conv4, conv5, pool5"
    );
}

#[test]
#[should_panic(expected = "num_classes is 0")]
fn a_classifier_without_classes_is_refused() {
    let _ = narrow(Variant::Paper)
        .with_num_classes(0)
        .init(&Device::flex());
}

#[test]
#[should_panic(expected = "it is 1")]
fn dropping_everything_is_refused() {
    let _ = narrow(Variant::Paper)
        .with_dropout(1.0)
        .init(&Device::flex());
}
