//! Tests of the residual units: shapes, strides, shortcuts and what flows back through them.

use burn::module::Param;
use burn::tensor::{Distribution, TensorData};

use super::*;
use crate::trainable_params;

const V1: BlockKind = BlockKind::Bottleneck(BottleneckStride::First1x1);
const V15: BlockKind = BlockKind::Bottleneck(BottleneckStride::Middle3x3);

fn unit(
    kind: BlockKind,
    channels_in: usize,
    width: usize,
    stride: usize,
    shortcut: Shortcut,
) -> ResidualUnit {
    ResidualUnitConfig {
        kind,
        channels_in,
        width,
        stride,
        shortcut,
        drop: 0.0,
    }
    .init(&Device::flex())
}

/// Silences the convolutions, so that a unit answers with `relu(shortcut(x))`.
fn without_branch(mut unit: ResidualUnit) -> ResidualUnit {
    let last = unit.bn3.as_mut().or(unit.bn2.as_mut());
    let last = last.expect("it is not fused");
    last.gamma = Param::from_tensor(last.gamma.val().zeros_like());
    unit
}

#[test]
fn every_kind_halves_odd_and_even_images_alike() {
    for kind in [BlockKind::Basic, V1, V15] {
        for shortcut in [
            Shortcut::Absent,
            Shortcut::ZeroPad,
            Shortcut::ProjectOnChange,
            Shortcut::ProjectAlways,
        ] {
            let unit = unit(kind, 4, 6, 2, shortcut);
            let images = Tensor::random([2, 4, 7, 10], Distribution::Default, &Device::flex());
            assert_eq!(
                unit.forward(images).dims(),
                [2, 6 * kind.expansion(), 4, 5],
                "{kind:?} {shortcut:?}"
            );
        }
    }
}

#[test]
fn the_stride_of_a_bottleneck_is_where_it_was_asked_for() {
    let v1 = unit(V1, 8, 4, 2, Shortcut::ProjectOnChange);
    assert_eq!((v1.conv1.stride, v1.conv2.stride), ([2, 2], [1, 1]));
    let v15 = unit(V15, 8, 4, 2, Shortcut::ProjectOnChange);
    assert_eq!((v15.conv1.stride, v15.conv2.stride), ([1, 1], [2, 2]));
}

#[test]
fn a_projection_is_needed_by_stride_or_width_alone() {
    let projects = |channels_in, stride, shortcut| {
        unit(BlockKind::Basic, channels_in, 8, stride, shortcut)
            .downsample
            .is_some()
    };
    assert!(!projects(8, 1, Shortcut::ProjectOnChange));
    assert!(projects(8, 2, Shortcut::ProjectOnChange));
    assert!(projects(4, 1, Shortcut::ProjectOnChange));
    assert!(projects(8, 1, Shortcut::ProjectAlways));
    assert!(!projects(4, 2, Shortcut::ZeroPad));
    assert!(!projects(4, 2, Shortcut::Absent));
}

#[test]
fn only_projections_cost_parameters() {
    let count = |shortcut| trainable_params(&unit(BlockKind::Basic, 4, 8, 2, shortcut));
    let convolutions = 4 * 8 * 9 + 8 * 8 * 9 + 4 * 8;
    assert_eq!(count(Shortcut::Absent), convolutions);
    assert_eq!(count(Shortcut::ZeroPad), convolutions);
    assert_eq!(
        count(Shortcut::ProjectOnChange),
        convolutions + 4 * 8 + 2 * 8
    );
}

#[test]
fn option_a_takes_every_other_pixel_and_pads_channels_on_both_sides() {
    let unit = without_branch(unit(BlockKind::Basic, 2, 4, 2, Shortcut::ZeroPad));
    let images = Tensor::<1>::from_data(
        TensorData::from([
            1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, // first channel, 3×3
            10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0,
        ]),
        &Device::flex(),
    )
    .reshape([1, 2, 3, 3]);
    let expected = TensorData::from([[
        [[0.0f32, 0.0], [0.0, 0.0]],
        [[1.0, 3.0], [7.0, 9.0]],
        [[10.0, 12.0], [16.0, 18.0]],
        [[0.0, 0.0], [0.0, 0.0]],
    ]]);
    unit.forward(images).into_data().assert_eq(&expected, true);
}

#[test]
fn an_odd_number_of_new_channels_is_padded_too() {
    let unit = without_branch(unit(BlockKind::Basic, 2, 5, 1, Shortcut::ZeroPad));
    let out = unit.forward(Tensor::ones([1, 2, 1, 1], &Device::flex()));
    out.into_data().assert_eq(
        &TensorData::from([[[[0.0f32]], [[1.0]], [[1.0]], [[0.0]], [[0.0]]]]),
        true,
    );
}

#[test]
fn identity_and_absent_shortcuts_differ_by_the_input() {
    let images = Tensor::<4>::full([1, 4, 3, 3], 2.5, &Device::flex());
    let identity = without_branch(unit(V15, 4, 1, 1, Shortcut::ProjectOnChange));
    identity
        .forward(images.clone())
        .into_data()
        .assert_eq(&images.to_data(), true);
    let plain = without_branch(unit(V15, 4, 1, 1, Shortcut::Absent));
    plain
        .forward(images.clone())
        .into_data()
        .assert_eq(&images.zeros_like().into_data(), true);
}

#[test]
fn option_a_sends_the_gradient_back_to_the_pixels_it_read() {
    let device = Device::flex().autodiff();
    let images = Tensor::<4>::ones([1, 2, 3, 3], &device).require_grad();
    let out = zero_pad(images.clone(), 2, 4);
    let gradients = out.mul_scalar(3.0).sum().backward();
    let gradient = images
        .grad(&gradients)
        .expect("the input requires a gradient");
    let channel = [[3.0f32, 0.0, 3.0], [0.0, 0.0, 0.0], [3.0, 0.0, 3.0]];
    gradient
        .into_data()
        .assert_eq(&TensorData::from([[channel, channel]]), true);
}

#[test]
fn stochastic_depth_leaves_whole_images_out_and_lifts_the_others() {
    let device = Device::flex().autodiff();
    let config = ResidualUnitConfig {
        kind: BlockKind::Basic,
        channels_in: 2,
        width: 2,
        stride: 1,
        shortcut: Shortcut::ZeroPad,
        drop: 0.25,
    };
    let unit = config.init(&device);
    let out = Tensor::<4>::random([400, 2, 3, 3], Distribution::Uniform(1.0, 2.0), &device);
    let share = unit.dropped(out.clone()) / out.clone(); // 0 or 4/3
    let shares = share.into_data().try_to_vec::<f32>().expect("f32");
    let mut left_out = 0;
    for image in shares.chunks_exact(18) {
        let is_out = image[0] == 0.0;
        let expected = if is_out { 0.0 } else { 4.0 / 3.0 };
        assert!(image.iter().all(|share| (share - expected).abs() < 1e-6));
        left_out += usize::from(is_out);
    }
    assert!((70..130).contains(&left_out), "{left_out} of 400");

    let evaluated = unit.valid();
    let out = out.inner();
    let same = evaluated.dropped(out.clone()).into_data();
    same.assert_eq(&out.into_data(), true);
    let plain = ResidualUnitConfig {
        shortcut: Shortcut::Absent,
        ..config
    };
    assert!(plain.init(&device).drop.is_none(), "nothing would be left");
}
