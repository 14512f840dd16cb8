//! Random changes of training images, as torchvision and the papers define them.

mod adjust;
mod crop;
mod erase;
pub(crate) mod geometry;
mod gpu_augment;
mod jitter;
pub(crate) mod normalize;
mod op;
pub(crate) mod pipeline;
mod policy;
pub(crate) mod resize;
mod sub_policies;
#[cfg(test)]
mod tests;
mod warp;

use rand::{Rng, RngExt};

pub use crop::Crop;
pub use erase::{EraseValue, Erasing};
pub(crate) use gpu_augment::{GpuAugment, GpuTransform};
pub use jitter::ColorJitter;
pub use policy::{AutoAugment, Policy};

use crate::sample::Image;

/// Random changes of a training image, in the order in which they are made.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Augment {
    /// Which part of the image is taken.
    pub crop: Crop,
    /// Whether half of the images are mirrored left to right.
    pub flip: bool,
    /// A learned or random choice among many operations.
    pub policy: Option<Policy>,
    /// Brightness, contrast, saturation and hue.
    pub color_jitter: Option<ColorJitter>,
    /// Light of another colour: std of the coefficients of the three principal components of ImageNet's colours that
    /// are added (AlexNet, section 4.1, takes 0.1). For RGB images.
    pub lighting: Option<f64>,
    /// A rectangle of the normalised image is overwritten.
    pub erasing: Option<Erasing>,
    /// Side in pixels of a square around a random point that becomes zero after normalisation: Cutout (DeVries and
    /// Taylor 2017).
    pub cutout: Option<usize>,
}

impl Augment {
    /// The changes of an image that is cropped to the input size, and still of bytes.
    pub(crate) fn image(&self, image: &mut Image, rng: &mut impl Rng) {
        if self.flip && rng.random_bool(0.5) {
            crop::mirror(image);
        }
        if let Some(policy) = &self.policy {
            policy.apply(image, rng);
        }
        if let Some(jitter) = &self.color_jitter {
            jitter.apply(image, rng);
        }
    }

    /// Whether anything follows normalisation.
    pub(crate) fn changes_values(&self) -> bool {
        self.lighting.is_some() || self.erasing.is_some() || self.cutout.is_some()
    }

    /// The changes that follow normalisation, of `[channels, height, width]` values; `std` is what they were divided
    /// by.
    pub(crate) fn values(
        &self,
        [height, width]: [usize; 2],
        std: &[f32],
        values: &mut [f32],
        rng: &mut impl Rng,
    ) {
        if let Some(alpha_std) = self.lighting {
            jitter::pca_lighting(alpha_std, std, values, rng);
        }
        if let Some(erasing) = &self.erasing {
            erasing.apply([height, width], values, rng);
        }
        if let Some(side) = self.cutout {
            erase::cut_out(side, [height, width], values, rng);
        }
    }

    /// The first setting that makes no sense.
    pub(crate) fn invalid(&self, channels: usize) -> Option<String> {
        let own = [
            self.crop.invalid(),
            self.policy.as_ref().and_then(Policy::invalid),
            self.color_jitter.as_ref().and_then(ColorJitter::invalid),
            self.erasing.as_ref().and_then(Erasing::invalid),
        ];
        if let Some(message) = own.into_iter().flatten().next() {
            return Some(message);
        }
        match (self.lighting, self.cutout) {
            (Some(_), _) if channels != 3 => Some(format!(
                "the lighting is that of RGB images, these have {channels} channels"
            )),
            (Some(alpha_std), _) if !(alpha_std.is_finite() && alpha_std > 0.0) => Some(format!(
                "the std of the lighting is {alpha_std}: expected a finite number above 0"
            )),
            (_, Some(side @ (0 | 1))) => Some(format!(
                "the side of the cutout is {side}: expected 2 or more"
            )),
            _ => None,
        }
    }
}
