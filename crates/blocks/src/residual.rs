//! The residual units of [Deep Residual Learning](https://arxiv.org/abs/1512.03385) (He et al. 2015), Fig. 5, with
//! the shortcut options A, B and C of its section 4.1.
//!
//! Field names are torchvision's state-dict keys. Both units are one struct, not an enum of two, so that the path of
//! a parameter is exactly that key (`layer1.0.conv1.weight`), with no variant name in between.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, Dropout, DropoutConfig};
use burn::tensor::activation::relu;
use burn::tensor::ops::PadMode;
use burn::tensor::{Device, Tensor, s};

use crate::{
    batch_norm, conv1x1, conv2d_bn, conv2d_bn_add_relu, conv2d_bn_relu, conv3x3, fuse_conv_bn,
};

/// Which of the two residual units of Fig. 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    /// Two 3×3 convolutions; the first carries the stride. Gives as many channels as its width.
    Basic,
    /// 1×1 down, 3×3, 1×1 up. Gives four times as many channels as its width.
    Bottleneck(BottleneckStride),
}

impl BlockKind {
    /// Channels that the unit gives per channel of its width.
    #[must_use]
    pub const fn expansion(self) -> usize {
        match self {
            Self::Basic => 1,
            Self::Bottleneck(_) => 4,
        }
    }
}

/// Where a bottleneck that halves the resolution has its stride.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BottleneckStride {
    /// In the first 1×1 convolution, as in the paper ("v1"): three quarters of its input are never read.
    First1x1,
    /// In the 3×3 convolution, as in torchvision ("v1.5"): nothing is skipped, for 4.1 instead of 3.8 G multiply-adds in
    /// ResNet-50.
    Middle3x3,
}

/// What runs beside the convolutions of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortcut {
    /// Nothing: the "plain" networks that the paper compares with.
    Absent,
    /// Option A: identity; where the shape changes, every `stride`-th pixel with zeros for the new channels.
    ZeroPad,
    /// Option B: identity; where the shape changes, a 1×1 convolution and batch normalisation.
    ProjectOnChange,
    /// Option C: a 1×1 convolution and batch normalisation everywhere.
    ProjectAlways,
}

/// Configuration of a [`ResidualUnit`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResidualUnitConfig {
    /// Basic or bottleneck.
    pub kind: BlockKind,
    /// Channels that come in.
    pub channels_in: usize,
    /// Channels of the 3×3 convolutions.
    pub width: usize,
    /// 1, or 2 to halve height and width.
    pub stride: usize,
    /// What runs beside the convolutions.
    pub shortcut: Shortcut,
    /// Stochastic depth ([Huang et al. 2016](https://arxiv.org/abs/1603.09382)): probability that a training
    /// step does not count the convolutions, from 0 to below 1: they are computed, and the batch statistics see them, as in
    /// torchvision's and timm's. For the others they count 1 / (1 − p), so that nothing changes in evaluation. Nothing
    /// is left out where there is no shortcut.
    pub drop: f64,
}

impl ResidualUnitConfig {
    /// Channels that go out: the width times the expansion of the kind.
    #[must_use]
    pub const fn channels_out(&self) -> usize {
        self.width * self.kind.expansion()
    }

    /// Creates the unit, its convolutions drawn as [`kaiming_normal_fan_out`](crate::kaiming_normal_fan_out).
    #[must_use]
    pub fn init(&self, device: &Device) -> ResidualUnit {
        let Self {
            kind,
            channels_in,
            width,
            stride,
            ..
        } = *self;
        let out = self.channels_out();
        let (conv1, conv2, conv3) = match kind {
            BlockKind::Basic => (
                conv3x3([channels_in, width], stride, device),
                conv3x3([width, width], 1, device),
                None,
            ),
            BlockKind::Bottleneck(place) => {
                let (first, middle) = match place {
                    BottleneckStride::First1x1 => (stride, 1),
                    BottleneckStride::Middle3x3 => (1, stride),
                };
                (
                    conv1x1([channels_in, width], first, device),
                    conv3x3([width, width], middle, device),
                    Some(conv1x1([width, out], 1, device)),
                )
            }
        };
        let path = self.path();
        ResidualUnit {
            conv1,
            bn1: Some(batch_norm(width, device)),
            conv2,
            bn2: Some(batch_norm(width, device)),
            bn3: conv3.as_ref().map(|_| batch_norm(out, device)),
            conv3,
            downsample: (path == Path::Project).then(|| {
                (
                    conv1x1([channels_in, out], stride, device),
                    Some(batch_norm(out, device)),
                )
            }),
            drop: (self.drop > 0.0 && path != Path::Absent)
                .then(|| DropoutConfig::new(self.drop).init()),
            path,
        }
    }

    /// The shortcut rule: the shape changes with the stride *or* with the number of channels.
    fn path(&self) -> Path {
        let changes = self.stride != 1 || self.channels_in != self.channels_out();
        match (self.shortcut, changes) {
            (Shortcut::Absent, _) => Path::Absent,
            (Shortcut::ProjectAlways, _) | (Shortcut::ProjectOnChange, true) => Path::Project,
            (Shortcut::ZeroPad | Shortcut::ProjectOnChange, false) => Path::Identity,
            (Shortcut::ZeroPad, true) => Path::ZeroPad {
                stride: self.stride,
                channels: self.channels_out(),
            },
        }
    }
}

/// What the shortcut of one unit does, once its shape is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Path {
    Absent,
    Identity,
    ZeroPad { stride: usize, channels: usize },
    Project,
}

/// A residual unit: `relu(convolutions(x) + shortcut(x))`, with batch normalisation after every convolution.
///
/// Should be created with [`ResidualUnitConfig`].
#[derive(Module, Debug)]
pub struct ResidualUnit {
    conv1: Conv2d,
    /// Normalisations go into their convolutions when the unit is fused.
    bn1: Option<BatchNorm>,
    conv2: Conv2d,
    bn2: Option<BatchNorm>,
    /// Bottlenecks only, and so is its normalisation.
    conv3: Option<Conv2d>,
    bn3: Option<BatchNorm>,
    /// Projections only: PyTorch's keys are `downsample.0` and `downsample.1`.
    downsample: Option<(Conv2d, Option<BatchNorm>)>,
    /// Stochastic depth.
    drop: Option<Dropout>,
    #[module(skip)]
    path: Path,
}

impl ResidualUnit {
    /// Applies the unit.
    ///
    /// # Shapes
    /// - input: `[batch, channels_in, height, width]`
    /// - output: `[batch, channels_out, ⌈height / stride⌉, ⌈width / stride⌉]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let mut out = conv2d_bn_relu(&self.conv1, self.bn1.as_ref(), input.clone());
        let (mut conv, mut norm) = (&self.conv2, self.bn2.as_ref());
        if let Some(conv3) = &self.conv3 {
            out = conv2d_bn_relu(conv, norm, out);
            (conv, norm) = (conv3, self.bn3.as_ref());
        }
        match (self.shortcut(input), &self.drop) {
            (Some(shortcut), None) => conv2d_bn_add_relu(conv, norm, out, shortcut),
            (Some(shortcut), Some(_)) => relu(self.dropped(conv2d_bn(conv, norm, out)) + shortcut),
            (None, _) => conv2d_bn_relu(conv, norm, out),
        }
    }

    /// The unit with its normalisations [folded](crate::fuse_conv_bn) into its convolutions.
    #[must_use]
    pub fn fuse(mut self) -> Self {
        fuse_conv_bn(&mut self.conv1, &mut self.bn1);
        fuse_conv_bn(&mut self.conv2, &mut self.bn2);
        if let Some(conv3) = &mut self.conv3 {
            fuse_conv_bn(conv3, &mut self.bn3);
        }
        if let Some((conv, norm)) = &mut self.downsample {
            fuse_conv_bn(conv, norm);
        }
        self
    }

    /// What the convolutions gave, left out for some images.
    fn dropped(&self, out: Tensor<4>) -> Tensor<4> {
        let Some(drop) = &self.drop else {
            return out;
        };
        let kept = Tensor::<4>::ones([out.dims()[0], 1, 1, 1], &out.device()).cast(out.dtype());
        out * drop.forward(kept)
    }

    fn shortcut(&self, input: Tensor<4>) -> Option<Tensor<4>> {
        match (self.path, &self.downsample) {
            (Path::Project, Some((conv, norm))) => Some(conv2d_bn(conv, norm.as_ref(), input)),
            (Path::ZeroPad { stride, channels }, _) => Some(zero_pad(input, stride, channels)),
            (Path::Identity, _) => Some(input),
            (Path::Absent | Path::Project, _) => None,
        }
    }
}

/// Every `stride`-th pixel, with zero channels added before and after, half of them each.
fn zero_pad(input: Tensor<4>, stride: usize, channels: usize) -> Tensor<4> {
    let missing = channels - input.dims()[1];
    let before = missing / 2;
    let pixels = match stride {
        1 => input,
        _ => input.slice(s![.., .., ..;stride, ..;stride]),
    };
    pixels.pad(
        [(before, missing - before), (0, 0), (0, 0)],
        PadMode::Constant(0.0),
    )
}

#[cfg(test)]
mod tests;
