//! Random erasing and cutout: rectangles of a normalised image that are overwritten.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::crop::{random_sides, validate_region};
use crate::error::{PipelineError, ensure};

/// Attempts to draw a rectangle that fits into the image.
const ATTEMPTS: usize = 10;

/// Random erasing (Zhong et al. 2017), torchvision's `RandomErasing` with its defaults; `[augment.erasing]` of a run file.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Erasing {
    /// Probability that an image loses a rectangle; default 0.5.
    pub prob: f64,
    /// Least and greatest fraction of the area; default 0.02 to 0.33.
    pub scale: [f64; 2],
    /// Least and greatest ratio of height to width; default 0.3 to 3.3.
    pub ratio: [f64; 2],
    /// What replaces the rectangle; default zero.
    pub value: EraseValue,
}

/// What replaces an erased rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EraseValue {
    /// The mean colour, which is 0 after normalisation.
    #[default]
    Zero,
    /// Noise: each value from a standard normal distribution.
    Random,
}

impl Default for Erasing {
    fn default() -> Self {
        Self {
            prob: 0.5,
            scale: [0.02, 0.33],
            ratio: [0.3, 3.3],
            value: EraseValue::Zero,
        }
    }
}

impl Erasing {
    pub(super) fn apply(&self, size: [usize; 2], values: &mut [f32], rng: &mut impl Rng) {
        if !rng.random_bool(self.prob) {
            return;
        }
        if let Some(region) = self.region(size, rng) {
            fill(region, size, values, || match self.value {
                EraseValue::Zero => 0.0,
                EraseValue::Random => StandardNormal.sample(rng),
            });
        }
    }

    /// Rows and columns to erase; `None` if no attempt fits into the image.
    fn region(&self, [height, width]: [usize; 2], rng: &mut impl Rng) -> Option<[[usize; 2]; 2]> {
        (0..ATTEMPTS).find_map(|_| {
            let [h, w] = random_sides((height * width) as f64, self.scale, self.ratio, rng);
            if h >= height || w >= width {
                return None;
            }
            let top = rng.random_range(0..=height - h);
            let left = rng.random_range(0..=width - w);
            Some([[top, top + h], [left, left + w]])
        })
    }

    pub(super) fn validate(&self) -> Result<(), PipelineError> {
        ensure((0.0..=1.0).contains(&self.prob), || {
            format!("augment.erasing.prob = {}: expected 0 to 1", self.prob)
        })?;
        validate_region("augment.erasing", self.scale, self.ratio)
    }
}

/// Sets a square around a random point to zero, as far as it lies within the image; an odd side is taken one pixel shorter,
/// as in the authors' code.
pub(super) fn cut_out(side: usize, size: [usize; 2], values: &mut [f32], rng: &mut impl Rng) {
    fill(cutout_box(side, size, rng), size, values, || 0.0);
}

/// Rows and columns of a cutout.
pub(super) fn cutout_box(side: usize, size: [usize; 2], rng: &mut impl Rng) -> [[usize; 2]; 2] {
    size.map(|length| {
        let centre = rng.random_range(0..length);
        [
            centre.saturating_sub(side / 2),
            (centre + side / 2).min(length),
        ]
    })
}

fn fill(
    [[top, bottom], [left, right]]: [[usize; 2]; 2],
    [height, width]: [usize; 2],
    values: &mut [f32],
    mut value: impl FnMut() -> f32,
) {
    for plane in values.chunks_exact_mut(height * width) {
        for row in plane[top * width..bottom * width].chunks_exact_mut(width) {
            row[left..right].fill_with(&mut value);
        }
    }
}
