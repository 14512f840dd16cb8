//! The networks as tables, and the configuration that builds one.

use burn_zoo_blocks::Start;
use burn_zoo_blocks::stack::{ConvRow, Rounding, Row};

/// Every network of this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variant {
    /// The network of the paper's Fig. 3: 62,357,608 parameters.
    ImageNet,
    /// For images of 32×32: a first convolution of stride 1, and hidden layers of 1024 units. 5,835,914 parameters.
    Cifar,
}

/// 3×3 of stride 2. Fig. 3 goes from 110 to 55 and from 26 to 13, which takes a window for the last, odd pixels.
const POOL: Row = Row::Pool(Rounding::Up);

/// A convolution of 3×3 that keeps height and width.
const fn conv3(channels: usize) -> Row {
    Row::Conv(ConvRow::same(channels, 3))
}

const fn conv(channels: usize, kernel: usize, stride: usize, padding: usize) -> Row {
    Row::Conv(ConvRow {
        channels,
        kernel,
        stride,
        padding,
        groups: 1,
    })
}

/// Fig. 3. Other than in AlexNet, pooling comes before the normalisation.
#[rustfmt::skip]
const IMAGENET: &[Row] = &[
    conv(96, 7, 2, 1),  Row::Relu, POOL, Row::Lrn, // 224 → 110 → 55
    conv(256, 5, 2, 0), Row::Relu, POOL, Row::Lrn, // 26 → 13
    conv3(384),         Row::Relu,
    conv3(384),         Row::Relu,
    conv3(256),         Row::Relu, POOL,           // 13 → 6
];

#[rustfmt::skip]
const CIFAR: &[Row] = &[
    conv(96, 7, 1, 3),  Row::Relu, POOL, Row::Lrn, // 32 → 16
    conv(256, 5, 2, 2), Row::Relu, POOL, Row::Lrn, // 8 → 4
    conv3(384),         Row::Relu,
    conv3(384),         Row::Relu,
    conv3(256),         Row::Relu, POOL,           // 4 → 2
];

/// Names of the maps that follow the convolutions, in the order of the rows.
pub(crate) const FEATURES: &[&str] = &[
    "conv1", "pool1", "norm1", "conv2", "pool2", "norm2", "conv3", "conv4", "conv5", "pool5",
];

/// Channels of the first convolution at full width.
const WIDTH: usize = 96;

impl Variant {
    const fn rows(self) -> &'static [Row] {
        match self {
            Self::ImageNet => IMAGENET,
            Self::Cifar => CIFAR,
        }
    }

    /// Height and width of the map that the first fully connected layer reads.
    pub(crate) const fn side(self) -> usize {
        match self {
            Self::ImageNet => 6,
            Self::Cifar => 2,
        }
    }

    /// Units of a hidden fully connected layer at full width.
    const fn hidden(self) -> usize {
        match self {
            Self::ImageNet => 4096,
            Self::Cifar => 1024,
        }
    }

    /// How the convolutions and the hidden fully connected layers start.
    pub(crate) const fn hidden_start(self) -> Start {
        match self {
            Self::ImageNet => Start::Normal { bias: 0.0 },
            Self::Cifar => Start::He,
        }
    }

    /// How the last layer starts.
    pub(crate) const fn last_start(self) -> Start {
        match self {
            Self::ImageNet => Start::Normal { bias: 0.0 },
            Self::Cifar => Start::Uniform,
        }
    }

    /// Least height and width of an image, in pixels: every pooling has a whole window.
    #[must_use]
    pub const fn min_size(self) -> usize {
        match self {
            Self::ImageNet => 63,
            Self::Cifar => 22,
        }
    }
}
/// Configuration of a [`ZfNet`](crate::ZfNet).
#[derive(Debug, Clone, PartialEq)]
pub struct ZfNetConfig {
    pub(crate) variant: Variant,
    pub(crate) num_classes: usize,
    pub(crate) in_channels: usize,
    pub(crate) width: usize,
    pub(crate) dropout: f64,
}

impl ZfNetConfig {
    /// A network for RGB images, with 1000 classes, or ten for the CIFAR network.
    #[must_use]
    pub fn new(variant: Variant) -> Self {
        Self {
            variant,
            num_classes: match variant {
                Variant::ImageNet => 1000,
                Variant::Cifar => 10,
            },
            in_channels: 3,
            width: WIDTH,
            dropout: 0.5,
        }
    }

    /// Number of classes, at least one.
    #[must_use]
    pub fn with_num_classes(mut self, num_classes: usize) -> Self {
        self.num_classes = num_classes;
        self
    }

    /// Channels of the images, at least one.
    #[must_use]
    pub fn with_in_channels(mut self, in_channels: usize) -> Self {
        self.in_channels = in_channels;
        self
    }

    /// Channels of the first convolution, at least one: 96 by default. The other widths follow, those of the hidden
    /// fully connected layers too, all rounded up.
    ///
    /// A narrow network has the same layers and runs in a moment, for tests.
    #[must_use]
    pub fn with_width(mut self, width: usize) -> Self {
        self.width = width;
        self
    }

    /// Share of the hidden fully connected units that a training step drops, from 0 to below 1: 0.5 by default.
    #[must_use]
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// The rows of the variant at the width of this configuration.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row> {
        self.variant.rows().iter().map(|row| match row {
            Row::Conv(conv) => Row::Conv(ConvRow {
                channels: self.scaled(conv.channels),
                ..*conv
            }),
            row => *row,
        })
    }

    /// Units of a hidden fully connected layer.
    pub(crate) fn hidden(&self) -> usize {
        self.scaled(self.variant.hidden())
    }

    fn scaled(&self, at_full_width: usize) -> usize {
        (at_full_width * self.width).div_ceil(WIDTH)
    }
}
