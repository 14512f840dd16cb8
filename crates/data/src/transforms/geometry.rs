//! Images to the size and channels of the network's input: resize, centre crop, border.

use std::borrow::Cow;

use crate::decode::MAX_DECODED_BYTES;
use crate::error::PipelineError;
use crate::image::{Image, with_channels};
use crate::transforms::resize::resize;

/// Shape of the network's input and how images get there, the same for both splits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Geometry {
    /// Height and width of the input.
    pub size: [usize; 2],
    /// How an image of another size gets there.
    pub fit: ResizeMode,
    /// 1 (grey) or 3 (RGB). Grey becomes RGB by repetition, RGB becomes grey by PIL's luma (ITU-R 601-2).
    pub channels: usize,
}

/// How an image reaches the input size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResizeMode {
    /// The shorter side is resized to `shorter` (antialiased bilinear), then the centre is cut out: torchvision's
    /// `Resize` and `CenterCrop`.
    Resize {
        /// Length of the shorter side after resizing, in pixels; at least each side of the input.
        shorter: usize,
    },
    /// The image is centred on zeros; a larger image is an error.
    Pad,
    /// The image has the input size already; another size is an error.
    Exact,
}

impl Geometry {
    /// The image with the channels and the size of the input.
    pub(crate) fn apply(&self, image: Cow<'_, Image>) -> Result<Image, PipelineError> {
        let Self {
            size: expected,
            fit,
            channels,
        } = *self;
        let found = image.size();
        let fits = found[0] <= expected[0] && found[1] <= expected[1];
        match fit {
            ResizeMode::Resize { shorter } => {
                let (resized, margins) = resize_shorter(&image, shorter, expected)?;
                let centre = crop(&resized, margins.map(half), expected);
                Ok(with_channels(Cow::Owned(centre), channels))
            }
            _ if found == expected => Ok(with_channels(image, channels)),
            ResizeMode::Pad if fits => {
                let image = with_channels(image, channels);
                let mut padded = Image::filled(expected, channels, 0);
                // An odd border is thicker below and to the right.
                let corner = [0, 1].map(|axis| (expected[axis] - found[axis]) / 2);
                padded.paste(corner, &image, [0, 0], found);
                Ok(padded)
            }
            _ => Err(PipelineError::Size { found, expected }),
        }
    }
}

/// The image with its shorter side at `shorter`, and how many rows and columns it has more than `size`.
pub(crate) fn resize_shorter(
    image: &Image,
    shorter: usize,
    size: [usize; 2],
) -> Result<(Image, [usize; 2]), PipelineError> {
    let found = image.size();
    if found.contains(&0) {
        return Err(PipelineError::Size {
            found,
            expected: size,
        });
    }
    let target = shorter_side(found, shorter);
    let bytes = target[0]
        .saturating_mul(target[1])
        .saturating_mul(image.channels);
    if bytes as u64 > MAX_DECODED_BYTES {
        return Err(PipelineError::Elongated {
            found,
            size: target,
        });
    }
    match [0, 1].map(|axis| target[axis].checked_sub(size[axis])) {
        [Some(below), Some(right)] => Ok((resize(image, target), [below, right])),
        _ => Err(PipelineError::Shorter { shorter, size }),
    }
}

/// Height and width once the shorter side is `shorter`; the longer side is cut to whole pixels, as torchvision does.
fn shorter_side([height, width]: [usize; 2], shorter: usize) -> [usize; 2] {
    if height < width {
        [shorter, shorter * width / height]
    } else {
        [shorter * height / width, shorter]
    }
}

/// Half of a margin, rounded half to even as Python's `round` does.
fn half(margin: usize) -> usize {
    (margin as f64 / 2.0).round_ties_even() as usize
}

/// The part of `size` (height, width) that begins at row and column `corner`; it must lie inside the image.
pub(crate) fn crop(image: &Image, corner: [usize; 2], size: [usize; 2]) -> Image {
    let mut part = Image::filled(size, image.channels, 0);
    part.paste([0, 0], image, corner, size);
    part
}
