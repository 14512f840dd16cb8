#![doc = include_str!("../README.md")]

use std::sync::atomic::{AtomicBool, Ordering};

use burn::nn::conv::Conv2d;
use burn::nn::pool::MaxPool2d;
use burn::nn::{BatchNorm, Linear};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

#[cfg(feature = "flex")]
mod batch_norm;
#[cfg(feature = "flex")]
mod conv;
#[cfg(feature = "flex")]
mod gemm;
#[cfg(feature = "flex")]
mod linear;
#[cfg(feature = "flex")]
mod lrn;
#[cfg(feature = "flex")]
mod ops;
#[cfg(feature = "flex")]
mod parallel;
#[cfg(feature = "flex")]
mod pool;
mod profile;
mod sgd;

pub use profile::{OpTiming, profile};
pub use sgd::SgdStep;

static ENABLED: AtomicBool = AtomicBool::new(true);

/// Switches the kernels of this crate on or off for the whole process; while off, every operation is Burn's own. For
/// benchmarks and tests.
pub fn set_kernels_enabled(enabled: bool) {
    ENABLED.store(enabled, Ordering::Relaxed);
}

/// Whether a device's tensors in single precision meet the kernels of this crate.
#[must_use]
pub fn supports_kernels(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    return ops::is_single_precision_on_flex(&Tensor::<1>::zeros([1], device));
    #[cfg(not(feature = "flex"))]
    {
        let _ = device;
        false
    }
}

/// What [`Conv2d::forward`] does.
///
/// # Shapes
/// - images: `[batch, channels_in, height, width]`
/// - output: `[batch, channels_out, height_out, width_out]`
#[must_use]
pub fn conv2d(conv: &Conv2d, images: Tensor<4>) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if is_ours(&images)
        && let Some(maps) = ops::conv2d(conv, &images)
    {
        return maps;
    }
    conv.forward(images)
}

/// [`conv2d`], rectified.
#[must_use]
pub fn conv2d_relu(conv: &Conv2d, images: Tensor<4>) -> Tensor<4> {
    conv2d_bn_relu(conv, None, images)
}

/// [`conv2d`], then [`normalize`] where there is a normalisation: in one pass outside of training.
///
/// # Shapes
/// As [`conv2d`].
#[must_use]
pub fn conv2d_bn(conv: &Conv2d, norm: Option<&BatchNorm>, images: Tensor<4>) -> Tensor<4> {
    conv2d_bn_act(conv, norm, images, Activation::Nothing)
}

/// [`conv2d_bn`], rectified.
#[must_use]
pub fn conv2d_bn_relu(conv: &Conv2d, norm: Option<&BatchNorm>, images: Tensor<4>) -> Tensor<4> {
    conv2d_bn_act(conv, norm, images, Activation::Relu)
}

/// [`conv2d_bn`], with a shortcut added, rectified.
///
/// # Shapes
/// As [`conv2d`]; the shortcut as the output.
#[must_use]
pub fn conv2d_bn_add_relu(
    conv: &Conv2d,
    norm: Option<&BatchNorm>,
    images: Tensor<4>,
    shortcut: Tensor<4>,
) -> Tensor<4> {
    conv2d_bn_act(conv, norm, images, Activation::AddRelu(shortcut))
}

fn conv2d_bn_act(
    conv: &Conv2d,
    norm: Option<&BatchNorm>,
    images: Tensor<4>,
    then: Activation,
) -> Tensor<4> {
    if let Some(maps) = fused(conv, norm, &images, &then) {
        return maps;
    }
    let maps = conv2d(conv, images);
    match norm {
        Some(norm) => batch_norm_act(norm, maps, then),
        None => then.after(maps),
    }
}

/// The convolution with all that follows it in one kernel, where nothing is differentiated and there is one.
fn fused(
    conv: &Conv2d,
    norm: Option<&BatchNorm>,
    images: &Tensor<4>,
    then: &Activation,
) -> Option<Tensor<4>> {
    #[cfg(feature = "flex")]
    if is_ours(images) && !images.device().is_autodiff() {
        return ops::conv2d_then(conv, norm, images, then);
    }
    #[cfg(not(feature = "flex"))]
    let _ = (conv, norm, images, then);
    None
}

/// What [`MaxPool2d::forward`] does.
///
/// # Shapes
/// - images: `[batch, channels, height, width]`
/// - output: `[batch, channels, height_out, width_out]`
#[must_use]
pub fn max_pool(pool: &MaxPool2d, images: Tensor<4>) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if is_ours(&images)
        && let Some(maps) = ops::max_pool2d(pool, &images)
    {
        return maps;
    }
    pool.forward(images)
}

/// What [`Linear::forward`] does.
///
/// # Shapes
/// - vectors: `[batch, inputs]`
/// - output: `[batch, outputs]`
#[must_use]
pub fn linear(layer: &Linear, vectors: Tensor<2>) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if is_ours(&vectors)
        && is_ours(&layer.weight.val())
        && let Some(sums) = ops::linear(layer, &vectors)
    {
        return sums;
    }
    layer.forward(vectors)
}

/// What [`BatchNorm::forward`] does.
///
/// # Shapes
/// - images: `[batch, channels, height, width]`
/// - output: as the images
#[must_use]
pub fn normalize(norm: &BatchNorm, images: Tensor<4>) -> Tensor<4> {
    batch_norm_act(norm, images, Activation::Nothing)
}

/// A window over channels, and what the paper of AlexNet (Krizhevsky et al. 2012, section 3.3) does in it: every value is
/// divided by (k + α Σ a²)^β, the sum over n channels from ⌊n/2⌋ below its own on, as far as there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LrnParams {
    /// What is added to the weighted sum, positive.
    pub k: f64,
    /// Channels, at least one.
    pub n: usize,
    /// The weight of the sum, not divided by n.
    pub alpha: f64,
    /// The exponent.
    pub beta: f64,
}

/// Local response normalisation in the sum form of the paper; none where this crate has no kernel for it.
///
/// # Shapes
/// - maps and output: `[batch, channels, height, width]`
#[must_use]
pub fn local_response_norm(window: &LrnParams, maps: &Tensor<4>) -> Option<Tensor<4>> {
    #[cfg(feature = "flex")]
    if is_ours(maps) && window.n > 0 && maps.shape().num_elements() > 0 {
        return Some(ops::local_response_norm(window, maps));
    }
    let _ = (window, maps);
    None
}

/// What follows a normalisation.
#[allow(clippy::large_enum_variant, reason = "made to be taken apart at once")]
enum Activation {
    Nothing,
    Relu,
    AddRelu(Tensor<4>),
}

impl Activation {
    /// As operations of Burn.
    fn after(self, maps: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Nothing => maps,
            Self::Relu => relu(maps),
            Self::AddRelu(shortcut) => relu(maps + shortcut),
        }
    }

    /// Whether a shortcut has the shape of the images; Burn repeats one that is smaller, or says what is wrong with it.
    #[cfg(feature = "flex")]
    fn fits(&self, images: &Tensor<4>) -> bool {
        match self {
            Self::AddRelu(shortcut) => shortcut.dims() == images.dims(),
            Self::Nothing | Self::Relu => true,
        }
    }
}

/// In the precision of the layer, and back to that of the images: 16 bits are too few for a variance.
fn batch_norm_act(norm: &BatchNorm, images: Tensor<4>, then: Activation) -> Tensor<4> {
    let (own, inner) = (images.dtype(), norm.gamma.val().dtype());
    if own != inner {
        let then = match then {
            Activation::AddRelu(shortcut) => Activation::AddRelu(shortcut.cast(inner)),
            other => other,
        };
        return batch_norm_act(norm, images.cast(inner), then).cast(own);
    }
    #[cfg(feature = "flex")]
    if is_ours(&images)
        && images.dims()[1] == norm.gamma.dims()[0]
        && images.shape().num_elements() > 0
        && then.fits(&images)
    {
        match (images.device().is_autodiff(), norm.training.is_enabled()) {
            (true, true) => return ops::batch_norm(norm, images, then),
            (false, _) => return ops::batch_norm_eval(norm, images, then),
            // Frozen within a network that trains: Burn's own, which knows its gradient.
            (true, false) => {}
        }
    }
    then.after(norm.forward(images))
}

/// Whether the kernels of this crate take the tensor.
#[cfg(feature = "flex")]
fn is_ours<const D: usize>(tensor: &Tensor<D>) -> bool {
    ENABLED.load(Ordering::Relaxed) && ops::is_single_precision_on_flex(tensor)
}
