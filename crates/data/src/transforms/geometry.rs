//! How a stored image becomes the network's input: channels, resize, centre crop, borders.

use std::borrow::Cow;

use crate::decode::MAX_DECODED_BYTES;
use crate::sample::Image;
use crate::transforms::pipeline::PipelineError;
use crate::transforms::resize::resize;

/// Shape of the network's input and the way there, the same for both splits.
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
        /// Length of the shorter side after resizing; at least each side of the input.
        shorter: usize,
    },
    /// A border of zeros around the image, which stands in the middle; a larger image is an error.
    Pad,
    /// The image has the input size already; another size is an error.
    Exact,
}

impl Geometry {
    /// The image with the channels and the size of the input.
    pub(crate) fn apply(&self, image: Cow<'_, Image>) -> Result<Image, PipelineError> {
        let [height, width] = self.size;
        let found = [image.height, image.width];
        if found == self.size && matches!(self.fit, ResizeMode::Pad | ResizeMode::Exact) {
            return Ok(self.convert(image));
        }
        match self.fit {
            ResizeMode::Exact => Err(PipelineError::Size {
                found,
                expected: self.size,
            }),
            ResizeMode::Pad if image.height > height || image.width > width => {
                Err(PipelineError::Larger {
                    found,
                    largest: self.size,
                })
            }
            ResizeMode::Pad => Ok(pad(&self.convert(image), self.size)),
            ResizeMode::Resize { shorter } => {
                let (resized, margins) = resize_shorter(&image, shorter, self.size)?;
                Ok(self.convert(Cow::Owned(crop(&resized, margins.map(centre), self.size))))
            }
        }
    }

    /// The image with this geometry's number of channels.
    pub(crate) fn convert(&self, image: Cow<'_, Image>) -> Image {
        let pixels = match (image.channels, self.channels) {
            (1, 3) => image.pixels.iter().flat_map(|&grey| [grey; 3]).collect(),
            (3, 1) => image.pixels.chunks_exact(3).map(luma).collect(),
            _ => return image.into_owned(),
        };
        Image {
            channels: self.channels,
            pixels,
            ..*image
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

/// The image with its shorter side at `shorter`, and how many rows and columns it has more than `size`.
pub(crate) fn resize_shorter(
    image: &Image,
    shorter: usize,
    size: [usize; 2],
) -> Result<(Image, [usize; 2]), PipelineError> {
    let found = [image.height, image.width];
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
    match (
        target[0].checked_sub(size[0]),
        target[1].checked_sub(size[1]),
    ) {
        (Some(below), Some(right)) => Ok((resize(image, target), [below, right])),
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

/// The part of `size` that begins at row `top`, column `left`; it must lie inside the image.
pub(crate) fn crop(image: &Image, [top, left]: [usize; 2], [height, width]: [usize; 2]) -> Image {
    let (channels, stride) = (image.channels, image.width * image.channels);
    let mut pixels = Vec::with_capacity(height * width * channels);
    for row in top..top + height {
        let start = row * stride + left * channels;
        pixels.extend_from_slice(&image.pixels[start..start + width * channels]);
    }
    Image {
        height,
        width,
        channels,
        pixels,
    }
}

/// The image in the middle of zeros; an odd border is thicker below and to the right.
fn pad(image: &Image, [height, width]: [usize; 2]) -> Image {
    let (channels, stride) = (image.channels, image.width * image.channels);
    let (top, left) = ((height - image.height) / 2, (width - image.width) / 2);
    let mut pixels = vec![0; height * width * channels];
    for row in 0..image.height {
        let start = ((top + row) * width + left) * channels;
        pixels[start..start + stride]
            .copy_from_slice(&image.pixels[row * stride..(row + 1) * stride]);
    }
    Image {
        height,
        width,
        channels,
        pixels,
    }
}
