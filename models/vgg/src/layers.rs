//! The convolutional part of a network: a column of Table 1, layer by layer.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, PaddingConfig2d, Relu};
use burn::tensor::{Device, Tensor};
use burn_zoo_blocks::{
    LocalResponseNorm, LocalResponseNormConfig, batch_norm, constant_bias, conv2d,
    kaiming_normal_fan_out, max_pool, normalize,
};

use crate::config::{Row, VggConfig};

/// One entry of `features`. Layers without parameters count too, as they do in torchvision's numbering.
#[derive(Module, Debug)]
pub(crate) enum Layer {
    Conv(Conv2d),
    Norm(BatchNorm),
    Relu(Relu),
    Lrn(LocalResponseNorm),
    Pool(MaxPool2d),
}

impl Layer {
    pub(crate) fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Conv(layer) => conv2d(layer, map),
            Self::Norm(layer) => normalize(layer, map),
            Self::Relu(layer) => layer.forward(map),
            Self::Lrn(layer) => layer.forward(map),
            Self::Pool(layer) => max_pool(layer, map),
        }
    }
}

impl VggConfig {
    /// The layers of the network's column, and the channels that they give.
    pub(crate) fn layers(&self, device: &Device) -> (Vec<Layer>, usize) {
        let mut layers = Vec::new();
        let mut channels = self.in_channels;
        for row in self.plan.column.rows() {
            match row {
                Row::Conv {
                    kernel,
                    channels: at_full_width,
                } => {
                    // Every width of the table is a multiple of the first one, 64.
                    let out = at_full_width / 64 * self.width;
                    layers.push(Layer::Conv(conv([channels, out], kernel, device)));
                    if self.plan.batch_norm {
                        layers.push(Layer::Norm(batch_norm(out, device)));
                    }
                    layers.push(Layer::Relu(Relu::new()));
                    channels = out;
                }
                Row::Lrn => layers.push(Layer::Lrn(LocalResponseNormConfig::new().init())),
                Row::MaxPool => layers.push(Layer::Pool(MaxPool2dConfig::new([2, 2]).init())),
                Row::Nothing => {}
            }
        }
        (layers, channels)
    }
}

/// A convolution that keeps height and width. Its bias starts at zero.
fn conv(channels: [usize; 2], kernel: usize, device: &Device) -> Conv2d {
    let padding = kernel / 2;
    let mut conv = Conv2dConfig::new(channels, [kernel, kernel])
        .with_padding(PaddingConfig2d::Explicit(
            padding, padding, padding, padding,
        ))
        .with_initializer(kaiming_normal_fan_out(channels[1], [kernel, kernel]))
        .init(device);
    conv.bias = constant_bias(conv.bias, 0.0);
    conv
}
