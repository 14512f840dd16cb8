//! Initial weights of the convolutions and linear layers of AlexNet, ZFNet and VGG.

use burn::nn::conv::Conv2d;
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::Device;

use crate::sequential::ConvSpec;
use crate::{constant_bias, kaiming_normal_fan_out};

/// Initial weights and biases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WeightInit {
    /// PyTorch's default: weights and biases uniform in ±1/√fan-in.
    Uniform,
    /// Weights from a normal distribution of mean 0 and standard deviation 0.01, as Krizhevsky et al. 2012 and Zeiler
    /// and Fergus 2013 draw them; every bias has the same value.
    Normal {
        /// The value of the biases.
        bias: f64,
    },
    /// Weights as He et al. 2015 draw them for ReLU (fan-out for convolutions, fan-in for linear layers), biases zero.
    He,
}

impl WeightInit {
    /// The convolution of a row on a map of `channels_in` channels.
    pub(crate) fn conv(self, row: ConvSpec, channels_in: usize, device: &Device) -> Conv2d {
        let config = row.config(channels_in);
        let config = match self {
            Self::Uniform => config,
            Self::Normal { .. } => config.with_initializer(NORMAL),
            Self::He => config.with_initializer(kaiming_normal_fan_out(
                row.channels,
                [row.kernel, row.kernel],
            )),
        };
        let mut conv = config.init(device);
        if let Some(bias) = self.bias() {
            conv.bias = constant_bias(conv.bias, bias);
        }
        conv
    }

    /// A linear layer.
    #[must_use]
    pub fn linear(self, inputs: usize, outputs: usize, device: &Device) -> Linear {
        let config = LinearConfig::new(inputs, outputs);
        let config = match self {
            Self::Uniform => config,
            Self::Normal { .. } => config.with_initializer(NORMAL),
            Self::He => config.with_initializer(Initializer::KaimingNormal {
                gain: std::f64::consts::SQRT_2,
                fan_out_only: false,
            }),
        };
        let mut linear = config.init(device);
        if let Some(bias) = self.bias() {
            linear.bias = constant_bias(linear.bias, bias);
        }
        linear
    }

    /// The value of every bias, where they have one in common.
    fn bias(self) -> Option<f64> {
        match self {
            Self::Uniform => None,
            Self::Normal { bias } => Some(bias),
            Self::He => Some(0.0),
        }
    }
}

const NORMAL: Initializer = Initializer::Normal {
    mean: 0.0,
    std: 0.01,
};

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;

    use super::*;

    fn std<const D: usize>(weight: Tensor<D>) -> f32 {
        weight.square().mean().sqrt().into_scalar::<f32>()
    }

    fn biases(bias: Option<burn::module::Param<Tensor<1>>>) -> Vec<f32> {
        let bias = bias.expect("there is a bias").val().into_data();
        bias.try_to_vec().expect("f32")
    }

    #[test]
    fn weights_have_the_std_and_biases_the_value_of_the_rule() {
        let device = Device::flex();
        device.seed(1);
        let row = ConvSpec::same(64, 3);
        for (init, conv_std, linear_std, bias) in [
            (WeightInit::Normal { bias: 1.0 }, 0.01, 0.01, 1.0),
            (
                WeightInit::He,
                (2.0f32 / (64.0 * 9.0)).sqrt(),
                (2.0f32 / 256.0).sqrt(),
                0.0,
            ),
        ] {
            let conv = init.conv(row, 32, &device);
            let linear = init.linear(256, 128, &device);
            let found = std(conv.weight.val()) / conv_std;
            assert!((found - 1.0).abs() < 0.05, "{init:?}: {found}");
            let found = std(linear.weight.val()) / linear_std;
            assert!((found - 1.0).abs() < 0.05, "{init:?}: {found}");
            assert_eq!(biases(conv.bias), [bias; 64]);
            assert_eq!(biases(linear.bias), [bias; 128]);
        }
    }

    #[test]
    fn pytorchs_default_fills_weights_and_biases_up_to_the_same_bound() {
        let device = Device::flex();
        device.seed(1);
        let linear = WeightInit::Uniform.linear(64, 512, &device);
        let largest = |values: Vec<f32>| {
            values
                .iter()
                .fold(0f32, |most, value| most.max(value.abs()))
        };
        let weights = linear.weight.val().into_data().try_to_vec().expect("f32");
        for found in [largest(weights), largest(biases(linear.bias))] {
            assert!((0.12..=0.125).contains(&found), "1/√64 is 0.125: {found}");
        }
    }
}
