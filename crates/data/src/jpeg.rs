//! JPEG through libjpeg (mozjpeg's copy of libjpeg-turbo): the pixels that PIL, and so torchvision, gets, bit for bit.
//!
//! Other decoders round chroma differently, by one or two levels; that is enough to change the class of a few pictures
//! in ten thousand.

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};
use mozjpeg::{ColorSpace, Decompress, Marker};

use crate::decode::MAX_DECODED_BYTES;

/// Why a JPEG could not be decoded.
#[derive(Debug)]
pub(crate) enum JpegError {
    /// It is cut short or damaged.
    Damaged(String),
    /// Its width and height need more than [`MAX_DECODED_BYTES`].
    TooLarge([usize; 2]),
}

/// The picture in `bytes`, grey or RGB, turned as its EXIF orientation says.
pub(crate) fn decode_jpeg(bytes: &[u8]) -> Result<DynamicImage, JpegError> {
    if !is_whole(bytes) {
        // The decoder fills the missing rows with grey and reports success.
        return Err(JpegError::Damaged(format!(
            "cut short after {} bytes, no end-of-image marker",
            bytes.len()
        )));
    }
    // libjpeg leaves its C code by unwinding when a file is beyond repair; no state of ours is half-changed then.
    catch_unwind(AssertUnwindSafe(|| decompress(bytes))).unwrap_or_else(|payload| {
        let message = payload.downcast_ref::<String>().map(String::as_str);
        let message = message.unwrap_or("the decoder gave up");
        let message = message.trim_start_matches("libjpeg fatal error: ");
        Err(JpegError::Damaged(message.to_owned()))
    })
}

fn decompress(bytes: &[u8]) -> Result<DynamicImage, JpegError> {
    let damaged = |error: std::io::Error| JpegError::Damaged(error.to_string());
    let decoder = Decompress::with_markers(&[Marker::APP(1), Marker::APP(14)])
        .from_mem(bytes)
        .map_err(damaged)?;
    let (width, height) = decoder.size();
    let color = decoder.color_space();
    let channels: usize = match color {
        ColorSpace::JCS_GRAYSCALE => 1,
        ColorSpace::JCS_CMYK | ColorSpace::JCS_YCCK => 4,
        _ => 3,
    };
    if (width * height * channels) as u64 > MAX_DECODED_BYTES {
        return Err(JpegError::TooLarge([width, height]));
    }
    let (mut orientation, mut adobe) = (Orientation::NoTransforms, false);
    for marker in decoder.markers() {
        match marker.marker {
            Marker::APP(1) => {
                let exif = marker.data.strip_prefix(b"Exif\0\0");
                orientation = exif
                    .and_then(Orientation::from_exif_chunk)
                    .unwrap_or(orientation);
            }
            Marker::APP(14) => adobe |= marker.data.starts_with(b"Adobe"),
            _ => {}
        }
    }

    let mut started = match channels {
        1 => decoder.grayscale(),
        3 => decoder.rgb(),
        _ => decoder.to_colorspace(ColorSpace::JCS_CMYK),
    }
    .map_err(damaged)?;
    let pixels: Vec<u8> = started.read_scanlines().map_err(damaged)?;
    started.finish().map_err(damaged)?;

    let (columns, rows) = (width as u32, height as u32);
    let image = match channels {
        1 => GrayImage::from_raw(columns, rows, pixels).map(DynamicImage::from),
        3 => RgbImage::from_raw(columns, rows, pixels).map(DynamicImage::from),
        _ => RgbImage::from_raw(columns, rows, rgb_of_cmyk(&pixels, adobe)).map(DynamicImage::from),
    };
    let mut image =
        image.ok_or_else(|| JpegError::Damaged("the decoder gave too few pixels".to_owned()))?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// RGB as PIL computes it, without a colour profile. Adobe's programs store the inks inverted.
fn rgb_of_cmyk(pixels: &[u8], inverted: bool) -> Vec<u8> {
    let ink = |value: u8| if inverted { 255 - value } else { value };
    let rgb = pixels.chunks_exact(4).flat_map(|cmyk| {
        let paper = u32::from(255 - ink(cmyk[3]));
        [0, 1, 2].map(|channel| {
            // The product divided by 255, rounded.
            let product = u32::from(ink(cmyk[channel])) * paper + 128;
            (paper - ((product + (product >> 8)) >> 8)) as u8
        })
    });
    rgb.collect()
}

/// Whether an end-of-image marker follows the first scan.
///
/// Entropy-coded data never holds `FF D9`, so the marker is missing exactly when the file was cut; thumbnails (whole
/// JPEGs inside an EXIF segment) lie before the scan and are stepped over.
fn is_whole(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xff, marker]) = bytes.get(at..at + 2) {
        match marker {
            0xff => at += 1,
            0xda => return bytes[at..].windows(2).any(|pair| pair == [0xff, 0xd9]),
            _ => {
                let Some(&[high, low]) = bytes.get(at + 2..at + 4) else {
                    return false;
                };
                at += 2 + usize::from(u16::from_be_bytes([high, low]));
            }
        }
    }
    // Not a sequence of segments: the decoder says what is wrong.
    at < bytes.len()
}
