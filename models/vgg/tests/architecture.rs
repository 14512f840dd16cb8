//! What the tables of the paper say of every network: parameters, resolutions, feature maps, heads.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Distribution, Tensor, Tolerance};
use burn_zoo_blocks::trainable_params;
use burn_zoo_vgg::{Classifier, Variant, VggConfig};

const ALL: [Variant; 12] = [
    Variant::Vgg11,
    Variant::Vgg11Lrn,
    Variant::Vgg13,
    Variant::Vgg16C,
    Variant::Vgg16,
    Variant::Vgg19,
    Variant::Vgg11Bn,
    Variant::Vgg13Bn,
    Variant::Vgg16Bn,
    Variant::Vgg19Bn,
    Variant::CifarVgg11Bn,
    Variant::CifarVgg16Bn,
];

fn narrow(variant: Variant) -> VggConfig {
    VggConfig::new(variant).with_width(2).with_num_classes(5)
}

fn random(shape: [usize; 4], device: &Device) -> Tensor<4> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}

#[test]
fn every_network_has_its_published_number_of_parameters() {
    // The paper's Table 2 rounds them to 133, 133, 134, 138 and 144 million.
    let published = [
        (Variant::Vgg11, 132_863_336),
        (Variant::Vgg11Lrn, 132_863_336),
        (Variant::Vgg13, 133_047_848),
        (Variant::Vgg16C, 133_638_952),
        (Variant::Vgg16, 138_357_544),
        (Variant::Vgg19, 143_667_240),
        (Variant::Vgg11Bn, 132_868_840),
        (Variant::Vgg13Bn, 133_053_736),
        (Variant::Vgg16Bn, 138_365_992),
        (Variant::Vgg19Bn, 143_678_248),
        (Variant::CifarVgg11Bn, 9_231_114),
        (Variant::CifarVgg16Bn, 14_728_266),
    ];
    for (variant, expected) in published {
        let model = VggConfig::new(variant).init(&Device::flex());
        assert_eq!(trainable_params(&model), expected, "{variant:?}");
    }
}

#[test]
fn every_block_doubles_the_width_and_halves_the_resolution() {
    let device = Device::flex();
    let names = ["block1", "block2", "block3", "block4", "block5", "pool5"];
    for variant in ALL {
        let model = narrow(variant).with_in_channels(1).init(&device);
        assert_eq!(model.feature_names(), names);
        let images = Tensor::zeros([1, 1, 224, 64], &device);
        let maps = model.features(images, &names).expect("its own names");
        let found: Vec<_> = maps.iter().map(|map| map.dims()).collect();
        let expected = [
            [1, 2, 224, 64],
            [1, 4, 112, 32],
            [1, 8, 56, 16],
            [1, 16, 28, 8],
            [1, 16, 14, 4],
            [1, 16, 7, 2],
        ];
        assert_eq!(found, expected, "{variant:?}");
    }
}

#[test]
fn maps_are_shown_rectified_and_before_their_pooling() {
    let device = Device::flex();
    let model = narrow(Variant::Vgg11).init(&device);
    let maps = model
        .features(random([1, 3, 32, 32], &device), &["block5", "pool5"])
        .expect("its own names");
    let least = maps[0].clone().min().into_scalar::<f32>();
    assert_eq!(least, 0.0);
    let most = maps[0].clone().max_dim(3).max_dim(2);
    most.into_data().assert_eq(&maps[1].to_data(), true);
}

#[test]
fn the_embedding_is_what_the_last_layer_reads() {
    let device = Device::flex();
    let images = random([2, 3, 48, 80], &device);
    for (variant, width) in [(Variant::Vgg11, 128), (Variant::CifarVgg11Bn, 16)] {
        assert_eq!(
            narrow(variant).init(&device).embed(images.clone()).dims(),
            [2, width]
        );
    }
    let model = narrow(Variant::CifarVgg11Bn).init(&device);
    let maps = model
        .features(images.clone(), &["pool5"])
        .expect("its own name");
    let means = maps[0].clone().mean_dim(3).mean_dim(2).flatten::<2>(1, 3);
    let tolerance = Tolerance::<f32>::relative(1e-4);
    model
        .embed(images)
        .into_data()
        .assert_approx_eq(&means.into_data(), tolerance);
}

#[test]
fn the_least_size_passes_and_is_the_least() {
    let device = Device::flex();
    for variant in ALL {
        let side = variant.min_size();
        let model = narrow(variant).init(&device);
        assert_eq!(
            model.forward(random([1, 3, side, side], &device)).dims(),
            [1, 5]
        );
        let images = random([1, 3, side, side], &device);
        let maps = model.features(images, &["pool5"]).expect("its own name");
        assert_eq!(maps[0].dims()[2..], [1, 1], "{variant:?}");
    }
}

#[test]
fn a_new_head_leaves_the_rest_untouched() {
    let device = Device::flex();
    let images = random([1, 3, 32, 32], &device);
    for variant in [Variant::Vgg16, Variant::CifarVgg16Bn] {
        let model = narrow(variant).init(&device);
        assert_eq!(model.num_classes(), 5);
        let before = model.embed(images.clone()).into_data();

        let model = model.with_head(7, &device);
        assert_eq!(model.num_classes(), 7);
        model
            .embed(images.clone())
            .into_data()
            .assert_eq(&before, true);
        assert_eq!(model.forward(images.clone()).dims(), [1, 7]);
    }
}

#[test]
fn dropout_acts_in_training_only() {
    let config = narrow(Variant::Vgg11);
    let differs = |config: &VggConfig, device: &Device| {
        device.seed(1);
        let model = config.init(device);
        let images = random([2, 3, 32, 32], device);
        let once = model.forward(images.clone()).into_data();
        once != model.forward(images).into_data()
    };
    let training = Device::flex().autodiff();
    assert!(differs(&config, &training));
    assert!(!differs(&config.clone().with_dropout(0.0), &training));
    assert!(!differs(&config, &Device::flex()));
}

#[test]
fn an_unknown_feature_is_an_error_that_lists_the_known() {
    let device = Device::flex();
    let error = narrow(Variant::Vgg11)
        .init(&device)
        .features(Tensor::zeros([1, 3, 32, 32], &device), &["pool5", "block6"])
        .expect_err("there are five blocks");
    assert_eq!(
        error.to_string(),
        "no feature map is called \"block6\": this network has block1, block2, block3, block4, block5, pool5"
    );
}

/// Every parameter's path without the names of enum variants, and the numbers that it starts with.
#[derive(Default)]
struct Parameters {
    path: Vec<String>,
    found: Vec<(String, Vec<f32>)>,
}

impl ModuleVisitor for Parameters {
    fn enter_module(&mut self, name: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.path.push(name.to_owned());
        }
    }
    fn exit_module(&mut self, _name: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.path.pop();
        }
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let values = param.val().into_data().try_to_vec().expect("f32");
        self.found.push((self.path.join("."), values));
    }
}

fn parameters(config: &VggConfig) -> Vec<(String, Vec<f32>)> {
    let mut visitor = Parameters::default();
    config.init(&Device::flex()).visit(&mut visitor);
    visitor.found
}

#[test]
fn parameters_carry_torchvisions_keys() {
    let layers = |variant: Variant| {
        let keys = parameters(&narrow(variant)).into_iter().map(|(key, _)| key);
        keys.filter_map(|key| key.strip_suffix(".weight").map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let numbered = |numbers: &[usize]| {
        let features = numbers.iter().map(|number| format!("features.{number}"));
        let classifier = [0, 3, 6].map(|number| format!("classifier.{number}"));
        features.chain(classifier).collect::<Vec<_>>()
    };
    assert_eq!(
        layers(Variant::Vgg11),
        numbered(&[0, 3, 6, 8, 11, 13, 16, 18])
    );
    assert_eq!(
        layers(Variant::Vgg11Lrn),
        numbered(&[0, 4, 7, 9, 12, 14, 17, 19])
    );
    assert_eq!(
        layers(Variant::Vgg11Bn),
        numbered(&[0, 4, 8, 11, 15, 18, 22, 25])
    );
    assert_eq!(
        layers(Variant::Vgg16),
        numbered(&[0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28])
    );
    assert_eq!(layers(Variant::Vgg16C), layers(Variant::Vgg16));
    assert_eq!(
        layers(Variant::CifarVgg11Bn).last().expect("layers"),
        "classifier"
    );
}

#[test]
fn weights_start_as_in_torchvision() {
    Device::flex().seed(3);
    let config = VggConfig::new(Variant::Vgg11).with_width(16);
    for (key, values) in parameters(&config) {
        let squares = values
            .iter()
            .map(|value| f64::from(*value).powi(2))
            .sum::<f64>();
        let std = (squares / values.len() as f64).sqrt();
        if key.ends_with("bias") {
            assert_eq!(std, 0.0, "{key}");
            continue;
        }
        let expected = match key.as_str() {
            "features.0.weight" => (2.0 / (16.0 * 9.0f64)).sqrt(),
            "features.3.weight" => (2.0 / (32.0 * 9.0f64)).sqrt(),
            "features.6.weight" | "features.8.weight" => (2.0 / (64.0 * 9.0f64)).sqrt(),
            key if key.starts_with("features") => (2.0 / (128.0 * 9.0f64)).sqrt(),
            _ => 0.01,
        };
        assert!(
            (std / expected - 1.0).abs() < 0.1,
            "{key}: {std}, not {expected}"
        );
    }
}

#[test]
#[should_panic(expected = "num_classes is 0")]
fn a_classifier_without_classes_is_refused() {
    let _ = VggConfig::new(Variant::Vgg16)
        .with_num_classes(0)
        .init(&Device::flex());
}

#[test]
#[should_panic(expected = "dropout is a probability from 0 to below 1: it is 1")]
fn a_dropout_of_everything_is_refused() {
    let _ = narrow(Variant::Vgg16)
        .with_dropout(1.0)
        .init(&Device::flex());
}
