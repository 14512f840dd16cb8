//! JPEG through libjpeg (mozjpeg's copy of libjpeg-turbo): the pixels that PIL, and so torchvision, gets, bit for bit.
//!
//! Other decoders round chroma differently, by one or two levels; that is enough to change the class of a few images
//! in ten thousand.

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};
use mozjpeg::decompress::DecompressStarted;
use mozjpeg::{ColorSpace, Decompress, Marker};

use super::{MAX_DECODED_BYTES, catch_panics, to_image};
use crate::error::DecodeErrorKind;
use crate::image::Image;
use crate::transforms::resize::{Area, Region};

/// The image in `bytes`, grey or RGB, turned by its EXIF orientation.
pub(super) fn decode(bytes: &[u8]) -> Result<Image, DecodeErrorKind> {
    check_complete(bytes)?;
    catch(|| Header::read(bytes)?.whole())
}

/// The part of the image that `choose` takes, given the image's height and width, to be resized to `target`: pixels, and
/// where the part lies in them.
///
/// Rows below the part are not decoded, and a part much larger than the target is decoded smaller, by a DCT of fewer
/// points.
pub(super) fn decode_part(
    bytes: &[u8],
    target: [usize; 2],
    choose: impl FnOnce([usize; 2]) -> Region,
) -> Result<(Image, Area), DecodeErrorKind> {
    check_complete(bytes)?;
    let header = catch(|| Header::read(bytes))?;
    // Rows of a turned image are columns of the file, and CMYK is rare: both are decoded whole.
    if header.orientation != Orientation::NoTransforms || header.channels == 4 {
        let image = catch(|| header.whole())?;
        let area = choose(image.size()).scaled(1.0);
        return Ok((image, area));
    }
    let region = choose(header.size);
    catch(|| header.part(region, target))
}

/// Refuses a file that was cut short: the decoder would fill the missing rows with grey and report success.
fn check_complete(bytes: &[u8]) -> Result<(), DecodeErrorKind> {
    match has_end_marker(bytes) {
        true => Ok(()),
        false => Err(damaged(format!(
            "cut short after {} bytes, no end-of-image marker",
            bytes.len()
        ))),
    }
}

/// Calls `decode`. libjpeg leaves its C code by unwinding when a file is beyond repair; that becomes an error.
fn catch<T>(decode: impl FnOnce() -> Result<T, DecodeErrorKind>) -> Result<T, DecodeErrorKind> {
    catch_panics(decode)
        .unwrap_or_else(|message| Err(damaged(message.trim_start_matches("libjpeg fatal error: "))))
}

fn damaged(reason: impl ToString) -> DecodeErrorKind {
    DecodeErrorKind::Damaged {
        format: "JPEG",
        reason: reason.to_string(),
    }
}

/// A JPEG whose header has been read.
struct Header<'a> {
    decoder: Decompress<&'a [u8]>,
    /// Height and width as stored.
    size: [usize; 2],
    channels: usize,
    orientation: Orientation,
    /// Whether a program of Adobe's wrote it.
    adobe: bool,
}

impl<'a> Header<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, DecodeErrorKind> {
        let decoder = Decompress::with_markers(&[Marker::APP(1), Marker::APP(14)])
            .from_mem(bytes)
            .map_err(damaged)?;
        let (width, height) = decoder.size();
        let channels: usize = match decoder.color_space() {
            ColorSpace::JCS_GRAYSCALE => 1,
            ColorSpace::JCS_CMYK | ColorSpace::JCS_YCCK => 4,
            _ => 3,
        };
        if (width * height * channels) as u64 > MAX_DECODED_BYTES {
            return Err(DecodeErrorKind::TooLarge(format!("{width}×{height}")));
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
        Ok(Self {
            decoder,
            size: [height, width],
            channels,
            orientation,
            adobe,
        })
    }

    fn whole(self) -> Result<Image, DecodeErrorKind> {
        let Self {
            decoder,
            size: [height, width],
            channels,
            orientation,
            adobe,
        } = self;
        let mut started = start(decoder, channels)?;
        let pixels: Vec<u8> = started.read_scanlines().map_err(damaged)?;
        started.finish().map_err(damaged)?;

        let (columns, rows) = (width as u32, height as u32);
        let image = match channels {
            1 => GrayImage::from_raw(columns, rows, pixels).map(DynamicImage::from),
            3 => RgbImage::from_raw(columns, rows, pixels).map(DynamicImage::from),
            _ => RgbImage::from_raw(columns, rows, rgb_of_cmyk(&pixels, adobe))
                .map(DynamicImage::from),
        };
        let mut image = image.ok_or_else(|| damaged("the decoder returned too few pixels"))?;
        image.apply_orientation(orientation);
        Ok(to_image(image))
    }

    /// The whole rows that hold `region`, and where it lies in them; the image must need no turning.
    fn part(
        mut self,
        region: Region,
        target: [usize; 2],
    ) -> Result<(Image, Area), DecodeErrorKind> {
        let eighths = eighths(region.size, target);
        if eighths < 8 {
            self.decoder.scale(eighths);
        }
        let channels = self.channels;
        let mut started = start(self.decoder, channels)?;
        let scale = f64::from(eighths) / 8.0;
        let area = region.scaled(scale);
        let first = area.corner[0].floor() as usize;
        let last = ((area.corner[0] + area.size[0]).ceil() as usize).min(started.height());
        let row = started.width() * channels;
        // Rows above the part are decoded all the same: libjpeg cannot jump.
        let mut above = vec![0_u8; row];
        for _ in 0..first {
            started.read_scanlines_into(&mut above).map_err(damaged)?;
        }
        let mut pixels = vec![0; (last - first) * row];
        started.read_scanlines_into(&mut pixels).map_err(damaged)?;
        let image = Image {
            height: last - first,
            width: started.width(),
            channels,
            pixels,
        };
        let [top, left] = area.corner;
        let corner = [top - first as f64, left];
        Ok((image, Area { corner, ..area }))
    }
}

fn start(
    decoder: Decompress<&[u8]>,
    channels: usize,
) -> Result<DecompressStarted<&[u8]>, DecodeErrorKind> {
    let started = match channels {
        1 => decoder.grayscale(),
        3 => decoder.rgb(),
        _ => decoder.to_colorspace(ColorSpace::JCS_CMYK),
    };
    started.map_err(damaged)
}

/// A part that is decoded smaller keeps at least this many times the target's sides. Shrinking by DCT is sharper than the
/// resize that follows: over photographs they differ by 0.7 of 255 levels (RMS) at three times, 1.3 at two, 3.9 at one.
const MARGIN: usize = 3;

/// The size at which a part is decoded, in eighths of its own: 8, 4, 2 or 1.
fn eighths(size: [usize; 2], target: [usize; 2]) -> u8 {
    let fits = |eighths: &u8| {
        let shrunk = |side: usize| side * usize::from(*eighths) / 8;
        shrunk(size[0]) >= MARGIN * target[0] && shrunk(size[1]) >= MARGIN * target[1]
    };
    [1, 2, 4].into_iter().find(fits).unwrap_or(8)
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
fn has_end_marker(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xff, marker]) = bytes.get(at..at + 2) {
        match marker {
            0xff => at += 1,
            // From the end, where the marker is.
            0xda => {
                return bytes[at..]
                    .windows(2)
                    .rev()
                    .any(|pair| pair == [0xff, 0xd9]);
            }
            _ => {
                let Some(&[high, low]) = bytes.get(at + 2..at + 4) else {
                    return false;
                };
                at += 2 + usize::from(u16::from_be_bytes([high, low]));
            }
        }
    }
    // Not a sequence of segments: the decoder reports what is wrong.
    at < bytes.len()
}
