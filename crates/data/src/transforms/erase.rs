//! Rectangles that are taken out of a normalised image.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

use super::crop::invalid_region;

/// Attempts to find a rectangle that fits.
const ATTEMPTS: usize = 10;

/// Random erasing (Zhong et al. 2017), as torchvision's `RandomErasing` does it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Erasing {
    /// Probability that an image loses a rectangle; torchvision's default is 0.5.
    pub prob: f64,
    /// Least and greatest fraction of the area; torchvision's default is 0.02 to 0.33.
    pub scale: [f64; 2],
    /// Least and greatest ratio of height to width; torchvision's default is 0.3 to 3.3.
    pub ratio: [f64; 2],
    /// What stands in its place.
    pub value: EraseValue,
}

/// What stands in place of an erased rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EraseValue {
    /// 0, the mean colour.
    #[default]
    Zero,
    /// A number from a standard normal distribution for each value.
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

    /// Rows and columns to erase; none where no attempt fits into the image.
    fn region(&self, [height, width]: [usize; 2], rng: &mut impl Rng) -> Option<[[usize; 2]; 2]> {
        let [least, most] = self.scale;
        let [narrow, wide] = self.ratio.map(f64::ln);
        (0..ATTEMPTS).find_map(|_| {
            let area = (height * width) as f64 * rng.random_range(least..=most);
            let aspect = rng.random_range(narrow..=wide).exp();
            let h = (area * aspect).sqrt().round_ties_even() as usize;
            let w = (area / aspect).sqrt().round_ties_even() as usize;
            if h >= height || w >= width {
                return None;
            }
            let (top, left) = (
                rng.random_range(0..=height - h),
                rng.random_range(0..=width - w),
            );
            Some([[top, top + h], [left, left + w]])
        })
    }

    pub(super) fn invalid(&self) -> Option<String> {
        if !(0.0..=1.0).contains(&self.prob) {
            return Some(format!(
                "the probability of erasing is {}: expected 0 to 1",
                self.prob
            ));
        }
        invalid_region(self.scale, self.ratio).map(|message| format!("the {message} (erasing)"))
    }
}

/// Sets a square around a random point to zero, as far as it lies within the image; an odd side is taken one pixel shorter,
/// as in the authors' code.
pub(super) fn cut_out(side: usize, size: [usize; 2], values: &mut [f32], rng: &mut impl Rng) {
    fill(square(side, size, rng), size, values, || 0.0);
}

/// Rows and columns of a cutout.
pub(super) fn square(side: usize, size: [usize; 2], rng: &mut impl Rng) -> [[usize; 2]; 2] {
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
