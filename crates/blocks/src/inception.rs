//! The inception modules of [Going Deeper with Convolutions](https://arxiv.org/abs/1409.4842) (Szegedy et al. 2014),
//! Fig. 2: (a) naïve and (b) with dimension reduction.
//!
//! Four branches look at the same map through windows of different sizes, and their answers are stacked as channels.
//! Field names are torchvision's state-dict keys.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Initializer, PaddingConfig2d};
use burn::tensor::{Device, Tensor};

use crate::{constant_bias, conv2d_bn_relu, fuse_conv_bn, max_pool};

/// The two ways in which GoogLeNet's convolutions are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InceptionStyle {
    /// As in the paper: biases, no normalisation.
    ///
    /// The paper does not say how weights start. They are drawn by He's rule for fan-in, which keeps the signal alive
    /// through a depth without normalisation, and biases start at zero.
    Paper,
    /// As in torchvision: batch normalisation with ε 0.001 instead of biases, and
    /// [3×3 kernels where the paper has 5×5](https://github.com/pytorch/vision/issues/906).
    ///
    /// Weights are drawn from N(0, 0.01), as there.
    Torchvision,
}

impl InceptionStyle {
    /// Side of the kernels in the branch that the paper calls 5×5.
    #[must_use]
    pub const fn large_kernel(self) -> usize {
        match self {
            Self::Paper => 5,
            Self::Torchvision => 3,
        }
    }
}

/// A convolution, the batch normalisation of torchvision's style, and a ReLU (torchvision: `BasicConv2d`).
#[derive(Module, Debug)]
pub struct BasicConv2d {
    conv: Conv2d,
    bn: Option<BatchNorm>,
}

impl BasicConv2d {
    /// Creates the unit, padded so that stride 1 keeps height and width.
    ///
    /// `channels` is `[in, out]`; `kernel` is the odd side of the kernel.
    #[must_use]
    pub fn new(
        style: InceptionStyle,
        channels: [usize; 2],
        kernel: usize,
        stride: usize,
        device: &Device,
    ) -> Self {
        let padding = kernel / 2;
        let config = Conv2dConfig::new(channels, [kernel, kernel])
            .with_stride([stride, stride])
            .with_padding(PaddingConfig2d::Explicit(
                padding, padding, padding, padding,
            ));
        match style {
            InceptionStyle::Paper => {
                let initializer = Initializer::KaimingNormal {
                    gain: 2.0_f64.sqrt(),
                    fan_out_only: false,
                };
                let mut conv = config.with_initializer(initializer).init(device);
                conv.bias = constant_bias(conv.bias, 0.0);
                Self { conv, bn: None }
            }
            InceptionStyle::Torchvision => {
                let initializer = Initializer::Normal {
                    mean: 0.0,
                    std: 0.01,
                };
                let norm = BatchNormConfig::new(channels[1])
                    .with_epsilon(1e-3)
                    .with_momentum(0.1);
                Self {
                    conv: config
                        .with_bias(false)
                        .with_initializer(initializer)
                        .init(device),
                    bn: Some(norm.init(device)),
                }
            }
        }
    }

    /// Applies the unit.
    ///
    /// # Shapes
    /// - input: `[batch, in, height, width]`
    /// - output: `[batch, out, ⌈height / stride⌉, ⌈width / stride⌉]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        conv2d_bn_relu(&self.conv, self.bn.as_ref(), input)
    }

    /// The unit with its normalisation [folded](crate::fuse_conv_bn) into its convolution.
    #[must_use]
    pub fn fuse(mut self) -> Self {
        fuse_conv_bn(&mut self.conv, &mut self.bn);
        self
    }
}

/// Configuration of an [`Inception`] module: a row of the paper's Table 1, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InceptionConfig {
    /// Channels that come in.
    pub channels_in: usize,
    /// "#1×1": channels of the 1×1 branch.
    pub conv1x1: usize,
    /// "#3×3 reduce": channels of the 1×1 convolution before the 3×3 one.
    pub reduce3x3: usize,
    /// "#3×3": channels of the 3×3 branch.
    pub conv3x3: usize,
    /// "#5×5 reduce": channels of the 1×1 convolution before the 5×5 one.
    pub reduce5x5: usize,
    /// "#5×5": channels of the 5×5 branch.
    pub conv5x5: usize,
    /// "pool proj": channels of the 1×1 convolution after the pooling.
    pub pool_proj: usize,
    /// How the convolutions are built.
    pub style: InceptionStyle,
}

impl InceptionConfig {
    /// Channels that go out: those of the four branches together.
    #[must_use]
    pub const fn channels_out(&self) -> usize {
        self.conv1x1 + self.conv3x3 + self.conv5x5 + self.pool_proj
    }

    /// Creates the module.
    #[must_use]
    pub fn init(&self, device: &Device) -> Inception {
        let Self {
            channels_in,
            conv1x1,
            reduce3x3,
            conv3x3,
            reduce5x5,
            conv5x5,
            pool_proj,
            style,
        } = *self;
        let unit = |channels, kernel| BasicConv2d::new(style, channels, kernel, 1, device);
        Inception {
            branch1: unit([channels_in, conv1x1], 1),
            branch2: (
                unit([channels_in, reduce3x3], 1),
                unit([reduce3x3, conv3x3], 3),
            ),
            branch3: (
                unit([channels_in, reduce5x5], 1),
                unit([reduce5x5, conv5x5], style.large_kernel()),
            ),
            branch4: (pool3x3(), unit([channels_in, pool_proj], 1)),
        }
    }
}

/// The inception module with dimension reduction, Fig. 2(b): 1×1 convolutions make a map thin before a wide kernel
/// reads it.
///
/// Should be created with [`InceptionConfig`].
#[derive(Module, Debug)]
pub struct Inception {
    branch1: BasicConv2d,
    branch2: (BasicConv2d, BasicConv2d),
    branch3: (BasicConv2d, BasicConv2d),
    branch4: (MaxPool2d, BasicConv2d),
}

impl Inception {
    /// Applies the module.
    ///
    /// # Shapes
    /// - input: `[batch, channels_in, height, width]`
    /// - output: `[batch, channels_out, height, width]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let (reduce3x3, conv3x3) = &self.branch2;
        let (reduce5x5, conv5x5) = &self.branch3;
        let (pool, proj) = &self.branch4;
        let branches = vec![
            self.branch1.forward(input.clone()),
            conv3x3.forward(reduce3x3.forward(input.clone())),
            conv5x5.forward(reduce5x5.forward(input.clone())),
            proj.forward(max_pool(pool, input)),
        ];
        Tensor::cat(branches, 1)
    }

    /// The module with its normalisations [folded](crate::fuse_conv_bn) into its convolutions.
    #[must_use]
    pub fn fuse(self) -> Self {
        let pair = |(reduce, conv): (BasicConv2d, BasicConv2d)| (reduce.fuse(), conv.fuse());
        let (pool, proj) = self.branch4;
        Self {
            branch1: self.branch1.fuse(),
            branch2: pair(self.branch2),
            branch3: pair(self.branch3),
            branch4: (pool, proj.fuse()),
        }
    }
}

/// Configuration of a [`NaiveInception`] module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NaiveInceptionConfig {
    /// Channels that come in.
    pub channels_in: usize,
    /// Channels of the 1×1 branch.
    pub conv1x1: usize,
    /// Channels of the 3×3 branch.
    pub conv3x3: usize,
    /// Channels of the 5×5 branch.
    pub conv5x5: usize,
    /// How the convolutions are built.
    pub style: InceptionStyle,
}

impl NaiveInceptionConfig {
    /// Channels that go out: those of the three convolutions, and all that came in, pooled. Stacked modules therefore
    /// only ever grow, which is what the paper's 1×1 convolutions remedy.
    #[must_use]
    pub const fn channels_out(&self) -> usize {
        self.conv1x1 + self.conv3x3 + self.conv5x5 + self.channels_in
    }

    /// Creates the module.
    #[must_use]
    pub fn init(&self, device: &Device) -> NaiveInception {
        let Self {
            channels_in, style, ..
        } = *self;
        let unit = |out, kernel| BasicConv2d::new(style, [channels_in, out], kernel, 1, device);
        NaiveInception {
            branch1: unit(self.conv1x1, 1),
            branch2: unit(self.conv3x3, 3),
            branch3: unit(self.conv5x5, style.large_kernel()),
            branch4: pool3x3(),
        }
    }
}

/// The naïve inception module, Fig. 2(a): every kernel reads the whole map, and the pooled map is passed on as it is.
///
/// Should be created with [`NaiveInceptionConfig`].
#[derive(Module, Debug)]
pub struct NaiveInception {
    branch1: BasicConv2d,
    branch2: BasicConv2d,
    branch3: BasicConv2d,
    branch4: MaxPool2d,
}

impl NaiveInception {
    /// Applies the module.
    ///
    /// # Shapes
    /// - input: `[batch, channels_in, height, width]`
    /// - output: `[batch, channels_out, height, width]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let branches = vec![
            self.branch1.forward(input.clone()),
            self.branch2.forward(input.clone()),
            self.branch3.forward(input.clone()),
            max_pool(&self.branch4, input),
        ];
        Tensor::cat(branches, 1)
    }
}

/// 3×3 max-pooling that keeps height and width.
fn pool3x3() -> MaxPool2d {
    MaxPool2dConfig::new([3, 3])
        .with_strides([1, 1])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
        .init()
}

#[cfg(test)]
mod tests;
