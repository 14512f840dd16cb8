//! Files to images: JPEG through libjpeg, PNG, WebP and BMP through the `image` crate.
//!
//! Grey files stay grey; everything else becomes RGB as PIL's `convert("RGB")` does: a palette is resolved, alpha is
//! dropped without compositing. 16-bit samples are scaled to 8 bits (PIL clips 16-bit grey, which is of no use). The
//! EXIF orientation is applied, so that photos are upright.

mod decoder_panics;
mod file_type;
mod jpeg;

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

pub use self::decoder_panics::{catch_panics, is_decoding, panic_message};
pub use self::file_type::file_extension;
use self::file_type::{FileType, guess};
use crate::error::{DecodeError, DecodeErrorKind};
use crate::image::Image;
use crate::transforms::resize::{Area, Region};

/// Memory that decoding one image may take, in bytes; a file that would need more (a decompression bomb) is refused.
pub const MAX_DECODED_BYTES: u64 = 512 << 20;

/// Reads the image in a file.
///
/// # Errors
/// When the file cannot be read, is no image, is damaged, or would take too much memory; the error names the file
/// and what was found in it.
pub fn decode(path: &Path) -> Result<Image, DecodeError> {
    decode_bytes(&read(path)?, path)
}

/// Reads an image from the content of a file; `path` is for the error messages only.
///
/// # Errors
/// As [`decode`].
pub fn decode_bytes(bytes: &[u8], path: &Path) -> Result<Image, DecodeError> {
    let decoded = guess(bytes)
        .map_err(DecodeErrorKind::NotAnImage)
        .and_then(|file_type| match file_type.format {
            ImageFormat::Jpeg => jpeg::decode(bytes),
            _ => decode_other(bytes, file_type),
        });
    decoded.map_err(at(path))
}

/// The part of an image that `choose` takes, given the image's height and width: pixels, and where the part lies in them.
/// A JPEG is decoded only as far as `target` (height, width) needs.
pub(crate) fn decode_part(
    bytes: &[u8],
    path: &Path,
    target: [usize; 2],
    choose: impl FnOnce([usize; 2]) -> Region,
) -> Result<(Image, Area), DecodeError> {
    let decoded = guess(bytes)
        .map_err(DecodeErrorKind::NotAnImage)
        .and_then(|file_type| match file_type.format {
            ImageFormat::Jpeg => jpeg::decode_part(bytes, target, choose),
            _ => {
                let image = decode_other(bytes, file_type)?;
                let area = choose(image.size()).scaled(1.0);
                Ok((image, area))
            }
        });
    decoded.map_err(at(path))
}

/// The content of an image file, unless it is larger than any image may be.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, DecodeError> {
    let unreadable = |error| at(path)(DecodeErrorKind::Unreadable(error));
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > MAX_DECODED_BYTES {
        let size = format!("a file of {length} bytes");
        return Err(at(path)(DecodeErrorKind::TooLarge(size)));
    }
    std::fs::read(path).map_err(unreadable)
}

fn at(path: &Path) -> impl Fn(DecodeErrorKind) -> DecodeError {
    move |kind| DecodeError {
        path: path.to_owned(),
        kind,
    }
}

/// A PNG, WebP or BMP.
fn decode_other(bytes: &[u8], file_type: FileType) -> Result<Image, DecodeErrorKind> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), file_type.format);
    reader.limits(limits.clone());
    let mut size = format!("a {} of {} bytes", file_type.name, bytes.len());
    let decode = || {
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
    let reason = match catch_panics(decode) {
        Ok(Ok(image)) => return Ok(to_image(image)),
        Ok(Err(ImageError::Limits(_))) => return Err(DecodeErrorKind::TooLarge(size)),
        Ok(Err(error)) => error.to_string(),
        Err(panic) => format!("the decoder panicked: {panic}"),
    };
    Err(DecodeErrorKind::Damaged {
        format: file_type.name,
        reason,
    })
}

fn to_image(image: DynamicImage) -> Image {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let (channels, pixels) = match image.color().has_color() {
        true => (3, image.into_rgb8().into_raw()),
        false => (1, image.into_luma8().into_raw()),
    };
    Image {
        height,
        width,
        channels,
        pixels,
    }
}
