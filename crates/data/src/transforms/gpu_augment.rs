//! Augmentation of images that are cached on a device: a shift, a flip and a cutout.

use rand::{Rng, RngExt};

use super::crop::pad_corner;
use super::erase::cutout_box;
use super::{Augment, Crop};

/// The shifts, flips and cutouts of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct GpuAugment {
    /// Pixels of border from which a shifted crop is cut.
    pub(crate) border: Option<usize>,
    pub(crate) flip: bool,
    /// Side of the square in pixels.
    pub(crate) cutout: Option<usize>,
}

/// The augmentation of one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GpuTransform {
    /// Row and column of the padded image at which the crop begins.
    pub(crate) corner: [usize; 2],
    pub(crate) mirrored: bool,
    /// Rows and columns that become zero.
    pub(crate) cutout_box: Option<[[usize; 2]; 2]>,
}

impl GpuAugment {
    /// `augment`, unless it does anything else.
    pub(crate) fn of(augment: Option<&Augment>) -> Option<Self> {
        let Some(augment) = augment else {
            return Some(Self::default());
        };
        let Augment {
            crop,
            flip,
            policy: None,
            color_jitter: None,
            lighting: None,
            erasing: None,
            cutout,
        } = *augment
        else {
            return None;
        };
        let border = match crop {
            Crop::None => None,
            Crop::Pad(border) => Some(border),
            Crop::RandomResized { .. } | Crop::ScaleJitter { .. } => return None,
        };
        Some(Self {
            border,
            flip,
            cutout,
        })
    }

    /// Draws as a worker's pipeline does, in the same order, so that an image is changed in the same way.
    pub(crate) fn draw(&self, size: [usize; 2], rng: &mut impl Rng) -> GpuTransform {
        GpuTransform {
            corner: self.border.map_or([0, 0], |border| pad_corner(border, rng)),
            mirrored: self.flip && rng.random_bool(0.5),
            cutout_box: self.cutout.map(|side| cutout_box(side, size, rng)),
        }
    }
}
