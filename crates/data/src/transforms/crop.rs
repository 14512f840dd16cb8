//! Random crops and mirroring.

use std::borrow::Cow;

use rand::{Rng, RngExt};

use crate::decode::decode_part;
use crate::error::{PipelineError, ensure};
use crate::image::{Image, ImageSource, with_channels};
use crate::transforms::geometry::{Geometry, crop, resize_shorter};
use crate::transforms::pipeline::Stage;
use crate::transforms::resize::{Region, resize_area};

/// Attempts of a random-resized crop before it falls back to a central one.
const ATTEMPTS: usize = 10;

/// Random crop of a training image.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Crop {
    /// The same crop as in evaluation.
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
    /// Crops an image, at the input size; one of a file is decoded only as far as the crop reaches. `lap` is called when it
    /// is decoded.
    pub(crate) fn load(
        &self,
        geometry: &Geometry,
        source: ImageSource,
        rng: &mut impl Rng,
        mut lap: impl FnMut(Stage),
    ) -> Result<Image, PipelineError> {
        match (*self, source) {
            (Self::RandomResized { scale, ratio }, ImageSource::Encoded { name, bytes }) => {
                let choose = |size| random_region(size, scale, ratio, rng);
                let (image, area) = decode_part(&bytes, &name, geometry.size, choose)?;
                lap(Stage::Decode);
                let resized = resize_area(&image, area, geometry.size);
                Ok(with_channels(Cow::Owned(resized), geometry.channels))
            }
            (_, source) => {
                let image = source.decode()?;
                lap(Stage::Decode);
                self.apply(geometry, Cow::Owned(image), rng)
            }
        }
    }

    /// Crops an image, at the input size.
    pub(crate) fn apply(
        &self,
        geometry: &Geometry,
        image: Cow<'_, Image>,
        rng: &mut impl Rng,
    ) -> Result<Image, PipelineError> {
        let size = geometry.size;
        let cropped = match *self {
            Self::None => return geometry.apply(image),
            Self::Pad(border) => return Ok(pad_and_crop(&geometry.apply(image)?, border, rng)),
            Self::RandomResized { scale, ratio } => {
                let found = image.size();
                if found.contains(&0) {
                    return Err(PipelineError::Size {
                        found,
                        expected: size,
                    });
                }
                let area = random_region(found, scale, ratio, rng).scaled(1.0);
                resize_area(&image, area, size)
            }
            Self::ScaleJitter {
                shorter: [least, most],
            } => {
                let shorter = rng.random_range(least..=most);
                let (resized, [below, right]) = resize_shorter(&image, shorter, size)?;
                let corner = [rng.random_range(0..=below), rng.random_range(0..=right)];
                crop(&resized, corner, size)
            }
        };
        Ok(with_channels(Cow::Owned(cropped), geometry.channels))
    }

    /// Checks the ranges for an input of this height and width.
    pub(super) fn validate(&self, [height, width]: [usize; 2]) -> Result<(), PipelineError> {
        match *self {
            Self::None => Ok(()),
            Self::Pad(border) => {
                let most = height.min(width);
                ensure(border <= most, || {
                    format!(
                        "augment.pad = {border}: expected at most {most} for an input of {height}×{width}"
                    )
                })
            }
            Self::RandomResized { scale, ratio } => validate_region("augment", scale, ratio),
            Self::ScaleJitter {
                shorter: [least, most],
            } => ensure(least <= most, || {
                format!("augment.shorter = [{least}, {most}]: expected least <= greatest")
            }),
        }
    }
}

/// Checks the ranges of a random rectangle; `section` is where a run file has them.
pub(super) fn validate_region(
    section: &str,
    scale: [f64; 2],
    ratio: [f64; 2],
) -> Result<(), PipelineError> {
    let is_ascending = |[least, most]: [f64; 2]| 0.0 < least && least <= most;
    ensure(is_ascending(scale) && scale[1] <= 1.0, || {
        format!("{section}.scale = {scale:?}: expected 0 < least <= greatest <= 1")
    })?;
    ensure(is_ascending(ratio) && ratio[1].is_finite(), || {
        format!("{section}.ratio = {ratio:?}: expected 0 < least <= greatest")
    })
}

/// Row and column of the padded image at which a crop begins; `[border, border]` is the image's own corner.
pub(super) fn pad_corner(border: usize, rng: &mut impl Rng) -> [usize; 2] {
    [(); 2].map(|()| rng.random_range(0..=2 * border))
}

/// The image shifted by up to `border` pixels each way; zeros move in.
fn pad_and_crop(image: &Image, border: usize, rng: &mut impl Rng) -> Image {
    let corner = pad_corner(border, rng);
    let size = image.size();
    let visible = [0, 1].map(|axis| size[axis].saturating_sub(corner[axis].abs_diff(border)));
    let mut shifted = Image::filled(size, image.channels, 0);
    shifted.paste(
        corner.map(|start| border.saturating_sub(start)),
        image,
        corner.map(|start| start.saturating_sub(border)),
        visible,
    );
    shifted
}

/// The sides, in whole pixels, of a rectangle of a random fraction (`scale`) of `area`; `ratio` is that of the first side to
/// the second.
pub(super) fn random_sides(
    area: f64,
    scale: [f64; 2],
    ratio: [f64; 2],
    rng: &mut impl Rng,
) -> [usize; 2] {
    let area = area * rng.random_range(scale[0]..=scale[1]);
    let ratio = rng.random_range(ratio[0].ln()..=ratio[1].ln()).exp();
    [area * ratio, area / ratio].map(|square| square.sqrt().round_ties_even() as usize)
}

/// The part of an image of this height and width that a random-resized crop takes.
fn random_region(
    [height, width]: [usize; 2],
    scale: [f64; 2],
    ratio: [f64; 2],
    rng: &mut impl Rng,
) -> Region {
    for _ in 0..ATTEMPTS {
        let [w, h] = random_sides((height * width) as f64, scale, ratio, rng);
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
    let [low, high] = ratio;
    let shape = width as f64 / height as f64;
    let rounded = |side: f64, most| (side.round_ties_even() as usize).clamp(1, most);
    let [h, w] = if shape < low {
        [rounded(width as f64 / low, height), width]
    } else if shape > high {
        [height, rounded(height as f64 * high, width)]
    } else {
        [height, width]
    };
    Region {
        corner: [(height - h) / 2, (width - w) / 2],
        size: [h, w],
    }
}

/// Mirrors left to right.
pub(crate) fn mirror(image: &mut Image) {
    for row in image.pixels.chunks_exact_mut(image.width * image.channels) {
        match image.channels {
            3 => row.as_chunks_mut::<3>().0.reverse(),
            _ => row.reverse(),
        }
    }
}
