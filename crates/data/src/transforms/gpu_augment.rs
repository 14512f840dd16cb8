//! Augmentation that a device can do to images that lie on it: a shift, a flip and a cutout.

use rand::{Rng, RngExt};

use super::crop::corner;
use super::erase::square;
use super::{Augment, Crop};

/// The shifts, flips and cutouts of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct GpuAugment {
    pub(crate) border: Option<usize>,
    pub(crate) flip: bool,
    pub(crate) cutout: Option<usize>,
}

/// What happens to one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GpuTransform {
    /// Where the crop begins in the padded image.
    pub(crate) corner: [usize; 2],
    pub(crate) mirrored: bool,
    /// Rows and columns that become zero.
    pub(crate) hole: Option<[[usize; 2]; 2]>,
}

impl GpuAugment {
    /// The augmentation, where it has nothing else.
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

    /// Draws what the pipeline of a worker draws for the same image, in the same order.
    pub(crate) fn draw(&self, size: [usize; 2], rng: &mut impl Rng) -> GpuTransform {
        GpuTransform {
            corner: self.border.map_or([0, 0], |border| corner(border, rng)),
            mirrored: self.flip && rng.random_bool(0.5),
            hole: self.cutout.map(|side| square(side, size, rng)),
        }
    }
}
