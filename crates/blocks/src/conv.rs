//! The two convolutions and the normalisation that residual networks are made of, as torchvision configures them.

use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig2d};
use burn::tensor::Device;

use crate::kaiming_normal_fan_out;

/// A 3×3 convolution with padding 1 and no bias: at stride 1 it keeps height and width.
///
/// `channels` is `[in, out]`. The weights start as [`kaiming_normal_fan_out`].
#[must_use]
pub fn conv3x3(channels: [usize; 2], stride: usize, device: &Device) -> Conv2d {
    unbiased(channels, 3, stride, device)
}

/// A 1×1 convolution without padding or bias.
///
/// `channels` is `[in, out]`. The weights start as [`kaiming_normal_fan_out`].
#[must_use]
pub fn conv1x1(channels: [usize; 2], stride: usize, device: &Device) -> Conv2d {
    unbiased(channels, 1, stride, device)
}

fn unbiased(channels: [usize; 2], kernel: usize, stride: usize, device: &Device) -> Conv2d {
    let padding = kernel / 2;
    Conv2dConfig::new(channels, [kernel, kernel])
        .with_stride([stride, stride])
        .with_padding(PaddingConfig2d::Explicit(
            padding, padding, padding, padding,
        ))
        .with_bias(false)
        .with_initializer(kaiming_normal_fan_out(channels[1], [kernel, kernel]))
        .init(device)
}

/// Batch normalisation with PyTorch's defaults: ε 1e-5, and 10 % of each batch's statistics into the running ones.
///
/// The momentum of both frameworks weighs the *new* value. One difference remains: the running variance is PyTorch's
/// times (n − 1)/n, because Burn stores the biased one.
#[must_use]
pub fn batch_norm(channels: usize, device: &Device) -> BatchNorm {
    BatchNormConfig::new(channels)
        .with_epsilon(1e-5)
        .with_momentum(0.1)
        .init(device)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;

    use super::*;

    #[test]
    fn strides_and_padding_give_torchvisions_sizes() {
        let device = Device::flex();
        let images = Tensor::<4>::ones([2, 4, 7, 9], &device);
        assert_eq!(
            conv3x3([4, 6], 1, &device).forward(images.clone()).dims(),
            [2, 6, 7, 9]
        );
        assert_eq!(
            conv3x3([4, 6], 2, &device).forward(images.clone()).dims(),
            [2, 6, 4, 5]
        );
        assert_eq!(
            conv1x1([4, 6], 2, &device).forward(images).dims(),
            [2, 6, 4, 5]
        );
        assert!(conv3x3([4, 6], 1, &device).bias.is_none());
    }

    #[test]
    fn a_training_batch_moves_the_running_mean_by_a_tenth() {
        let device = Device::flex().autodiff();
        let norm = batch_norm(1, &device);
        norm.forward(Tensor::<4>::full([1, 1, 2, 2], 5.0, &device));
        let mean = norm.running_mean.value_sync().into_scalar::<f32>();
        assert!((mean - 0.5).abs() < 1e-6, "{mean}");
    }
}
