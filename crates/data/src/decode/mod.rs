//! Files to images: JPEG through libjpeg, PNG, WebP and BMP through the `image` crate.
//!
//! Grey files stay grey; everything else becomes RGB as PIL's `convert("RGB")` does: a palette is resolved, alpha is
//! dropped without compositing. 16-bit samples are scaled to 8 bits (PIL clips 16-bit grey, which is of no use). The
//! EXIF orientation is applied, so that a photo stands as its taker saw it.

mod decoder_panics;
mod file_type;
mod jpeg;

use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

pub use self::decoder_panics::{catch_panics, is_decoding, panic_message};
use self::file_type::describe;
pub use self::file_type::file_extension;
use self::jpeg::{JpegError, decode_jpeg, decode_jpeg_part};
use crate::sample::Image;
use crate::transforms::resize::{Part, Region};

/// Memory that decoding one image may take, in bytes; a file that would need more (a decompression bomb) is refused.
pub const MAX_DECODED_BYTES: u64 = 512 << 20;

/// Why an image file could not be read.
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
    /// The file is something else than an image of a known format.
    #[error("{}: {found}", path.display())]
    NotAImage {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: &'static str,
    },
    /// The file begins as an image but is cut short or damaged.
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
    #[error("{}: {size} needs more than the {} MiB allowed for one image", path.display(), MAX_DECODED_BYTES >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Width × height where known, else the size of the file.
        size: String,
    },
}

/// Reads the image in a file.
///
/// # Errors
/// When the file cannot be read, is no image, is damaged, or would take too much memory; the error names the file
/// and what was found in it.
pub fn decode(path: &Path) -> Result<Image, DecodeError> {
    decode_bytes(&read(path)?, path)
}

/// The content of an image file, if it is of a size that an image may have.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, DecodeError> {
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
    std::fs::read(path).map_err(unreadable)
}

/// Reads an image from the content of a file; `path` serves the error messages only.
///
/// # Errors
/// As [`decode`].
pub fn decode_bytes(bytes: &[u8], path: &Path) -> Result<Image, DecodeError> {
    match format_of(bytes, path)? {
        ImageFormat::Jpeg => decode_jpeg(bytes).map_err(|error| named(error, path)),
        format => decode_other(bytes, format, path),
    }
}

/// The part of an image that `choose` takes, seeing the image's height and width. What of a JPEG is not needed to make
/// `target` (height, width) of it is not decoded.
pub(crate) fn decode_part(
    bytes: &[u8],
    path: &Path,
    target: [usize; 2],
    choose: impl FnOnce([usize; 2]) -> Region,
) -> Result<Part, DecodeError> {
    match format_of(bytes, path)? {
        ImageFormat::Jpeg => {
            decode_jpeg_part(bytes, target, choose).map_err(|error| named(error, path))
        }
        format => {
            let image = decode_other(bytes, format, path)?;
            let region = choose([image.height, image.width]);
            Ok(Part::new(image, region))
        }
    }
}

/// The content decides, not the file's name: data sets hold PNGs named .JPEG.
fn format_of(bytes: &[u8], path: &Path) -> Result<ImageFormat, DecodeError> {
    match image::guess_format(bytes) {
        Ok(
            format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP | ImageFormat::Bmp),
        ) => Ok(format),
        _ => Err(DecodeError::NotAImage {
            path: path.to_owned(),
            found: describe(bytes),
        }),
    }
}

fn named(error: JpegError, path: &Path) -> DecodeError {
    match error {
        JpegError::Damaged(reason) => DecodeError::Damaged {
            path: path.to_owned(),
            format: name(ImageFormat::Jpeg),
            reason,
        },
        JpegError::TooLarge([width, height]) => DecodeError::TooLarge {
            path: path.to_owned(),
            size: format!("{width}×{height}"),
        },
    }
}

fn decode_other(bytes: &[u8], format: ImageFormat, path: &Path) -> Result<Image, DecodeError> {
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
        let mut image = DynamicImage::from_decoder(decoder)?;
        image.apply_orientation(orientation);
        Ok(image)
    };
    let reason = match catch_panics(read) {
        Ok(Ok(image)) => return Ok(to_image(image)),
        Ok(Err(image::ImageError::Limits(_))) => {
            return Err(DecodeError::TooLarge {
                path: path.to_owned(),
                size,
            });
        }
        Ok(Err(error)) => error.to_string(),
        Err(panic) => format!("the decoder gave up: {panic}"),
    };
    Err(DecodeError::Damaged {
        path: path.to_owned(),
        format: name(format),
        reason,
    })
}

fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::Png => "PNG",
        ImageFormat::WebP => "WebP",
        _ => "BMP",
    }
}

pub(crate) fn to_image(image: DynamicImage) -> Image {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let grey = !image.color().has_color();
    let pixels = if grey {
        image.into_luma8().into_raw()
    } else {
        image.into_rgb8().into_raw()
    };
    Image {
        height,
        width,
        channels: if grey { 1 } else { 3 },
        pixels,
    }
}
