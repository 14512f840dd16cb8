//! Initial values that Burn's own initialisers do not give: PyTorch's fan-out, and biases of their own.
//!
//! Burn fills the bias of a convolution or linear layer from the initialiser of its weight, and divides the fan-out
//! by the number of groups; PyTorch does neither.

use burn::module::Param;
use burn::nn::Initializer;
use burn::tensor::Tensor;

/// He initialisation for a convolution followed by a ReLU, as `torch.nn.init.kaiming_normal_(mode="fan_out")`.
///
/// Draws from a normal of standard deviation `sqrt(2 / (channels_out · height · width))`, whatever the number of
/// groups. See [He et al. 2015](https://arxiv.org/abs/1502.01852).
#[must_use]
pub fn kaiming_normal_fan_out(channels_out: usize, kernel: [usize; 2]) -> Initializer {
    let fan_out = channels_out * kernel[0] * kernel[1];
    Initializer::Normal {
        mean: 0.0,
        std: (2.0 / fan_out as f64).sqrt(),
    }
}

/// The same bias with every element set to `value`; a layer without a bias stays without one.
///
/// For papers that start the biases at zero or one whatever the weights are: `conv.bias = constant_bias(conv.bias, 0.0)`.
#[must_use]
pub fn constant_bias(bias: Option<Param<Tensor<1>>>, value: f64) -> Option<Param<Tensor<1>>> {
    bias.map(|bias| {
        let device = bias.lazy_device();
        Initializer::Constant { value }.init(bias.lazy_shape(), &device)
    })
}

#[cfg(test)]
mod tests {
    use burn::nn::conv::Conv2dConfig;
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn fan_out_counts_every_output_channel_of_a_grouped_convolution() {
        let device = Device::flex();
        device.seed(1);
        let conv = Conv2dConfig::new([64, 128], [3, 3])
            .with_groups(4)
            .with_initializer(kaiming_normal_fan_out(128, [3, 3]))
            .init(&device);

        // 18,432 draws: the sample std is within 3 % of the true one far beyond chance.
        let std = f64::from(
            conv.weight
                .val()
                .powi_scalar(2)
                .mean()
                .sqrt()
                .into_scalar::<f32>(),
        );
        let expected = (2.0 / (128.0 * 9.0_f64)).sqrt();
        assert!(
            (std / expected - 1.0).abs() < 0.03,
            "{std} against {expected}"
        );
    }

    #[test]
    fn constant_bias_leaves_the_weight_random() {
        let device = Device::flex();
        let mut conv = Conv2dConfig::new([2, 3], [1, 1]).init(&device);
        conv.bias = constant_bias(conv.bias, 1.0);

        let bias = conv
            .bias
            .expect("a convolution has a bias unless told otherwise")
            .val();
        assert_eq!(
            bias.into_data().try_to_vec::<f32>().expect("f32"),
            vec![1.0; 3]
        );
        assert!(conv.weight.val().abs().max().into_scalar::<f32>() > 0.0);
        assert!(constant_bias(None, 1.0).is_none());
    }
}
