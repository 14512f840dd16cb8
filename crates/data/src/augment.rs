//! Random changes of training pictures: crops and flips, as torchvision defines them.

use rand::{Rng, RngExt};

use crate::geometry::{Geometry, crop};
use crate::pipeline::PipelineError;
use crate::resize::resize;
use crate::sample::Picture;

/// Attempts of a random-resized crop before it falls back to a central one.
const ATTEMPTS: usize = 10;

/// Random changes of a training picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Augment {
    /// Which part of the picture is taken.
    pub crop: Crop,
    /// Whether half of the pictures are mirrored left to right.
    pub flip: bool,
}

/// Which part of a picture is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Crop {
    /// The whole input, as in evaluation.
    None,
    /// A border of this many zero pixels on each side (before normalisation), then the input size cut out anywhere:
    /// the ResNet paper's CIFAR augmentation.
    Pad(usize),
    /// A random area and shape, resized to the input: torchvision's `RandomResizedCrop`, Inception's augmentation.
    RandomResized {
        /// Least and greatest share of the picture's area, above 0 and at most 1.
        scale: [f32; 2],
        /// Least and greatest ratio of width to height.
        ratio: [f32; 2],
    },
}

impl Augment {
    /// The picture at the input size, changed at random.
    pub(crate) fn apply(
        &self,
        geometry: &Geometry,
        picture: &Picture,
        rng: &mut impl Rng,
    ) -> Result<Picture, PipelineError> {
        let mut picture = match self.crop {
            Crop::None => geometry.apply(picture)?,
            Crop::Pad(border) => pad_and_crop(&geometry.apply(picture)?, border, rng),
            Crop::RandomResized { scale, ratio } => {
                let found = [picture.height, picture.width];
                if found.contains(&0) {
                    return Err(PipelineError::Size {
                        found,
                        expected: geometry.size,
                    });
                }
                let region = random_region(found, scale, ratio, rng);
                let part = crop(picture, region.corner, region.size);
                geometry.convert(&resize(&part, geometry.size))
            }
        };
        if self.flip && rng.random_bool(0.5) {
            mirror(&mut picture);
        }
        Ok(picture)
    }
}

/// The picture shifted by up to `border` pixels each way, zeros moving in.
fn pad_and_crop(picture: &Picture, border: usize, rng: &mut impl Rng) -> Picture {
    let (height, width, channels) = (picture.height, picture.width, picture.channels);
    // The crop's corner in the padded picture; `border` is the picture's own corner.
    let top = rng.random_range(0..=2 * border);
    let left = rng.random_range(0..=2 * border);
    let mut pixels = vec![0; picture.pixels.len()];
    let columns = width.saturating_sub(left.abs_diff(border));
    let (from, to) = (left.saturating_sub(border), border.saturating_sub(left));
    for row in 0..height {
        let Some(source) = (row + top)
            .checked_sub(border)
            .filter(|&source| source < height)
        else {
            continue;
        };
        let (from, to) = (
            (source * width + from) * channels,
            (row * width + to) * channels,
        );
        let length = columns * channels;
        if length > 0 {
            pixels[to..to + length].copy_from_slice(&picture.pixels[from..from + length]);
        }
    }
    Picture { pixels, ..*picture }
}

struct Region {
    corner: [usize; 2],
    size: [usize; 2],
}

/// The part of a picture that a random-resized crop takes.
fn random_region(
    [height, width]: [usize; 2],
    scale: [f32; 2],
    ratio: [f32; 2],
    rng: &mut impl Rng,
) -> Region {
    let area = (height * width) as f64;
    let [log_low, log_high] = ratio.map(|r| f64::from(r).ln());
    for _ in 0..ATTEMPTS {
        let target = area * rng.random_range(f64::from(scale[0])..=f64::from(scale[1]));
        let aspect = rng.random_range(log_low..=log_high).exp();
        let w = (target * aspect).sqrt().round_ties_even() as usize;
        let h = (target / aspect).sqrt().round_ties_even() as usize;
        if (1..=width).contains(&w) && (1..=height).contains(&h) {
            let top = rng.random_range(0..=height - h);
            let left = rng.random_range(0..=width - w);
            return Region {
                corner: [top, left],
                size: [h, w],
            };
        }
    }
    // A central part, as near to the allowed shapes as the picture permits.
    let shape = width as f64 / height as f64;
    let [low, high] = ratio.map(f64::from);
    let (h, w) = if shape < low {
        (
            ((width as f64 / low).round_ties_even() as usize).clamp(1, height),
            width,
        )
    } else if shape > high {
        (
            height,
            ((height as f64 * high).round_ties_even() as usize).clamp(1, width),
        )
    } else {
        (height, width)
    };
    Region {
        corner: [(height - h) / 2, (width - w) / 2],
        size: [h, w],
    }
}

fn mirror(picture: &mut Picture) {
    let channels = picture.channels;
    for row in picture.pixels.chunks_exact_mut(picture.width * channels) {
        for left in 0..picture.width / 2 {
            let right = picture.width - 1 - left;
            for channel in 0..channels {
                row.swap(left * channels + channel, right * channels + channel);
            }
        }
    }
}
