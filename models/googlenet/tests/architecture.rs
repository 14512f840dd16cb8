//! What the paper says of the network: parameters, sizes, auxiliary heads, and what a configuration may change.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Distribution, Tensor, Tolerance};
use burn_zoo_blocks::trainable_params;
use burn_zoo_googlenet::{Classifier, GoogLeNet, GoogLeNetConfig, Variant};

fn narrow(variant: Variant) -> GoogLeNetConfig {
    GoogLeNetConfig::new(variant)
        .with_width(4)
        .with_num_classes(5)
}

fn random(shape: [usize; 4], device: &Device) -> Tensor<4> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}

#[test]
fn every_network_has_its_number_of_parameters() {
    for (variant, without, with) in [
        (Variant::Torchvision, 6_624_904, 13_004_888),
        (Variant::Paper, 6_998_552, 13_378_280),
        // Ten classes: 990·1025 fewer in the last layer, 990·1025 in each auxiliary one; a first kernel of 3×3.
        (
            Variant::Cifar,
            6_624_904 - 990 * 1025 - (49 - 9) * 3 * 64,
            13_004_888 - 3 * 990 * 1025 - (49 - 9) * 3 * 64,
        ),
    ] {
        let parameters = |aux| {
            let config = GoogLeNetConfig::new(variant).with_aux(aux);
            trainable_params(&config.init(&Device::flex()))
        };
        assert_eq!(parameters(false), without, "{variant:?}");
        assert_eq!(parameters(true), with, "{variant:?} with auxiliary heads");
    }
}

#[test]
fn auxiliary_heads_are_there_unless_the_images_are_small() {
    for (variant, heads) in [
        (Variant::Torchvision, 2),
        (Variant::Paper, 2),
        (Variant::Cifar, 0),
    ] {
        let device = Device::flex();
        let model = narrow(variant).with_input_size([96, 96]).init(&device);
        let answer = model.forward_train(random([1, 3, 96, 96], &device));
        assert_eq!(answer.aux.len(), heads, "{variant:?}");
    }
}

/// Name, channels at a sixteenth of the width, and side of every map of Table 1.
type Size = (&'static str, usize, usize);

fn assert_sizes(model: &GoogLeNet, side: usize, expected: &[Size]) {
    let names: Vec<_> = expected.iter().map(|(name, ..)| *name).collect();
    assert_eq!(model.feature_names(), names);
    let device = Device::flex();
    let images = Tensor::zeros([1, 3, side, side], &device);
    let maps = model.features(images, &names).expect("its own names");
    for ((name, channels, side), map) in expected.iter().zip(maps) {
        assert_eq!(map.dims(), [1, *channels, *side, *side], "{name}");
    }
}

#[test]
fn every_map_has_the_size_of_table_1() {
    // Channels of the table divided by 16, rounded up branch by branch.
    let expected: [Size; 16] = [
        ("conv1", 4, 112),
        ("maxpool1", 4, 56),
        ("conv2", 4, 56),
        ("conv3", 12, 56),
        ("maxpool2", 12, 28),
        ("inception3a", 16, 28),
        ("inception3b", 30, 28),
        ("maxpool3", 30, 14),
        ("inception4a", 32, 14),
        ("inception4b", 32, 14),
        ("inception4c", 32, 14),
        ("inception4d", 33, 14),
        ("inception4e", 52, 14),
        ("maxpool4", 52, 7),
        ("inception5a", 52, 7),
        ("inception5b", 64, 7),
    ];
    for variant in [Variant::Torchvision, Variant::Paper] {
        assert_sizes(&narrow(variant).init(&Device::flex()), 224, &expected);
    }

    let small = expected
        .iter()
        .filter(|(name, ..)| *name != "maxpool1")
        .copied();
    let small: Vec<Size> = small
        .map(|(name, channels, side)| match side {
            112 | 56 => (name, channels, 32),
            28 => (name, channels, 16),
            14 => (name, channels, 8),
            _ => (name, channels, 4),
        })
        .collect();
    assert_sizes(&narrow(Variant::Cifar).init(&Device::flex()), 32, &small);
}

#[test]
fn the_widths_at_full_size_are_those_of_table_1() {
    let device = Device::flex();
    let model = GoogLeNetConfig::new(Variant::Torchvision)
        .with_aux(false)
        .init(&device);
    let names = [
        "inception3a",
        "inception3b",
        "inception4a",
        "inception4b",
        "inception4c",
        "inception4d",
    ];
    let images = Tensor::zeros([1, 3, 32, 32], &device);
    let maps = model
        .features(images.clone(), &names)
        .expect("its own names");
    let channels: Vec<_> = maps.iter().map(|map| map.dims()[1]).collect();
    assert_eq!(channels, [256, 480, 512, 512, 512, 528]);
    let maps = model
        .features(images.clone(), &["inception4e", "inception5a"])
        .expect("its own names");
    let channels: Vec<_> = maps.iter().map(|map| map.dims()[1]).collect();
    assert_eq!(channels, [832, 832]);
    assert_eq!(model.embed(images).dims(), [1, 1024]);
}

#[test]
fn the_auxiliary_heads_leave_the_scores_alone() {
    let device = Device::flex();
    for variant in [Variant::Torchvision, Variant::Paper] {
        let model = narrow(variant).init(&device);
        let images = random([2, 3, 224, 224], &device);
        let answer = model.forward_train(images.clone());
        let weights: Vec<_> = answer.aux.iter().map(|head| head.weight).collect();
        assert_eq!(weights, [0.3, 0.3]);
        for head in &answer.aux {
            assert_eq!(head.logits.dims(), [2, 5]);
        }
        let logits = model.forward(images).into_data();
        answer.logits.into_data().assert_eq(&logits, true);
    }
}

#[test]
fn evaluation_does_not_run_the_auxiliary_heads() {
    // The heads of a network made for 224×224 cannot read the maps of an image of 64×64.
    let device = Device::flex();
    let model = narrow(Variant::Paper).init(&device);
    let images = random([1, 3, 64, 64], &device);
    assert_eq!(model.forward(images.clone()).dims(), [1, 5]);
    assert_eq!(model.embed(images).dims(), [1, 64]);
}

#[test]
#[should_panic(expected = "the auxiliary heads read 4×4 averages, and a map of 4×4 pixels has 0×0")]
fn training_on_another_size_than_the_papers_heads_expect_is_refused() {
    let device = Device::flex();
    let model = narrow(Variant::Paper).init(&device);
    let _ = model.forward_train(random([1, 3, 64, 64], &device));
}

#[test]
#[should_panic(expected = "need images of 79×79 or more: the input size is 78×224")]
fn images_too_small_for_the_papers_heads_are_refused() {
    let _ = narrow(Variant::Paper)
        .with_input_size([78, 224])
        .init(&Device::flex());
}

#[test]
fn the_papers_heads_follow_the_input_size() {
    let device = Device::flex();
    let model = narrow(Variant::Paper)
        .with_input_size([79, 130])
        .init(&device);
    let answer = model.forward_train(random([1, 3, 79, 130], &device));
    assert_eq!(answer.aux.len(), 2);
}

#[test]
fn the_least_size_leaves_what_the_last_window_needs() {
    let device = Device::flex();
    for variant in [Variant::Torchvision, Variant::Paper, Variant::Cifar] {
        let model = narrow(variant).with_aux(false).init(&device);
        let least = variant.min_size();
        let pooled = |side: usize| {
            let images = random([1, 3, side, side], &device);
            let names = ["maxpool2", "maxpool3", "maxpool4"];
            let maps = model.features(images, &names).expect("its own names");
            maps.iter().map(|map| map.dims()[2]).collect::<Vec<_>>()
        };
        assert_eq!(
            model.forward(random([1, 3, least, least], &device)).dims(),
            [1, 5]
        );
        assert_eq!(*pooled(least).last().expect("three maps"), 1, "{variant:?}");
        // The last pooling reads two pixels where its window has three, one where it has two.
        let maps = pooled(least);
        let window = if variant == Variant::Paper { 2 } else { 1 };
        assert_eq!(maps[1], window, "{variant:?}: {maps:?}");
    }
}

#[test]
fn dropout_acts_in_training_only() {
    let device = Device::flex();
    let images = random([2, 3, 64, 64], &device);
    let model = narrow(Variant::Torchvision).init(&device);
    let once = model.forward_train(images.clone());
    let again = model.forward_train(images.clone());
    once.logits
        .into_data()
        .assert_eq(&again.logits.into_data(), true);
    once.aux[0]
        .logits
        .clone()
        .into_data()
        .assert_eq(&again.aux[0].logits.clone().into_data(), true);

    // Without batch normalisation, so that nothing else changes from step to step.
    let device = Device::flex().autodiff();
    let images = random([2, 3, 96, 96], &device);
    let config = narrow(Variant::Paper).with_input_size([96, 96]);
    let step = |config: &GoogLeNetConfig| {
        device.seed(1);
        let model = config.init(&device);
        let once = model.forward_train(images.clone());
        let again = model.forward_train(images.clone());
        (
            once.logits.into_data() != again.logits.into_data(),
            once.aux[0].logits.clone().into_data() != again.aux[0].logits.clone().into_data(),
        )
    };
    assert_eq!(step(&config.clone().with_dropout(0.9)), (true, true));
    assert_eq!(step(&config.clone().with_dropout(0.0)), (false, true));
    assert_eq!(
        step(&config.clone().with_dropout(0.9).with_aux_dropout(0.0)),
        (true, false)
    );
    assert_eq!(
        step(&config.with_dropout(0.0).with_aux_dropout(0.0)),
        (false, false)
    );
}

#[test]
fn a_new_head_replaces_the_auxiliary_ones_too() {
    let device = Device::flex();
    let images = random([1, 3, 64, 64], &device);
    let model = narrow(Variant::Torchvision).init(&device);
    let before = model.embed(images.clone()).into_data();

    let model = model.with_head(7, &device);
    assert_eq!(model.num_classes(), 7);
    model
        .embed(images.clone())
        .into_data()
        .assert_eq(&before, true);
    let answer = model.forward_train(images);
    assert_eq!(answer.logits.dims(), [1, 7]);
    for head in answer.aux {
        assert_eq!(head.logits.dims(), [1, 7]);
    }
}

#[test]
fn the_embedding_is_the_mean_of_the_last_map() {
    let device = Device::flex();
    let model = narrow(Variant::Cifar).init(&device);
    let images = random([2, 3, 32, 48], &device);
    let maps = model
        .features(images.clone(), &["inception5b"])
        .expect("its own name");
    let means = maps[0].clone().mean_dim(3).mean_dim(2).flatten::<2>(1, 3);
    let tolerance = Tolerance::<f32>::relative(1e-4);
    model
        .embed(images)
        .into_data()
        .assert_approx_eq(&means.into_data(), tolerance);
}

#[test]
fn grey_images_have_a_first_convolution_of_one_channel() {
    let device = Device::flex();
    let model = narrow(Variant::Torchvision)
        .with_in_channels(1)
        .init(&device);
    assert_eq!(
        model.forward(random([1, 1, 64, 64], &device)).dims(),
        [1, 5]
    );
}

#[test]
#[should_panic(
    expected = "transform_input rescales the three channels of RGB images: in_channels is 1"
)]
fn grey_images_cannot_be_rescaled() {
    let config = narrow(Variant::Torchvision)
        .with_in_channels(1)
        .with_transform_input(true);
    let _ = config.init(&Device::flex());
}

#[test]
#[should_panic(expected = "num_classes is 0")]
fn a_classifier_without_classes_is_refused() {
    let _ = GoogLeNetConfig::new(Variant::Paper)
        .with_num_classes(0)
        .init(&Device::flex());
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
    narrow(Variant::Torchvision)
        .init(&Device::flex())
        .visit(&mut paths);
    for key in [
        "conv1.conv.weight",
        "conv3.bn.running_var",
        "inception3a.branch1.conv.weight",
        "inception4e.branch2.1.conv.weight",
        "inception5b.branch3.0.bn.running_mean",
        "inception5b.branch4.1.conv.weight",
        "aux1.conv.conv.weight",
        "aux2.fc1.weight",
        "aux2.fc2.bias",
        "fc.bias",
    ] {
        assert!(
            paths.found.iter().any(|path| path == key),
            "{key} is not among {:?}",
            paths.found
        );
    }
    // torchvision's googlenet has 59 convolutions with 5 tensors of normalisation, one of which counts batches, and
    // five linear layers.
    assert_eq!(paths.found.len(), 59 * 5 + 5 * 2);
}
