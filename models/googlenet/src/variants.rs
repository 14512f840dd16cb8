//! Table 1 of the paper, and the configuration that builds a network of it.

use burn::tensor::Device;
use burn_zoo_blocks::{InceptionConfig, InceptionStyle, ModelFamily, ModelOptions};

use crate::GoogLeNet;

/// The inception modules of Table 1, with the columns as printed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    pub(crate) inception3: [Row; 2],
    pub(crate) inception4: [Row; 5],
    pub(crate) inception5: [Row; 2],
}

/// `#1×1`, `#3×3 reduce`, `#3×3`, `#5×5 reduce`, `#5×5`, `pool proj`.
pub(crate) type Row = [usize; 6];

#[rustfmt::skip]
pub(crate) const TABLE_1: Table = Table {
    //                     patch/stride             output
    // convolution         7×7/2                    112×112×64     STEM[0]
    // max pool            3×3/2                    56×56×64
    // convolution         1×1/1, 3×3/1             56×56×192      STEM[1], STEM[2]
    // max pool            3×3/2                    28×28×192
    inception3: [ //   #1×1 #3×3r #3×3 #5×5r #5×5 pool
        /* 3a */        [64,   96, 128,   16,  32,  32], // 28×28×256
        /* 3b */       [128,  128, 192,   32,  96,  64], // 28×28×480
    ],
    // max pool            3×3/2                    14×14×480
    inception4: [
        /* 4a */       [192,   96, 208,   16,  48,  64], // 14×14×512, the first auxiliary head
        /* 4b */       [160,  112, 224,   24,  64,  64], // 14×14×512
        /* 4c */       [128,  128, 256,   24,  64,  64], // 14×14×512
        /* 4d */       [112,  144, 288,   32,  64,  64], // 14×14×528, the second auxiliary head
        /* 4e */       [256,  160, 320,   32, 128, 128], // 14×14×832
    ],
    // max pool            3×3/2                    7×7×832
    inception5: [
        /* 5a */       [256,  160, 320,   32, 128, 128], // 7×7×832
        /* 5b */       [384,  192, 384,   48, 128, 128], // 7×7×1024
    ],
    // avg pool            7×7/1                    1×1×1024
    // dropout (40 %), linear, softmax              1×1×1000
};

/// Channels of the convolutions before the first module: 7×7, "#3×3 reduce" and 3×3.
pub(crate) const STEM: [usize; 3] = [64, 64, 192];

/// Channels of the 1×1 convolution of an auxiliary head, and units of its hidden layer (section 5).
pub(crate) const AUX: [usize; 2] = [128, 1024];

/// Every network of this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variant {
    /// torchvision's `googlenet`: batch normalisation, and 3×3 kernels in place of 5×5. 6,624,904 parameters, 13,004,888
    /// with the auxiliary heads.
    Torchvision,
    /// The network of the paper: 5×5 kernels, biases, local response normalisation. 6,998,552 parameters, 13,378,280
    /// with the auxiliary heads.
    Paper,
    /// torchvision's network for images of 32×32: the first convolution is 3×3 of stride 1, and no pooling follows
    /// it, so that 4×4 pixels are left at the end. 5,602,474 parameters.
    Cifar,
}

impl Variant {
    pub(crate) const fn style(self) -> InceptionStyle {
        match self {
            Self::Paper => InceptionStyle::Paper,
            Self::Torchvision | Self::Cifar => InceptionStyle::Torchvision,
        }
    }

    /// Kernel and stride of the first convolution.
    pub(crate) const fn first(self) -> [usize; 2] {
        match self {
            Self::Torchvision | Self::Paper => [7, 2],
            Self::Cifar => [3, 1],
        }
    }

    /// Side of the last max-pooling's windows; all others are 3×3, and all have stride 2.
    pub(crate) const fn last_pool(self) -> usize {
        match self {
            Self::Paper => 3,
            Self::Torchvision | Self::Cifar => 2,
        }
    }

    /// Least height and width of an image, in pixels. The auxiliary heads of [`Paper`](Self::Paper) need larger ones;
    /// see [`GoogLeNetConfig::with_input_size`].
    #[must_use]
    pub const fn min_size(self) -> usize {
        match self {
            Self::Torchvision => 15,
            Self::Paper => 31,
            Self::Cifar => 4,
        }
    }
}

/// Configuration of a [`GoogLeNet`](crate::GoogLeNet).
#[derive(Debug, Clone, PartialEq)]
pub struct GoogLeNetConfig {
    pub(crate) variant: Variant,
    pub(crate) num_classes: usize,
    pub(crate) in_channels: usize,
    pub(crate) input_size: [usize; 2],
    pub(crate) width: usize,
    pub(crate) aux: bool,
    pub(crate) transform_input: bool,
    pub(crate) dropout: f64,
    pub(crate) aux_dropout: f64,
}

impl GoogLeNetConfig {
    /// A network for RGB images, with 1000 classes and both auxiliary heads; the CIFAR network has ten classes and
    /// no auxiliary head.
    #[must_use]
    pub fn new(variant: Variant) -> Self {
        Self {
            variant,
            num_classes: match variant {
                Variant::Torchvision | Variant::Paper => 1000,
                Variant::Cifar => 10,
            },
            in_channels: 3,
            input_size: [224, 224],
            width: STEM[0],
            aux: variant != Variant::Cifar,
            transform_input: false,
            dropout: match variant {
                Variant::Paper => 0.4,
                Variant::Torchvision | Variant::Cifar => 0.2,
            },
            aux_dropout: 0.7,
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

    /// Height and width of the images that it will be trained on: 224×224 by default.
    ///
    /// Only the auxiliary heads of [`Variant::Paper`] depend on it: their 5×5 pooling leaves 4×4 pixels of 224×224,
    /// and their first linear layer reads that many. They need images of at least 79×79. Everything else takes any
    /// size.
    #[must_use]
    pub fn with_input_size(mut self, [height, width]: [usize; 2]) -> Self {
        self.input_size = [height, width];
        self
    }

    /// Channels of the first convolution, at least one: 64 by default. The other widths follow, rounded up.
    ///
    /// A narrow network has the same layers and runs in a moment, for tests.
    #[must_use]
    pub fn with_width(mut self, width: usize) -> Self {
        self.width = width;
        self
    }

    /// Whether it has the two auxiliary heads, which only a training step runs.
    #[must_use]
    pub fn with_aux(mut self, aux: bool) -> Self {
        self.aux = aux;
        self
    }

    /// Whether images normalised with ImageNet's means and stds are rescaled to those that torchvision's
    /// pretrained weights were made for, 0.5 and 0.5 in every channel. Off by default; those weights need it.
    ///
    /// torchvision calls it `transform_input`.
    #[must_use]
    pub fn with_transform_input(mut self, transform_input: bool) -> Self {
        self.transform_input = transform_input;
        self
    }

    /// Probability that a training step drops a unit of the embedding, from 0 to below 1: 0.2 by default, 0.4 in the paper.
    #[must_use]
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// The same for the hidden layer of the auxiliary heads: 0.7 by default.
    #[must_use]
    pub fn with_aux_dropout(mut self, aux_dropout: f64) -> Self {
        self.aux_dropout = aux_dropout;
        self
    }

    /// Least height and width of an image that it can be trained on, in pixels: [`Variant::min_size`], or what the
    /// auxiliary heads need.
    #[must_use]
    pub const fn min_size(&self) -> usize {
        match (self.variant, self.aux) {
            // Five pixels are left of 79 where the 5×5 pooling of the heads begins.
            (Variant::Paper, true) => 79,
            (variant, _) => variant.min_size(),
        }
    }

    /// The width here of what is `at_full_width` wide in the paper.
    pub(crate) fn scaled(&self, at_full_width: usize) -> usize {
        (at_full_width * self.width).div_ceil(STEM[0])
    }

    /// The inception module of a row, on a map of `channels_in` channels.
    pub(crate) fn inception(&self, row: Row, channels_in: usize) -> InceptionConfig {
        let [conv1x1, reduce3x3, conv3x3, reduce5x5, conv5x5, pool_proj] =
            row.map(|channels| self.scaled(channels));
        InceptionConfig {
            channels_in,
            conv1x1,
            reduce3x3,
            conv3x3,
            reduce5x5,
            conv5x5,
            pool_proj,
            style: self.variant.style(),
        }
    }
}

impl ModelFamily for Variant {
    type Model = GoogLeNet;

    fn create(self, options: &ModelOptions, device: &Device) -> GoogLeNet {
        self.config(options).init(device)
    }

    fn has_dropout(self) -> bool {
        true
    }

    fn has_aux_heads(self) -> bool {
        true
    }

    fn min_size_with(self, options: &ModelOptions) -> usize {
        self.config(options).min_size()
    }
}

impl Variant {
    fn config(self, options: &ModelOptions) -> GoogLeNetConfig {
        let own = GoogLeNetConfig::new(self);
        GoogLeNetConfig {
            num_classes: options.num_classes.unwrap_or(own.num_classes),
            in_channels: options.in_channels.unwrap_or(own.in_channels),
            input_size: options.input_size.unwrap_or(own.input_size),
            aux: options.aux_heads.unwrap_or(own.aux),
            dropout: options.dropout.unwrap_or(own.dropout),
            ..own
        }
    }
}
