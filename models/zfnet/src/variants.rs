//! The networks as tables.

use burn_zoo_blocks::sequential::{
    ConvSpec, HeadSpec, LayerSpec, SequentialPlan, SequentialVariant,
};
use burn_zoo_blocks::{DropoutSide, WeightInit};

/// Every network of this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variant {
    /// The network of the paper's Fig. 3: 62,357,608 parameters.
    ImageNet,
    /// For images of 32×32: a first convolution of stride 1, and hidden layers of 1024 units. 5,835,914 parameters.
    Cifar,
}

/// 3×3 of stride 2. Fig. 3 goes from 110 to 55 and from 26 to 13, which takes a window for the last, odd pixels.
const POOL: LayerSpec = LayerSpec::MaxPool {
    kernel: 3,
    ceil_mode: true,
};

const RELU: LayerSpec = LayerSpec::Relu;
const LRN: LayerSpec = LayerSpec::Lrn;

/// A convolution of 3×3 that keeps height and width.
const fn conv3(channels: usize) -> LayerSpec {
    LayerSpec::Conv(ConvSpec::same(channels, 3))
}

const fn conv(channels: usize, kernel: usize, stride: usize, padding: usize) -> LayerSpec {
    LayerSpec::Conv(ConvSpec {
        channels,
        kernel,
        stride,
        padding,
        groups: 1,
    })
}

/// The map at this place has a name.
const fn map(name: &'static str) -> LayerSpec {
    LayerSpec::Feature(name)
}

/// Fig. 3. Other than in AlexNet, pooling comes before the normalisation.
#[rustfmt::skip]
const IMAGENET: &[LayerSpec] = &[
    conv(96, 7, 2, 1),  RELU, map("conv1"), POOL, map("pool1"), LRN, map("norm1"), // 224 → 110 → 55
    conv(256, 5, 2, 0), RELU, map("conv2"), POOL, map("pool2"), LRN, map("norm2"), // 26 → 13
    conv3(384),         RELU, map("conv3"),
    conv3(384),         RELU, map("conv4"),
    conv3(256),         RELU, map("conv5"), POOL, map("pool5"),                    // 13 → 6
];

#[rustfmt::skip]
const CIFAR: &[LayerSpec] = &[
    conv(96, 7, 1, 3),  RELU, map("conv1"), POOL, map("pool1"), LRN, map("norm1"), // 32 → 16
    conv(256, 5, 2, 2), RELU, map("conv2"), POOL, map("pool2"), LRN, map("norm2"), // 8 → 4
    conv3(384),         RELU, map("conv3"),
    conv3(384),         RELU, map("conv4"),
    conv3(256),         RELU, map("conv5"), POOL, map("pool5"),                    // 4 → 2
];

impl SequentialVariant for Variant {
    fn plan(self) -> SequentialPlan {
        use WeightInit::{He, Normal, Uniform};
        let (table, side, hidden, num_classes) = match self {
            Self::ImageNet => (IMAGENET, 6, 4096, 1000),
            Self::Cifar => (CIFAR, 2, 1024, 10),
        };
        let (conv_init, init, last_init): (fn(&ConvSpec) -> WeightInit, _, _) = match self {
            Self::ImageNet => (
                |_| Normal { bias: 0.0 },
                Normal { bias: 0.0 },
                Normal { bias: 0.0 },
            ),
            Self::Cifar => (|_| He, He, Uniform),
        };
        SequentialPlan {
            table: table.to_vec(),
            conv_init,
            width: 96,
            multiple_of: 1,
            head: HeadSpec::Mlp {
                side,
                hidden,
                dropout: DropoutSide::After,
                init,
            },
            last_init,
            num_classes,
        }
    }
}

impl Variant {
    /// Least height and width of an image, in pixels: every pooling has a whole window.
    #[must_use]
    pub const fn min_size(self) -> usize {
        match self {
            Self::ImageNet => 63,
            Self::Cifar => 22,
        }
    }
}
