//! How a stored picture becomes the network's input: channels, resize, centre crop, borders.

use std::borrow::Cow;

use crate::decode::MAX_DECODED_BYTES;
use crate::pipeline::PipelineError;
use crate::resize::resize;
use crate::sample::Picture;

/// Shape of the network's input and the way there, the same for both splits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Geometry {
    /// Height and width of the input.
    pub size: [usize; 2],
    /// How a picture of another size gets there.
    pub fit: Fit,
    /// 1 (grey) or 3 (RGB). Grey becomes RGB by repetition, RGB becomes grey by PIL's luma (ITU-R 601-2).
    pub channels: usize,
}

/// How a picture reaches the input size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// The shorter side is resized to `shorter` (antialiased bilinear), then the centre is cut out: torchvision's
    /// `Resize` and `CenterCrop`.
    Resize {
        /// Length of the shorter side after resizing; at least each side of the input.
        shorter: usize,
    },
    /// A border of zeros around the picture, which stands in the middle; a larger picture is an error.
    Pad,
    /// The picture has the input size already; another size is an error.
    Exact,
}

impl Geometry {
    /// The picture with the channels and the size of the input.
    pub(crate) fn apply(&self, picture: Cow<'_, Picture>) -> Result<Picture, PipelineError> {
        let [height, width] = self.size;
        let found = [picture.height, picture.width];
        if found == self.size && matches!(self.fit, Fit::Pad | Fit::Exact) {
            return Ok(self.convert(picture));
        }
        match self.fit {
            Fit::Exact => Err(PipelineError::Size {
                found,
                expected: self.size,
            }),
            Fit::Pad if picture.height > height || picture.width > width => {
                Err(PipelineError::Larger {
                    found,
                    largest: self.size,
                })
            }
            Fit::Pad => Ok(pad(&self.convert(picture), self.size)),
            Fit::Resize { shorter } => {
                let (resized, margins) = resize_shorter(&picture, shorter, self.size)?;
                Ok(self.convert(Cow::Owned(crop(&resized, margins.map(centre), self.size))))
            }
        }
    }

    /// The picture with this geometry's number of channels.
    pub(crate) fn convert(&self, picture: Cow<'_, Picture>) -> Picture {
        let pixels = match (picture.channels, self.channels) {
            (1, 3) => picture.pixels.iter().flat_map(|&grey| [grey; 3]).collect(),
            (3, 1) => picture.pixels.chunks_exact(3).map(luma).collect(),
            _ => return picture.into_owned(),
        };
        Picture {
            channels: self.channels,
            pixels,
            ..*picture
        }
    }
}

/// Luma of an RGB pixel as PIL computes it: ITU-R 601-2 in 16-bit fixed point, rounded.
pub(crate) fn luma(rgb: &[u8]) -> u8 {
    let sum = u32::from(rgb[0]) * 19_595
        + u32::from(rgb[1]) * 38_470
        + u32::from(rgb[2]) * 7_471
        + 0x8000;
    (sum >> 16) as u8
}

/// The picture with its shorter side at `shorter`, and how many rows and columns it has more than `size`.
pub(crate) fn resize_shorter(
    picture: &Picture,
    shorter: usize,
    size: [usize; 2],
) -> Result<(Picture, [usize; 2]), PipelineError> {
    let found = [picture.height, picture.width];
    if found.contains(&0) {
        return Err(PipelineError::Size {
            found,
            expected: size,
        });
    }
    let target = shorter_side(found, shorter);
    let bytes = target[0]
        .saturating_mul(target[1])
        .saturating_mul(picture.channels);
    if bytes as u64 > MAX_DECODED_BYTES {
        return Err(PipelineError::Elongated {
            found,
            size: target,
        });
    }
    match (
        target[0].checked_sub(size[0]),
        target[1].checked_sub(size[1]),
    ) {
        (Some(below), Some(right)) => Ok((resize(picture, target), [below, right])),
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

/// Half of a margin, a half going to the even neighbour as in Python's `round`.
fn centre(margin: usize) -> usize {
    (margin as f64 / 2.0).round_ties_even() as usize
}

/// The part of `size` that begins at row `top`, column `left`; it must lie inside the picture.
pub(crate) fn crop(
    picture: &Picture,
    [top, left]: [usize; 2],
    [height, width]: [usize; 2],
) -> Picture {
    let (channels, stride) = (picture.channels, picture.width * picture.channels);
    let mut pixels = Vec::with_capacity(height * width * channels);
    for row in top..top + height {
        let start = row * stride + left * channels;
        pixels.extend_from_slice(&picture.pixels[start..start + width * channels]);
    }
    Picture {
        height,
        width,
        channels,
        pixels,
    }
}

/// The picture in the middle of zeros; an odd border is thicker below and to the right.
fn pad(picture: &Picture, [height, width]: [usize; 2]) -> Picture {
    let (channels, stride) = (picture.channels, picture.width * picture.channels);
    let (top, left) = ((height - picture.height) / 2, (width - picture.width) / 2);
    let mut pixels = vec![0; height * width * channels];
    for row in 0..picture.height {
        let start = ((top + row) * width + left) * channels;
        pixels[start..start + stride]
            .copy_from_slice(&picture.pixels[row * stride..(row + 1) * stride]);
    }
    Picture {
        height,
        width,
        channels,
        pixels,
    }
}
