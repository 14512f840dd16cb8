//! Images to inputs: geometry, augmentation as torchvision and the papers define it, normalisation.

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

use crate::error::{PipelineError, ensure};
use crate::image::Image;
use geometry::Geometry;

/// Random changes of a training image, in the order in which they are made.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Augment {
    /// Random crop; default none.
    pub crop: Crop,
    /// Whether half of the images are mirrored left to right.
    pub flip: bool,
    /// A learned or random choice among many operations.
    pub policy: Option<Policy>,
    /// Brightness, contrast, saturation and hue.
    pub color_jitter: Option<ColorJitter>,
    /// PCA lighting of RGB images: std of the coefficients of the three principal components of ImageNet's colours, 0.1 in
    /// AlexNet, section 4.1.
    pub lighting: Option<f64>,
    /// Random erasing: a rectangle of the normalised image is overwritten.
    pub erasing: Option<Erasing>,
    /// Cutout (DeVries and Taylor 2017): side in pixels of a square around a random point that becomes zero after
    /// normalisation.
    pub cutout: Option<usize>,
}

impl Augment {
    /// The changes between crop and normalisation.
    pub(crate) fn change_image(&self, image: &mut Image, rng: &mut impl Rng) {
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

    /// The changes after normalisation by `std`, of `[channels, height, width]` values.
    pub(crate) fn change_values(
        &self,
        size: [usize; 2],
        std: &[f32],
        values: &mut [f32],
        rng: &mut impl Rng,
    ) {
        if let Some(alpha_std) = self.lighting {
            jitter::pca_lighting(alpha_std, std, values, rng);
        }
        if let Some(erasing) = &self.erasing {
            erasing.apply(size, values, rng);
        }
        if let Some(side) = self.cutout {
            erase::cut_out(side, size, values, rng);
        }
    }

    /// Checks every setting for an input of this geometry.
    pub(crate) fn validate(&self, geometry: &Geometry) -> Result<(), PipelineError> {
        self.crop.validate(geometry.size)?;
        if let Some(policy) = &self.policy {
            policy.validate()?;
        }
        if let Some(jitter) = &self.color_jitter {
            jitter.validate()?;
        }
        if let Some(erasing) = &self.erasing {
            erasing.validate()?;
        }
        if let Some(std) = self.lighting {
            let channels = geometry.channels;
            ensure(channels == 3, || {
                format!(
                    "augment.lighting is for RGB images, these have {channels} channels: remove it"
                )
            })?;
            ensure(std.is_finite() && std > 0.0, || {
                format!("augment.lighting = {std}: expected a finite std above 0")
            })?;
        }
        let cutout = self.cutout.unwrap_or(2);
        ensure(cutout >= 2, || {
            format!("augment.cutout = {cutout}: expected 2 or more")
        })
    }
}
