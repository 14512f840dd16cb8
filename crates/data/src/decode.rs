//! Files to pictures: JPEG through libjpeg, PNG, WebP and BMP through the `image` crate.
//!
//! Grey files stay grey; everything else becomes RGB as PIL's `convert("RGB")` does: a palette is resolved, alpha is
//! dropped without compositing. 16-bit samples are scaled to 8 bits (PIL clips 16-bit grey, which is of no use). The
//! EXIF orientation is applied, so that a photo stands as its taker saw it.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::jpeg::{JpegError, decode_jpeg};
use crate::sample::Picture;
use crate::sniff::describe;

/// Memory that decoding one picture may take, in bytes; a file that would need more (a decompression bomb) is refused.
pub const MAX_DECODED_BYTES: u64 = 512 << 20;

/// Why a picture file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The file could not be opened or read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is something else than a picture of a known format.
    #[error("{}: {found}", path.display())]
    NotAPicture {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: &'static str,
    },
    /// The file begins as a picture but is cut short or damaged.
    #[error("{}: a damaged {format}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// JPEG, PNG, WebP or BMP.
        format: &'static str,
        /// What the decoder said.
        reason: String,
    },
    /// Decoding would take more than [`MAX_DECODED_BYTES`].
    #[error("{}: {size} needs more than the {} MiB allowed for one picture", path.display(), MAX_DECODED_BYTES >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Width × height where known, else the size of the file.
        size: String,
    },
}

/// Reads the picture in a file.
///
/// # Errors
/// When the file cannot be read, is no picture, is damaged, or would take too much memory; the error names the file
/// and what was found in it.
pub fn decode(path: &Path) -> Result<Picture, DecodeError> {
    let unreadable = |source| DecodeError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > MAX_DECODED_BYTES {
        return Err(DecodeError::TooLarge {
            path: path.to_owned(),
            size: format!("a file of {length} bytes"),
        });
    }
    decode_bytes(&std::fs::read(path).map_err(unreadable)?, path)
}

/// Reads a picture from the content of a file; `path` serves the error messages only.
///
/// # Errors
/// As [`decode`].
pub fn decode_bytes(bytes: &[u8], path: &Path) -> Result<Picture, DecodeError> {
    // The content decides, not the file's name: data sets hold PNGs named .JPEG.
    let format = match image::guess_format(bytes) {
        Ok(
            format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP | ImageFormat::Bmp),
        ) => format,
        _ => {
            return Err(DecodeError::NotAPicture {
                path: path.to_owned(),
                found: describe(bytes),
            });
        }
    };
    let damaged = |reason: String| DecodeError::Damaged {
        path: path.to_owned(),
        format: name(format),
        reason,
    };
    if format == ImageFormat::Jpeg {
        return match decode_jpeg(bytes) {
            Ok(picture) => Ok(to_picture(picture)),
            Err(JpegError::Damaged(reason)) => Err(damaged(reason)),
            Err(JpegError::TooLarge([width, height])) => Err(DecodeError::TooLarge {
                path: path.to_owned(),
                size: format!("{width}×{height}"),
            }),
        };
    }

    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut size = format!("a {} of {} bytes", name(format), bytes.len());
    let read = || {
        let mut decoder = reader.into_decoder()?;
        let (width, height) = decoder.dimensions();
        size = format!("{width}×{height}");
        limits.reserve(decoder.total_bytes())?;
        decoder.set_limits(limits)?;
        let orientation = decoder.orientation()?;
        let mut picture = DynamicImage::from_decoder(decoder)?;
        picture.apply_orientation(orientation);
        Ok(picture)
    };
    match read() {
        Ok(picture) => Ok(to_picture(picture)),
        Err(image::ImageError::Limits(_)) => Err(DecodeError::TooLarge {
            path: path.to_owned(),
            size,
        }),
        Err(error) => Err(damaged(error.to_string())),
    }
}

fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::Png => "PNG",
        ImageFormat::WebP => "WebP",
        _ => "BMP",
    }
}

fn to_picture(image: DynamicImage) -> Picture {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let grey = !image.color().has_color();
    let pixels = if grey {
        image.into_luma8().into_raw()
    } else {
        image.into_rgb8().into_raw()
    };
    Picture {
        height,
        width,
        channels: if grey { 1 } else { 3 },
        pixels,
    }
}
