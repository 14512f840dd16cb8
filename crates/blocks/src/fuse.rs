//! Batch normalisation folded into the convolution before it, for inference.

use burn::module::Param;
use burn::nn::BatchNorm;
use burn::nn::conv::Conv2d;

/// Takes the normalisation away and gives the convolution the weights and the bias with which it answers what both together
/// answered in evaluation: w γ / √(σ² + ε), and β − (μ − b) γ / √(σ² + ε).
///
/// Where there is no normalisation nothing happens. Only evaluation stays what it was: in training a batch would no longer be
/// normalised by its own statistics.
///
/// # Panics
/// On an autodiff device, or if the normalisation has another number of channels than the convolution gives.
pub fn fuse_conv_bn(conv: &mut Conv2d, norm: &mut Option<BatchNorm>) {
    let Some(norm) = norm.take() else {
        return;
    };
    let weight = conv.weight.val();
    let (device, dtype) = (weight.device(), weight.dtype());
    assert!(
        !device.is_autodiff(),
        "a network is fused for inference: fuse what `valid` gives"
    );
    let [channels, ..] = weight.dims();
    assert_eq!(
        norm.gamma.dims(),
        [channels],
        "a normalisation of the channels that the convolution gives"
    );
    let gamma = norm.gamma.val();
    let precision = gamma.dtype();
    let variance = norm.running_var.value().to_device(&device);
    let mean = norm.running_mean.value().to_device(&device);
    let scale = gamma / variance.add_scalar(norm.epsilon).sqrt();
    let centre = match &conv.bias {
        Some(bias) => mean - bias.val().cast(precision),
        None => mean,
    };
    let bias = norm.beta.val() - centre * scale.clone();
    conv.weight = conv.weight.clone().map(|weight| {
        let scale = scale.reshape([channels, 1, 1, 1]);
        (weight.cast(precision) * scale).cast(dtype)
    });
    conv.bias = Some(match conv.bias.take() {
        Some(own) => own.map(|_| bias.cast(dtype)),
        None => Param::from_tensor(bias.cast(dtype)),
    });
}

#[cfg(test)]
mod tests {
    use burn::nn::conv::Conv2dConfig;
    use burn::nn::{BatchNormConfig, PaddingConfig2d};
    use burn::tensor::{Device, Distribution, Tensor, Tolerance};

    use super::*;
    use crate::conv2d_bn;

    /// A convolution and a normalisation that has seen something.
    fn pair(has_bias: bool, groups: usize, device: &Device) -> (Conv2d, BatchNorm) {
        let drawn = |low, high| Tensor::<1>::random([6], Distribution::Uniform(low, high), device);
        let mut conv = Conv2dConfig::new([4, 6], [3, 3])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
            .with_groups(groups)
            .with_bias(has_bias)
            .init(device);
        conv.bias = conv.bias.map(|bias| bias.map(|_| drawn(-1.0, 1.0)));
        let mut norm = BatchNormConfig::new(6).with_epsilon(1e-3).init(device);
        norm.gamma = norm.gamma.map(|_| drawn(-2.0, 2.0));
        norm.beta = norm.beta.map(|_| drawn(-1.0, 1.0));
        norm.running_mean.update(drawn(-1.0, 1.0));
        norm.running_var.update(drawn(0.01, 2.0));
        let _ = (
            norm.running_mean.value_sync(),
            norm.running_var.value_sync(),
        );
        (conv, norm)
    }

    #[test]
    fn the_convolution_alone_answers_what_both_answered() {
        let device = Device::flex();
        for (has_bias, groups) in [(false, 1), (true, 1), (true, 2)] {
            let (mut conv, norm) = pair(has_bias, groups, &device);
            let images = Tensor::random([2, 4, 5, 7], Distribution::Normal(0.0, 1.0), &device);
            let expected = norm.forward(conv.forward(images.clone()));
            let mut norm = Some(norm);
            fuse_conv_bn(&mut conv, &mut norm);
            assert!(norm.is_none(), "it is part of the convolution");
            let tolerance = Tolerance::absolute(1e-5);
            for found in [
                conv.forward(images.clone()),
                conv2d_bn(&conv, norm.as_ref(), images),
            ] {
                found
                    .into_data()
                    .assert_approx_eq::<f32>(&expected.to_data(), tolerance);
            }
        }
    }

    #[test]
    #[should_panic(expected = "fuse what `valid` gives")]
    fn a_network_that_trains_is_refused() {
        let (mut conv, norm) = pair(false, 1, &Device::flex().autodiff());
        fuse_conv_bn(&mut conv, &mut Some(norm));
    }

    #[test]
    fn without_a_normalisation_nothing_happens() {
        let device = Device::flex();
        let (mut conv, _) = pair(false, 1, &device);
        let before = conv.weight.val().into_data();
        fuse_conv_bn(&mut conv, &mut None);
        assert!(conv.bias.is_none());
        conv.weight.val().into_data().assert_eq(&before, true);
    }
}
