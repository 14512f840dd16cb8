//! An image in memory, and an image as its data set keeps it.

use std::borrow::Cow;
use std::path::PathBuf;

use crate::decode::{decode, decode_bytes, read};
use crate::error::DecodeError;

/// An 8-bit image in memory: rows top to bottom, channels interleaved (height × width × channels).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// `height * width * channels` values from 0 to 255.
    pub pixels: Vec<u8>,
}

impl Image {
    /// An image of this height and width, all of whose values are `value`.
    pub(crate) fn filled([height, width]: [usize; 2], channels: usize, value: u8) -> Self {
        Self {
            height,
            width,
            channels,
            pixels: vec![value; height * width * channels],
        }
    }

    /// Height and width.
    pub(crate) fn size(&self) -> [usize; 2] {
        [self.height, self.width]
    }

    /// Copies a rectangle of `size` (height, width) from row and column `from` of `source` to row and column `to`. It
    /// must lie within both images, which must have the same channels.
    pub(crate) fn paste(
        &mut self,
        to: [usize; 2],
        source: &Self,
        from: [usize; 2],
        [height, width]: [usize; 2],
    ) {
        let channels = self.channels;
        let length = width * channels;
        if length == 0 {
            return;
        }
        for row in 0..height {
            let to = ((to[0] + row) * self.width + to[1]) * channels;
            let from = ((from[0] + row) * source.width + from[1]) * channels;
            self.pixels[to..to + length].copy_from_slice(&source.pixels[from..from + length]);
        }
    }
}

/// The image in grey (1) or RGB (3): grey is repeated, RGB becomes PIL's luma.
pub(crate) fn with_channels(image: Cow<'_, Image>, channels: usize) -> Image {
    let pixels = match (image.channels, channels) {
        (1, 3) => image.pixels.iter().flat_map(|&grey| [grey; 3]).collect(),
        (3, 1) => image.pixels.chunks_exact(3).map(luma).collect(),
        _ => return image.into_owned(),
    };
    Image {
        channels,
        pixels,
        ..*image
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

/// An image as its data set keeps it. Files are decoded by the loader's workers, which know the part that is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageSource {
    /// Pixels.
    Decoded(Image),
    /// The content of an image file: JPEG, PNG, WebP or BMP.
    Encoded {
        /// What messages call it: a path, or an archive and the name within.
        name: PathBuf,
        /// The whole file.
        bytes: Vec<u8>,
    },
    /// An image file that has not been read.
    File(PathBuf),
}

impl ImageSource {
    /// The whole image, read and decoded if need be.
    ///
    /// # Errors
    /// As [`decode`].
    pub fn decode(self) -> Result<Image, DecodeError> {
        match self {
            Self::Decoded(image) => Ok(image),
            Self::Encoded { name, bytes } => decode_bytes(&bytes, &name),
            Self::File(path) => decode(&path),
        }
    }

    /// Reads the file, if it is one, without decoding it.
    pub(crate) fn read(self) -> Result<Self, DecodeError> {
        Ok(match self {
            Self::File(name) => Self::Encoded {
                bytes: read(&name)?,
                name,
            },
            other => other,
        })
    }
}

impl From<Image> for ImageSource {
    fn from(image: Image) -> Self {
        Self::Decoded(image)
    }
}
