//! What follows a convolution, in one kernel with it and one operation after the other.

use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Distribution, Tensor, Tolerance};

use super::*;

/// A convolution of each of the three ways: padded 3×3 over few channels, the same over many, and 1×1.
fn layers(device: &Device) -> [(Conv2d, [usize; 4]); 3] {
    let layer = |[into, out]: [usize; 2], kernel: usize, stride: usize| {
        let padding = kernel / 2;
        Conv2dConfig::new([into, out], [kernel, kernel])
            .with_stride([stride, stride])
            .with_padding(PaddingConfig2d::Explicit(
                padding, padding, padding, padding,
            ))
            .init(device)
    };
    [
        (layer([3, 9], 3, 2), [2, 3, 11, 9]),
        (layer([64, 64], 3, 1), [4, 64, 28, 28]),
        (layer([20, 7], 1, 1), [5, 20, 4, 4]),
    ]
}

fn norm(channels: usize, device: &Device) -> BatchNorm {
    let mut norm = BatchNormConfig::new(channels).init(device);
    let row = || Tensor::<1>::random([channels], Distribution::Uniform(0.5, 2.0), device);
    norm.gamma = norm.gamma.map(|_| row());
    norm.beta = norm.beta.map(|_| row() - 1.0);
    norm.running_mean.update(row());
    norm.running_var.update(row());
    let _ = (
        norm.running_mean.value_sync(),
        norm.running_var.value_sync(),
    );
    norm
}

#[test]
fn what_follows_is_what_burn_gives_one_operation_after_the_other() {
    let device = Device::flex();
    for (layer, dims) in layers(&device) {
        let drawn =
            |dims: [usize; 4]| Tensor::<4>::random(dims, Distribution::Normal(0.5, 1.0), &device);
        let images = drawn(dims);
        let plain = layer.forward(images.clone());
        let norm = norm(plain.dims()[1], &device);
        let normal = norm.forward(plain.clone());
        let shortcut = drawn(plain.dims());
        let cases = [
            (None, Activation::Relu, relu(plain)),
            (Some(&norm), Activation::Nothing, normal.clone()),
            (Some(&norm), Activation::Relu, relu(normal.clone())),
            (
                Some(&norm),
                Activation::AddRelu(shortcut.clone()),
                relu(normal + shortcut),
            ),
        ];
        for (norm, then, expected) in cases {
            let Some(found) = conv2d_then(&layer, norm, &images, &then) else {
                panic!("there is a kernel for {dims:?}");
            };
            let tolerance = Tolerance::absolute(5e-5);
            found
                .into_data()
                .assert_approx_eq::<f32>(&expected.into_data(), tolerance);
        }
    }
}

#[test]
fn a_shortcut_of_another_shape_is_left_to_burn() {
    let device = Device::flex();
    let [(layer, dims), ..] = layers(&device);
    let images = Tensor::<4>::ones(dims, &device);
    let norm = norm(9, &device);
    let shortcut = Tensor::<4>::ones([1, 9, 1, 1], &device);
    assert!(conv2d_then(&layer, Some(&norm), &images, &Activation::AddRelu(shortcut)).is_none());
}
