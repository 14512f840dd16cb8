//! Which part of an image is taken, and mirroring.

use std::borrow::Cow;

use rand::{Rng, RngExt};

use crate::decode::{DecodeError, decode_bytes, decode_part};

use crate::sample::{Image, Loaded};
use crate::transforms::geometry::{Geometry, crop, resize_shorter};
use crate::transforms::pipeline::{PipelineError, Stage};
use crate::transforms::resize::{Region, resize_area};

/// Attempts of a random-resized crop before it falls back to a central one.
const ATTEMPTS: usize = 10;

/// Which part of an image is taken.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Crop {
    /// The whole input, as in evaluation.
    #[default]
    None,
    /// A border of this many zero pixels on each side (before normalisation), then the input size cut out anywhere:
    /// the ResNet paper's CIFAR augmentation.
    Pad(usize),
    /// A random area and shape, resized to the input: torchvision's `RandomResizedCrop`, Inception's augmentation.
    RandomResized {
        /// Least and greatest fraction of the image's area, above 0 and at most 1.
        scale: [f64; 2],
        /// Least and greatest ratio of width to height.
        ratio: [f64; 2],
    },
    /// The shorter side resized to a random length, then the input size cut out anywhere: VGG's scale jittering (section
    /// 3.1); with equal bounds, AlexNet's random crops (section 4.1).
    ScaleJitter {
        /// Least and greatest length of the shorter side, at least that of each side of the input.
        shorter: [usize; 2],
    },
}

impl Crop {
    /// The part, at the input size, of an image that is decoded no further than it takes. `lap` is told when that is done.
    pub(crate) fn load(
        &self,
        geometry: &Geometry,
        loaded: Loaded,
        rng: &mut impl Rng,
        mut lap: impl FnMut(Stage),
    ) -> Result<Image, PipelineError> {
        let unreadable = |error: DecodeError| PipelineError::Unreadable(error.to_string());
        match (*self, loaded) {
            (Self::RandomResized { scale, ratio }, Loaded::Encoded { name, bytes }) => {
                let choose = |size| random_region(size, scale, ratio, rng);
                let part = decode_part(&bytes, &name, geometry.size, choose).map_err(unreadable)?;
                lap(Stage::Decode);
                let resized = resize_area(&part.image, part.area, geometry.size);
                Ok(geometry.convert(Cow::Owned(resized)))
            }
            (_, Loaded::Encoded { name, bytes }) => {
                let image = decode_bytes(&bytes, &name).map_err(unreadable)?;
                lap(Stage::Decode);
                self.apply(geometry, Cow::Owned(image), rng)
            }
            (_, Loaded::Decoded(image)) => {
                lap(Stage::Decode);
                self.apply(geometry, Cow::Owned(image), rng)
            }
        }
    }

    /// The part, at the input size.
    pub(crate) fn apply(
        &self,
        geometry: &Geometry,
        image: Cow<'_, Image>,
        rng: &mut impl Rng,
    ) -> Result<Image, PipelineError> {
        match *self {
            Self::None => geometry.apply(image),
            Self::Pad(border) => Ok(pad_and_crop(&geometry.apply(image)?, border, rng)),
            Self::RandomResized { scale, ratio } => {
                let found = [image.height, image.width];
                if found.contains(&0) {
                    return Err(PipelineError::Size {
                        found,
                        expected: geometry.size,
                    });
                }
                let area = random_region(found, scale, ratio, rng).scaled(1.0);
                let resized = resize_area(&image, area, geometry.size);
                Ok(geometry.convert(Cow::Owned(resized)))
            }
            Self::ScaleJitter {
                shorter: [least, most],
            } => {
                let shorter = rng.random_range(least..=most);
                let (resized, [below, right]) = resize_shorter(&image, shorter, geometry.size)?;
                let corner = [rng.random_range(0..=below), rng.random_range(0..=right)];
                Ok(geometry.convert(Cow::Owned(crop(&resized, corner, geometry.size))))
            }
        }
    }

    /// What makes no sense of the ranges. Whether a jittered image covers the input depends on it, and is seen by
    /// [`Pipeline::validate`](crate::Pipeline::validate).
    pub(super) fn invalid(&self) -> Option<String> {
        match *self {
            Self::RandomResized { scale, ratio } => invalid_region(scale, ratio)
                .map(|message| format!("the {message} (random-resized crop)")),
            Self::ScaleJitter {
                shorter: [least, most],
            } if least > most => Some(format!(
                "the shorter side of the scale jitter is [{least}, {most}]: expected least <= greatest"
            )),
            _ => None,
        }
    }
}

/// What makes no sense of the ranges of a random rectangle.
pub(super) fn invalid_region(scale: [f64; 2], ratio: [f64; 2]) -> Option<String> {
    if !(scale[0] > 0.0 && scale[0] <= scale[1] && scale[1] <= 1.0) {
        return Some(format!(
            "scale is {scale:?}: expected 0 < least <= greatest <= 1"
        ));
    }
    (!(ratio[0] > 0.0 && ratio[0] <= ratio[1] && ratio[1].is_finite()))
        .then(|| format!("ratio is {ratio:?}: expected 0 < least <= greatest"))
}

/// Where a crop of the image's size begins in the padded image; `[border, border]` is the image's own corner.
pub(super) fn corner(border: usize, rng: &mut impl Rng) -> [usize; 2] {
    [(); 2].map(|()| rng.random_range(0..=2 * border))
}

/// The image shifted by up to `border` pixels each way, zeros moving in.
fn pad_and_crop(image: &Image, border: usize, rng: &mut impl Rng) -> Image {
    let (height, width, channels) = (image.height, image.width, image.channels);
    let [top, left] = corner(border, rng);
    let mut pixels = vec![0; image.pixels.len()];
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
            pixels[to..to + length].copy_from_slice(&image.pixels[from..from + length]);
        }
    }
    Image { pixels, ..*image }
}

/// The part of an image that a random-resized crop takes.
fn random_region(
    [height, width]: [usize; 2],
    scale: [f64; 2],
    ratio: [f64; 2],
    rng: &mut impl Rng,
) -> Region {
    let area = (height * width) as f64;
    let [log_low, log_high] = ratio.map(f64::ln);
    for _ in 0..ATTEMPTS {
        let target = area * rng.random_range(scale[0]..=scale[1]);
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
    // A central part, as near to the allowed shapes as the image permits.
    let shape = width as f64 / height as f64;
    let [low, high] = ratio;
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

/// Left becomes right.
pub(crate) fn mirror(image: &mut Image) {
    for row in image.pixels.chunks_exact_mut(image.width * image.channels) {
        match image.channels {
            3 => row.as_chunks_mut::<3>().0.reverse(),
            _ => row.reverse(),
        }
    }
}
