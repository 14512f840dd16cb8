//! A narrow network of each architecture, with every kind of layer that it has.

use burn_zoo::ModelConfig;
use burn_zoo::alexnet::{AlexNetConfig, Variant as AlexNet};
use burn_zoo::googlenet::{GoogLeNetConfig, Variant as GoogLeNet};
use burn_zoo::lenet::{LeNetConfig, Variant as LeNet};
use burn_zoo::resnet::{ResNetConfig, Variant as ResNet};
use burn_zoo::vgg::{Variant as Vgg, VggConfig};
use burn_zoo::zfnet::{Variant as ZfNet, ZfNetConfig};

/// Classes of every network.
pub(crate) const CLASSES: usize = 10;

/// A network, and the images that it is given.
#[derive(Clone, Copy)]
pub(crate) struct Network {
    pub(crate) name: &'static str,
    /// `[batch, channels, height, width]`. Batch normalisation needs several values a channel in the last map.
    pub(crate) images: [usize; 4],
    config: fn() -> ModelConfig,
}

impl Network {
    /// Without dropout: two backends do not draw the same units.
    pub(crate) fn config(&self) -> ModelConfig {
        (self.config)()
    }
}

pub(crate) const ALL: [Network; 6] = [
    Network {
        name: "lenet",
        images: [4, 1, 32, 32],
        config: || ModelConfig::LeNet(LeNetConfig::new(LeNet::Published)),
    },
    // Two groups, local response normalisation, overlapping pooling.
    Network {
        name: "alexnet",
        images: [2, 3, 67, 67],
        config: || {
            let config = AlexNetConfig::new(AlexNet::Paper).with_width(6);
            ModelConfig::AlexNet(config.with_num_classes(CLASSES).with_dropout(0.0))
        },
    },
    Network {
        name: "zfnet",
        images: [2, 3, 67, 67],
        config: || {
            let config = ZfNetConfig::new(ZfNet::ImageNet).with_width(6);
            ModelConfig::ZfNet(config.with_num_classes(CLASSES).with_dropout(0.0))
        },
    },
    Network {
        name: "vgg",
        images: [2, 3, 32, 32],
        config: || {
            let config = VggConfig::new(Vgg::Vgg11).with_width(4);
            ModelConfig::Vgg(config.with_num_classes(CLASSES).with_dropout(0.0))
        },
    },
    // Batch normalisation, branches, both auxiliary heads. The mean of few values enlarges roundings: four images.
    Network {
        name: "googlenet",
        images: [4, 3, 64, 64],
        config: || {
            let config = GoogLeNetConfig::new(GoogLeNet::Torchvision)
                .with_width(4)
                .with_dropout(0.0)
                .with_aux_dropout(0.0);
            ModelConfig::GoogLeNet(config.with_num_classes(CLASSES))
        },
    },
    Network {
        name: "resnet",
        images: [2, 3, 64, 64],
        config: || {
            let config = ResNetConfig::new(ResNet::R18).with_width(4);
            ModelConfig::ResNet(config.with_num_classes(CLASSES))
        },
    },
];
