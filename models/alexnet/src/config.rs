//! The networks as tables, and the configuration that builds one.

use burn_zoo_blocks::stack::{ConvRow, Rounding, Row};
use burn_zoo_blocks::{DropoutSide, Start};

/// Every network of this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variant {
    /// torchvision's `alexnet`, from [One weird trick](https://arxiv.org/abs/1404.5997): narrower, without groups and
    /// without normalisation. 61,100,840 parameters.
    Torchvision,
    /// The paper's: two groups, local response normalisation. 60,965,224 parameters.
    Paper,
    /// torchvision's for images of 32×32: a first convolution of 5×5 and stride 1, and hidden layers of 1024 units.
    /// 5,871,434 parameters.
    Cifar,
}

/// Overlapping pooling, section 3.4. Pixels at the end that fill no window are left out.
const POOL: Row = Row::Pool(Rounding::Down);

/// A convolution of stride 1 that keeps height and width.
const fn conv(channels: usize, kernel: usize) -> Row {
    Row::Conv(ConvRow::same(channels, kernel))
}

/// The same in two groups: in the paper, the halves that two GPUs hold.
const fn halves(channels: usize, kernel: usize) -> Row {
    Row::Conv(ConvRow {
        groups: 2,
        ..ConvRow::same(channels, kernel)
    })
}

/// The first convolution of the ImageNet networks: 224 → 55.
const fn first(channels: usize) -> Row {
    Row::Conv(ConvRow {
        channels,
        kernel: 11,
        stride: 4,
        padding: 2,
        groups: 1,
    })
}

#[rustfmt::skip]
const TORCHVISION: &[Row] = &[
    first(64),    Row::Relu, POOL, // 55 → 27
    conv(192, 5), Row::Relu, POOL, // 27 → 13
    conv(384, 3), Row::Relu,
    conv(256, 3), Row::Relu,
    conv(256, 3), Row::Relu, POOL, // 13 → 6
];

/// Section 3.5 and Fig. 2.
#[rustfmt::skip]
const PAPER: &[Row] = &[
    first(96),      Row::Relu, Row::Lrn, POOL, // 55 → 27
    halves(256, 5), Row::Relu, Row::Lrn, POOL, // 27 → 13
    conv(384, 3),   Row::Relu,
    halves(384, 3), Row::Relu,
    halves(256, 3), Row::Relu, POOL,           // 13 → 6
];

#[rustfmt::skip]
const CIFAR: &[Row] = &[
    conv(64, 5),  Row::Relu, POOL, // 32 → 15
    conv(192, 5), Row::Relu, POOL, // 15 → 7
    conv(384, 3), Row::Relu,
    conv(256, 3), Row::Relu,
    conv(256, 3), Row::Relu, POOL, // 7 → 3
];

impl Variant {
    /// The convolutional layers at full width.
    pub(crate) const fn rows(self) -> &'static [Row] {
        match self {
            Self::Torchvision => TORCHVISION,
            Self::Paper => PAPER,
            Self::Cifar => CIFAR,
        }
    }

    /// Names of the maps that follow the convolutions, in the order of the rows.
    pub(crate) const fn features(self) -> &'static [&'static str] {
        match self {
            Self::Torchvision | Self::Cifar => &[
                "conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5",
            ],
            Self::Paper => &[
                "conv1", "norm1", "pool1", "conv2", "norm2", "pool2", "conv3", "conv4", "conv5",
                "pool5",
            ],
        }
    }

    /// Height and width of the map that the first fully connected layer reads.
    pub(crate) const fn side(self) -> usize {
        match self {
            Self::Torchvision | Self::Paper => 6,
            Self::Cifar => 3,
        }
    }

    /// Units of a hidden fully connected layer at full width.
    const fn hidden(self) -> usize {
        match self {
            Self::Torchvision | Self::Paper => 4096,
            Self::Cifar => 1024,
        }
    }

    /// Channels of the first convolution at full width.
    const fn width(self) -> usize {
        match self {
            Self::Torchvision | Self::Cifar => 64,
            Self::Paper => 96,
        }
    }

    pub(crate) const fn dropout_side(self) -> DropoutSide {
        match self {
            Self::Torchvision | Self::Cifar => DropoutSide::Before,
            Self::Paper => DropoutSide::After,
        }
    }

    /// How a convolution starts. In the paper, biases of 1 in the second, fourth and fifth, which are those in two
    /// groups, give their ReLUs something to work with from the first step.
    pub(crate) fn conv_start(self, row: &ConvRow) -> Start {
        match self {
            Self::Torchvision => Start::Uniform,
            Self::Paper if row.groups == 2 => Start::Normal { bias: 1.0 },
            Self::Paper => Start::Normal { bias: 0.0 },
            Self::Cifar => Start::He,
        }
    }

    /// How the hidden fully connected layers start.
    pub(crate) const fn hidden_start(self) -> Start {
        match self {
            Self::Torchvision => Start::Uniform,
            Self::Paper => Start::Normal { bias: 1.0 },
            Self::Cifar => Start::He,
        }
    }

    /// How the last layer starts.
    pub(crate) const fn last_start(self) -> Start {
        match self {
            Self::Torchvision | Self::Cifar => Start::Uniform,
            Self::Paper => Start::Normal { bias: 0.0 },
        }
    }

    /// Least height and width of an image, in pixels: one pixel is left of it after the last pooling.
    #[must_use]
    pub const fn min_size(self) -> usize {
        match self {
            Self::Torchvision | Self::Paper => 63,
            Self::Cifar => 15,
        }
    }
}

/// Configuration of an [`AlexNet`](crate::AlexNet).
#[derive(Debug, Clone, PartialEq)]
pub struct AlexNetConfig {
    pub(crate) variant: Variant,
    pub(crate) num_classes: usize,
    pub(crate) in_channels: usize,
    pub(crate) width: usize,
    pub(crate) dropout: f64,
}

impl AlexNetConfig {
    /// A network for RGB images, with 1000 classes, or ten for the CIFAR network.
    #[must_use]
    pub fn new(variant: Variant) -> Self {
        Self {
            variant,
            num_classes: match variant {
                Variant::Torchvision | Variant::Paper => 1000,
                Variant::Cifar => 10,
            },
            in_channels: 3,
            width: variant.width(),
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

    /// Channels of the first convolution, at least one: 64 by default, 96 in the paper's network. The other widths
    /// follow, those of the hidden fully connected layers too, all rounded up to even numbers for the two groups.
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
        (at_full_width * self.width)
            .div_ceil(self.variant.width())
            .next_multiple_of(2)
    }
}
