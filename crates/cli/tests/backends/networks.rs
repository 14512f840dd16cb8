//! A narrow network of each architecture, with every kind of layer that it has.

use burn::tensor::Device;
use burn_zoo::Model;
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
    /// `[batch, channels, height, width]`. Batch normalisation needs several values per channel in the last map.
    pub(crate) images: [usize; 4],
    /// Creates it without dropout: two backends do not draw the same units.
    pub(crate) init: fn(&Device) -> Model,
}

pub(crate) const ALL: [Network; 6] = [
    Network {
        name: "lenet",
        images: [4, 1, 32, 32],
        init: |device| Model::LeNet(LeNetConfig::new(LeNet::Published).init(device)),
    },
    // Two groups, local response normalisation, overlapping pooling.
    Network {
        name: "alexnet",
        images: [2, 3, 67, 67],
        init: |device| {
            let config = AlexNetConfig::new(AlexNet::Paper).with_width(6);
            Model::AlexNet(
                config
                    .with_num_classes(CLASSES)
                    .with_dropout(0.0)
                    .init(device),
            )
        },
    },
    Network {
        name: "zfnet",
        images: [2, 3, 67, 67],
        init: |device| {
            let config = ZfNetConfig::new(ZfNet::ImageNet).with_width(6);
            Model::ZfNet(
                config
                    .with_num_classes(CLASSES)
                    .with_dropout(0.0)
                    .init(device),
            )
        },
    },
    Network {
        name: "vgg",
        images: [2, 3, 32, 32],
        init: |device| {
            let config = VggConfig::new(Vgg::Vgg11).with_width(4);
            Model::Vgg(
                config
                    .with_num_classes(CLASSES)
                    .with_dropout(0.0)
                    .init(device),
            )
        },
    },
    // Batch normalisation, branches, both auxiliary heads. The mean of few values enlarges roundings: four images.
    Network {
        name: "googlenet",
        images: [4, 3, 64, 64],
        init: |device| {
            let config = GoogLeNetConfig::new(GoogLeNet::Torchvision)
                .with_width(4)
                .with_dropout(0.0)
                .with_aux_dropout(0.0);
            Model::GoogLeNet(config.with_num_classes(CLASSES).init(device))
        },
    },
    Network {
        name: "resnet",
        images: [2, 3, 64, 64],
        init: |device| {
            let config = ResNetConfig::new(ResNet::R18).with_width(4);
            Model::ResNet(config.with_num_classes(CLASSES).init(device))
        },
    },
];
