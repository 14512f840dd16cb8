//! The fully connected part of a network.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use burn_zoo_blocks::stack::{covering, flatten_to};
use burn_zoo_blocks::{DropoutSide, FullyConnected, FullyConnectedConfig, Start, linear};

use crate::config::{HeadKind, VggConfig};

/// Height and width of the map that the first fully connected layer reads: 7·7·512 = 25,088 numbers.
const SIDE: usize = 7;

/// How every linear layer starts.
const START: Start = Start::Normal { bias: 0.0 };

/// `classifier` of torchvision's network.
#[allow(
    clippy::large_enum_variant,
    reason = "one value a network, and Module is not derived for a boxed variant"
)]
#[derive(Module, Debug)]
pub(crate) enum Head {
    /// FC-4096, FC-4096, FC-1000.
    ThreeLayers(FullyConnected),
    /// The only linear layer.
    OneLayer(Linear),
}

impl VggConfig {
    /// The head on a map of `channels` channels.
    pub(crate) fn head(&self, channels: usize, device: &Device) -> Head {
        match self.plan.head {
            HeadKind::OneLayer => Head::OneLayer(START.linear(channels, self.num_classes, device)),
            HeadKind::ThreeLayers => {
                let config = FullyConnectedConfig {
                    inputs: SIDE * SIDE * channels,
                    hidden: 4096 / 64 * self.width,
                    classes: self.num_classes,
                    side: DropoutSide::After,
                    dropout: self.dropout,
                    hidden_start: START,
                    last_start: START,
                };
                Head::ThreeLayers(config.init(device))
            }
        }
    }
}

impl Head {
    /// Everything before the last layer.
    ///
    /// # Shapes
    /// - map: `[batch, channels, height, width]`
    /// - output: `[batch, 4096]`, or `[batch, channels]` where one layer is all
    pub(crate) fn embed(&self, map: Tensor<4>) -> Tensor<2> {
        match self {
            Self::ThreeLayers(layers) => layers.embed(flatten_to(map, SIDE)),
            Self::OneLayer(_) => map.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2),
        }
    }

    /// The scores at every place of the map, averaged (section 3.2).
    ///
    /// # Shapes
    /// - map: `[batch, channels, height, width]`
    /// - output: `[batch, num_classes]`
    pub(crate) fn dense(&self, map: Tensor<4>) -> Tensor<2> {
        match self {
            Self::ThreeLayers(layers) => layers.dense(covering(map, SIDE), SIDE),
            // A linear layer of the mean is the mean of the linear layer.
            Self::OneLayer(layer) => linear(layer, self.embed(map)),
        }
    }

    /// The layer that gives the scores.
    pub(crate) fn last(&self) -> &Linear {
        match self {
            Self::ThreeLayers(layers) => layers.last(),
            Self::OneLayer(layer) => layer,
        }
    }

    /// The same head with a fresh last layer.
    pub(crate) fn with_classes(self, num_classes: usize, device: &Device) -> Self {
        match self {
            Self::ThreeLayers(layers) => {
                Self::ThreeLayers(layers.with_classes(num_classes, START, device))
            }
            Self::OneLayer(layer) => {
                let channels = layer.weight.lazy_shape()[0];
                Self::OneLayer(START.linear(channels, num_classes, device))
            }
        }
    }
}
