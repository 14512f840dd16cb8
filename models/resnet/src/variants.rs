//! The networks of the paper as a table, and the configuration that builds one.

use burn::tensor::Device;
use burn_zoo_blocks::{BlockKind, BottleneckStride, ModelFamily, ModelOptions, Shortcut};

use crate::ResNet;

/// The depths of the paper's Table 1, as torchvision builds them (v1.5, option B).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Depth {
    /// 18 layers, basic units: 11.7 M parameters.
    R18,
    /// 34 layers, basic units: 21.8 M parameters.
    R34,
    /// 50 layers, bottleneck units: 25.6 M parameters.
    R50,
    /// 101 layers, bottleneck units: 44.5 M parameters.
    R101,
    /// 152 layers, bottleneck units: 60.2 M parameters.
    R152,
}

impl From<Depth> for Variant {
    fn from(depth: Depth) -> Self {
        match depth {
            Depth::R18 => Self::R18,
            Depth::R34 => Self::R34,
            Depth::R50 => Self::R50,
            Depth::R101 => Self::R101,
            Depth::R152 => Self::R152,
        }
    }
}

/// Every network of this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variant {
    /// torchvision's `resnet18`.
    R18,
    /// torchvision's `resnet34`.
    R34,
    /// torchvision's `resnet50`.
    R50,
    /// torchvision's `resnet101`.
    R101,
    /// torchvision's `resnet152`.
    R152,
    /// ResNet-50 as in the paper: the first 1×1 convolution of a bottleneck carries the stride.
    R50Paper,
    /// ResNet-101 as in the paper.
    R101Paper,
    /// ResNet-152 as in the paper.
    R152Paper,
    /// The 18-layer network without shortcuts.
    Plain18,
    /// The 34-layer network without shortcuts.
    Plain34,
    /// CIFAR, n = 3 of section 4.2: 20 layers, 16, 32 and 64 channels, option A.
    R20,
    /// CIFAR, n = 5: 32 layers.
    R32,
    /// CIFAR, n = 7: 44 layers.
    R44,
    /// CIFAR, n = 9: 56 layers.
    R56,
    /// CIFAR, n = 18: 110 layers.
    R110,
    /// The 20-layer CIFAR network without shortcuts.
    Plain20,
    /// The 32-layer CIFAR network without shortcuts.
    Plain32,
    /// The 44-layer CIFAR network without shortcuts.
    Plain44,
    /// The 56-layer CIFAR network without shortcuts.
    Plain56,
    /// ResNet-18 for small images: a 3×3 stem of stride 1 and no max-pooling, so that 32×32 reaches 4×4 at the end.
    CifarR18,
    /// ResNet-34 for small images.
    CifarR34,
    /// ResNet-50 for small images.
    CifarR50,
}

/// The first layers of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stem {
    /// 7×7 of stride 2, then 3×3 max-pooling of stride 2: a quarter of the resolution is left.
    Large,
    /// 3×3 of stride 1: the resolution stays.
    Small,
}

/// What a variant is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) stem: Stem,
    pub(crate) kind: BlockKind,
    /// Units of each stage. The width doubles and the resolution halves from one stage to the next.
    pub(crate) stages: &'static [usize],
    /// Width of the first stage.
    pub(crate) width: usize,
    pub(crate) shortcut: Shortcut,
}

impl Variant {
    /// The table: Table 1 of the paper, and section 4.2 for the CIFAR networks.
    #[rustfmt::skip]
    pub(crate) const fn plan(self) -> Plan {
        use Shortcut::{Absent, ProjectOnChange as B, ZeroPad as A};
        use Stem::{Large, Small};
        use BlockKind::Basic;
        const V1: BlockKind = BlockKind::Bottleneck(BottleneckStride::First1x1);
        const V15: BlockKind = BlockKind::Bottleneck(BottleneckStride::Middle3x3);

        let (stem, kind, stages, width, shortcut): (_, _, &'static [usize], _, _) = match self {
            Self::R18       => (Large, Basic, &[2, 2, 2, 2],  64, B),
            Self::R34       => (Large, Basic, &[3, 4, 6, 3],  64, B),
            Self::R50       => (Large, V15,   &[3, 4, 6, 3],  64, B),
            Self::R101      => (Large, V15,   &[3, 4, 23, 3], 64, B),
            Self::R152      => (Large, V15,   &[3, 8, 36, 3], 64, B),
            Self::R50Paper  => (Large, V1,    &[3, 4, 6, 3],  64, B),
            Self::R101Paper => (Large, V1,    &[3, 4, 23, 3], 64, B),
            Self::R152Paper => (Large, V1,    &[3, 8, 36, 3], 64, B),
            Self::Plain18   => (Large, Basic, &[2, 2, 2, 2],  64, Absent),
            Self::Plain34   => (Large, Basic, &[3, 4, 6, 3],  64, Absent),
            Self::R20       => (Small, Basic, &[3, 3, 3],     16, A),
            Self::R32       => (Small, Basic, &[5, 5, 5],     16, A),
            Self::R44       => (Small, Basic, &[7, 7, 7],     16, A),
            Self::R56       => (Small, Basic, &[9, 9, 9],     16, A),
            Self::R110      => (Small, Basic, &[18, 18, 18],  16, A),
            Self::Plain20   => (Small, Basic, &[3, 3, 3],     16, Absent),
            Self::Plain32   => (Small, Basic, &[5, 5, 5],     16, Absent),
            Self::Plain44   => (Small, Basic, &[7, 7, 7],     16, Absent),
            Self::Plain56   => (Small, Basic, &[9, 9, 9],     16, Absent),
            Self::CifarR18  => (Small, Basic, &[2, 2, 2, 2],  64, B),
            Self::CifarR34  => (Small, Basic, &[3, 4, 6, 3],  64, B),
            Self::CifarR50  => (Small, V15,   &[3, 4, 6, 3],  64, B),
        };
        Plan { stem, kind, stages, width, shortcut }
    }

    /// Least height and width of an image, in pixels: every layer is padded, and the last map is averaged whatever its size.
    #[must_use]
    pub const fn min_size(self) -> usize {
        1
    }

    /// Whether the network belongs to the CIFAR family of section 4.2, with ten classes by default.
    const fn is_cifar(self) -> bool {
        matches!(self.plan().stem, Stem::Small)
    }
}

/// Configuration of a [`ResNet`](crate::ResNet).
#[derive(Debug, Clone, PartialEq)]
pub struct ResNetConfig {
    pub(crate) num_classes: usize,
    pub(crate) in_channels: usize,
    pub(crate) plan: Plan,
    pub(crate) stochastic_depth: f64,
}

impl ResNetConfig {
    /// A network of the paper for RGB images, with 1000 classes, or ten for a CIFAR network.
    pub fn new(variant: impl Into<Variant>) -> Self {
        let variant = variant.into();
        Self {
            num_classes: if variant.is_cifar() { 10 } else { 1000 },
            in_channels: 3,
            plan: variant.plan(),
            stochastic_depth: 0.0,
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

    /// Width of the first stage, at least one: 64 by default, 16 in the CIFAR family. The other widths follow.
    ///
    /// A narrow network has the same layers and runs in a moment, for tests.
    #[must_use]
    pub fn with_width(mut self, width: usize) -> Self {
        self.plan.width = width;
        self
    }

    /// The shortcuts of every unit, as in Table 3 of the paper.
    #[must_use]
    pub fn with_shortcut(mut self, shortcut: Shortcut) -> Self {
        self.plan.shortcut = shortcut;
        self
    }

    /// [Stochastic depth](https://arxiv.org/abs/1603.09382) (Huang et al. 2016): probability that a training
    /// step leaves out the last unit's convolutions for an image, from 0 (the default) to below 1. Unit l of L is left out l / L times
    /// as often (equation 4). Networks without shortcuts have none.
    #[must_use]
    pub fn with_stochastic_depth(mut self, stochastic_depth: f64) -> Self {
        self.stochastic_depth = stochastic_depth;
        self
    }
}

impl ModelFamily for Variant {
    type Model = ResNet;

    fn create(self, options: &ModelOptions, device: &Device) -> ResNet {
        let own = ResNetConfig::new(self);
        ResNetConfig {
            num_classes: options.num_classes.unwrap_or(own.num_classes),
            in_channels: options.in_channels.unwrap_or(own.in_channels),
            stochastic_depth: options.stochastic_depth.unwrap_or(own.stochastic_depth),
            ..own
        }
        .init(device)
    }

    /// A unit without a shortcut cannot be left out.
    fn has_stochastic_depth(self) -> bool {
        self.plan().shortcut != Shortcut::Absent
    }
}
