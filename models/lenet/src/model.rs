//! Both LeNets behind one type.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use burn_zoo_blocks::{Classifier, FeatureTaps, UnknownFeature};

use crate::{Modern, Published};

/// A LeNet-5, of either kind.
///
/// Should be created with [`LeNetConfig`](crate::LeNetConfig).
#[derive(Module, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a program holds few networks, and boxes would hide them"
)]
pub enum LeNet {
    /// The network of 1998.
    Published(Published),
    /// The network of the textbooks.
    Modern(Modern),
}

impl LeNet {
    fn embed_with(&self, images: Tensor<4>, taps: &mut FeatureTaps) -> Tensor<2> {
        match self {
            Self::Published(network) => network.embed(images, taps),
            Self::Modern(network) => network.embed(images, taps),
        }
    }
}

/// Images are 32×32, a digit of 28×28 in the middle; the paper scales ink to 1.175 and paper to −0.1.
impl Classifier for LeNet {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let embedding = self.embed(images); // [batch, 84]
        match self {
            Self::Published(network) => network.output(embedding),
            Self::Modern(network) => network.fc3.forward(embedding),
        }
    }

    fn embed(&self, images: Tensor<4>) -> Tensor<2> {
        self.embed_with(images, &mut FeatureTaps::none())
    }

    fn num_classes(&self) -> usize {
        match self {
            Self::Published(network) => network.num_classes(),
            Self::Modern(network) => network.fc3.weight.lazy_shape()[1],
        }
    }

    /// The same network with another output layer. A published network keeps its bitmaps for ten classes, which
    /// have nothing to initialise, and gets a linear layer for any other number.
    fn with_head(self, num_classes: usize, device: &Device) -> Self {
        match self {
            Self::Published(network) => Self::Published(network.with_head(num_classes, device)),
            Self::Modern(network) => Self::Modern(network.with_head(num_classes, device)),
        }
    }

    fn feature_names(&self) -> Vec<&'static str> {
        match self {
            Self::Published(_) => Published::FEATURES.to_vec(),
            Self::Modern(_) => Modern::FEATURES.to_vec(),
        }
    }

    fn features(
        &self,
        images: Tensor<4>,
        names: &[&str],
    ) -> Result<Vec<Tensor<4>>, UnknownFeature> {
        let mut taps = FeatureTaps::new(names, self.feature_names())?;
        self.embed_with(images, &mut taps);
        Ok(taps.into_maps())
    }
}
