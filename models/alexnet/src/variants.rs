//! The networks as tables.

use burn_zoo_blocks::sequential::{
    ConvSpec, HeadSpec, LayerSpec, SequentialPlan, SequentialVariant,
};
use burn_zoo_blocks::{DropoutSide, WeightInit};

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
const POOL: LayerSpec = LayerSpec::MaxPool {
    kernel: 3,
    ceil_mode: false,
};

const RELU: LayerSpec = LayerSpec::Relu;
const LRN: LayerSpec = LayerSpec::Lrn;

/// A convolution of stride 1 that keeps height and width.
const fn conv(channels: usize, kernel: usize) -> LayerSpec {
    LayerSpec::Conv(ConvSpec::same(channels, kernel))
}

/// The same in two groups: in the paper, the halves that two GPUs hold.
const fn halves(channels: usize, kernel: usize) -> LayerSpec {
    LayerSpec::Conv(ConvSpec {
        groups: 2,
        ..ConvSpec::same(channels, kernel)
    })
}

/// The first convolution of the ImageNet networks: 224 → 55.
const fn first(channels: usize) -> LayerSpec {
    LayerSpec::Conv(ConvSpec {
        channels,
        kernel: 11,
        stride: 4,
        padding: 2,
        groups: 1,
    })
}

/// The map at this place has a name.
const fn map(name: &'static str) -> LayerSpec {
    LayerSpec::Feature(name)
}

#[rustfmt::skip]
const TORCHVISION: &[LayerSpec] = &[
    first(64),    RELU, map("conv1"), POOL, map("pool1"), // 55 → 27
    conv(192, 5), RELU, map("conv2"), POOL, map("pool2"), // 27 → 13
    conv(384, 3), RELU, map("conv3"),
    conv(256, 3), RELU, map("conv4"),
    conv(256, 3), RELU, map("conv5"), POOL, map("pool5"), // 13 → 6
];

/// Section 3.5 and Fig. 2.
#[rustfmt::skip]
const PAPER: &[LayerSpec] = &[
    first(96),      RELU, map("conv1"), LRN, map("norm1"), POOL, map("pool1"), // 55 → 27
    halves(256, 5), RELU, map("conv2"), LRN, map("norm2"), POOL, map("pool2"), // 27 → 13
    conv(384, 3),   RELU, map("conv3"),
    halves(384, 3), RELU, map("conv4"),
    halves(256, 3), RELU, map("conv5"), POOL, map("pool5"),                    // 13 → 6
];

#[rustfmt::skip]
const CIFAR: &[LayerSpec] = &[
    conv(64, 5),  RELU, map("conv1"), POOL, map("pool1"), // 32 → 15
    conv(192, 5), RELU, map("conv2"), POOL, map("pool2"), // 15 → 7
    conv(384, 3), RELU, map("conv3"),
    conv(256, 3), RELU, map("conv4"),
    conv(256, 3), RELU, map("conv5"), POOL, map("pool5"), // 7 → 3
];

impl SequentialVariant for Variant {
    fn plan(self) -> SequentialPlan {
        use WeightInit::{He, Normal, Uniform};
        let (table, width, side, hidden, dropout, num_classes) = match self {
            Self::Torchvision => (TORCHVISION, 64, 6, 4096, DropoutSide::Before, 1000),
            Self::Paper => (PAPER, 96, 6, 4096, DropoutSide::After, 1000),
            Self::Cifar => (CIFAR, 64, 3, 1024, DropoutSide::Before, 10),
        };
        // In the paper, biases of 1 in the convolutions of two groups and in the hidden layers give their ReLUs positive
        // inputs from the first step.
        let conv_init: fn(&ConvSpec) -> WeightInit = match self {
            Self::Torchvision => |_| Uniform,
            Self::Paper => |conv| Normal {
                bias: if conv.groups == 2 { 1.0 } else { 0.0 },
            },
            Self::Cifar => |_| He,
        };
        let (hidden_init, last_init) = match self {
            Self::Torchvision => (Uniform, Uniform),
            Self::Paper => (Normal { bias: 1.0 }, Normal { bias: 0.0 }),
            Self::Cifar => (He, Uniform),
        };
        SequentialPlan {
            table: table.to_vec(),
            conv_init,
            width,
            multiple_of: 2,
            head: HeadSpec::Mlp {
                side,
                hidden,
                dropout,
                init: hidden_init,
            },
            last_init,
            num_classes,
        }
    }
}

impl Variant {
    /// Least height and width of an image, in pixels: one pixel is left of it after the last pooling.
    #[must_use]
    pub const fn min_size(self) -> usize {
        match self {
            Self::Torchvision | Self::Paper => 63,
            Self::Cifar => 15,
        }
    }
}
