//! What the paper says of the network: parameters, resolutions, initial values, heads.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Distribution, Tensor};
use burn_zoo_blocks::trainable_params;
use burn_zoo_zfnet::{Classifier, Variant, ZfNetConfig};

const VARIANTS: [Variant; 2] = [Variant::ImageNet, Variant::Cifar];

/// A narrow network, for questions that its width does not matter to.
fn narrow(variant: Variant) -> ZfNetConfig {
    ZfNetConfig::new(variant).with_width(6)
}

fn images(side: usize, device: &Device) -> Tensor<4> {
    Tensor::random([2, 3, side, side], Distribution::Default, device)
}

#[test]
fn every_network_has_its_number_of_parameters() {
    let device = Device::flex();
    for (variant, expected) in [(Variant::ImageNet, 62_357_608), (Variant::Cifar, 5_835_914)] {
        let model = ZfNetConfig::new(variant).init(&device);
        assert_eq!(trainable_params(&model), expected, "{variant:?}");
    }
}

#[test]
fn the_maps_have_the_sizes_of_fig_3() {
    let device = Device::flex();
    type Sizes = [(&'static str, usize, usize); 10];
    let imagenet: Sizes = [
        ("conv1", 96, 110),
        ("pool1", 96, 55),
        ("norm1", 96, 55),
        ("conv2", 256, 26),
        ("pool2", 256, 13),
        ("norm2", 256, 13),
        ("conv3", 384, 13),
        ("conv4", 384, 13),
        ("conv5", 256, 13),
        ("pool5", 256, 6),
    ];
    let cifar: Sizes = [
        ("conv1", 96, 32),
        ("pool1", 96, 16),
        ("norm1", 96, 16),
        ("conv2", 256, 8),
        ("pool2", 256, 4),
        ("norm2", 256, 4),
        ("conv3", 384, 4),
        ("conv4", 384, 4),
        ("conv5", 256, 4),
        ("pool5", 256, 2),
    ];
    for (variant, side, hidden, expected) in [
        (Variant::ImageNet, 224, 4096, imagenet),
        (Variant::Cifar, 32, 1024, cifar),
    ] {
        let model = ZfNetConfig::new(variant).init(&device);
        let names = expected.map(|(name, ..)| name);
        assert_eq!(model.feature_names(), names);
        let images = Tensor::zeros([1, 3, side, side], &device);
        let maps = model
            .features(images.clone(), &names)
            .expect("its own names");
        for (map, (name, channels, side)) in maps.iter().zip(expected) {
            assert_eq!(map.dims(), [1, channels, side, side], "{variant:?}, {name}");
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

#[test]
fn the_network_starts_as_the_paper_says() {
    /// Asserts it of every parameter.
    #[derive(Default)]
    struct WeightInit {
        path: Vec<String>,
        parameters: usize,
    }
    impl ModuleVisitor for WeightInit {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.parameters += 1;
            let squares = param.val().square().mean().into_scalar::<f32>();
            let expected = if D == 1 { 0.0 } else { 0.01 };
            let std = squares.sqrt();
            assert!((std - expected).abs() < 3e-4, "{:?}: {std}", self.path);
        }
    }
    let device = Device::flex();
    device.seed(1);
    let mut start = WeightInit::default();
    ZfNetConfig::new(Variant::ImageNet)
        .with_width(48)
        .init(&device)
        .visit(&mut start);
    assert_eq!(start.parameters, 16);
}

#[test]
fn dropout_is_on_in_training_and_off_in_evaluation() {
    let device = Device::flex().autodiff();
    for variant in VARIANTS {
        let model = ZfNetConfig::new(variant)
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
        .features(images(32, &device), &["conv1", "layer1"])
        .expect_err("layers have names of their own");
    assert_eq!(
        error.to_string(),
        "no feature map is called \"layer1\": this network has conv1, pool1, norm1, conv2, pool2, norm2, conv3, conv4, \
         conv5, pool5"
    );
}

#[test]
#[should_panic(expected = "in_channels is 0")]
fn images_without_channels_are_refused() {
    let _ = narrow(Variant::ImageNet)
        .with_in_channels(0)
        .init(&Device::flex());
}
