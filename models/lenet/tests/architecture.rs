//! What the paper says of LeNet-5: parameters, resolutions, outputs.

use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor};
use burn_zoo_blocks::trainable_params;
use burn_zoo_lenet::{Classifier, LeNet, LeNetConfig, Output, Variant};

fn images(batch: usize) -> Tensor<4> {
    Tensor::random([batch, 1, 32, 32], Distribution::Default, &Device::flex())
}

#[test]
fn the_published_network_has_60_000_parameters() {
    let device = Device::flex();
    let model = LeNetConfig::new(Variant::Published).init(&device);
    // The 840 values of the bitmaps are fixed and therefore not among them.
    assert_eq!(
        trainable_params(&model),
        156 + 12 + 1_516 + 32 + 48_120 + 10_164
    );
    assert_eq!(model.num_params(), 60_000);

    let softmax = LeNetConfig::new(Variant::Published)
        .with_output(Output::Softmax)
        .init(&device);
    assert_eq!(trainable_params(&softmax), 60_000 + 850);
    assert_eq!(
        trainable_params(&LeNetConfig::new(Variant::Modern).init(&device)),
        61_706
    );
}

#[test]
fn maps_have_the_sizes_of_figure_2() {
    let device = Device::flex();
    let sizes = |model: &LeNet| -> Vec<[usize; 2]> {
        let maps = model
            .features(images(1), &model.feature_names())
            .expect("its own names");
        maps.iter()
            .map(|map| [map.dims()[1], map.dims()[2]])
            .collect()
    };
    let published = LeNetConfig::new(Variant::Published).init(&device);
    assert_eq!(published.feature_names(), ["c1", "s2", "c3", "s4", "c5"]);
    assert_eq!(
        sizes(&published),
        [[6, 28], [6, 14], [16, 10], [16, 5], [120, 1]]
    );

    let modern = LeNetConfig::new(Variant::Modern).init(&device);
    assert_eq!(modern.feature_names(), ["conv1", "pool1", "conv2", "pool2"]);
    assert_eq!(sizes(&modern), [[6, 28], [6, 14], [16, 10], [16, 5]]);
}

#[test]
fn scores_of_the_bitmap_outputs_are_within_the_distances_that_exist() {
    let model = LeNetConfig::new(Variant::Published).init(&Device::flex());
    let scores = model.forward(images(3));
    assert_eq!(scores.dims(), [3, 10]);
    // 84 values within ±1.7159 are at most 84 · 2.7159² away from signs.
    assert!(scores.clone().max().into_scalar::<f32>() < 0.0);
    assert!(scores.min().into_scalar::<f32>() > -84.0 * 2.7159 * 2.7159);
}

#[test]
fn other_numbers_of_classes_get_a_linear_output() {
    let device = Device::flex();
    for variant in [Variant::Published, Variant::Modern] {
        let model = LeNetConfig::new(variant).with_num_classes(62).init(&device);
        assert_eq!(model.num_classes(), 62);
        assert_eq!(model.forward(images(2)).dims(), [2, 62]);
    }
}

#[test]
fn a_new_head_leaves_the_rest_untouched() {
    let device = Device::flex();
    for variant in [Variant::Published, Variant::Modern] {
        let model = LeNetConfig::new(variant).init(&device);
        let image = images(1);
        let before = model.embed(image.clone()).into_data();
        let model = model.with_head(3, &device);
        assert_eq!(model.num_classes(), 3);
        assert_eq!(model.forward(image.clone()).dims(), [1, 3]);
        model.embed(image).into_data().assert_eq(&before, true);
    }
    // The bitmaps stay for ten classes.
    let model = LeNetConfig::new(Variant::Published)
        .init(&device)
        .with_head(10, &device);
    assert_eq!(trainable_params(&model), 60_000);
}

#[test]
fn images_may_have_colours() {
    let device = Device::flex();
    let model = LeNetConfig::new(Variant::Modern)
        .with_in_channels(3)
        .init(&device);
    assert_eq!(
        model.forward(Tensor::zeros([1, 3, 32, 32], &device)).dims(),
        [1, 10]
    );
    assert_eq!(trainable_params(&model), 61_706 + 2 * 6 * 25);
}
