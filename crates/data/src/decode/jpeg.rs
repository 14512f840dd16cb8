//! JPEG through libjpeg (mozjpeg's copy of libjpeg-turbo): the pixels that PIL, and so torchvision, gets, bit for bit.
//!
//! Other decoders round chroma differently, by one or two levels; that is enough to change the class of a few images
//! in ten thousand.

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};
use mozjpeg::decompress::DecompressStarted;
use mozjpeg::{ColorSpace, Decompress, Marker};

use crate::decode::decoder_panics::catch_panics;
use crate::decode::{MAX_DECODED_BYTES, to_image};
use crate::sample::Image;
use crate::transforms::resize::{Part, Region};

/// Why a JPEG could not be decoded.
#[derive(Debug)]
pub(crate) enum JpegError {
    /// It is cut short or damaged.
    Damaged(String),
    /// Its width and height need more than [`MAX_DECODED_BYTES`].
    TooLarge([usize; 2]),
}

/// The image in `bytes`, grey or RGB, turned as its EXIF orientation says.
pub(crate) fn decode_jpeg(bytes: &[u8]) -> Result<Image, JpegError> {
    guarded(bytes, || Header::read(bytes)?.whole())
}

/// The part of the image that `choose` takes, seeing the image's height and width; to be resized to `target`.
///
/// Rows below it are not decoded, and a part that is much larger than the target is decoded smaller, by a DCT of fewer points.
pub(crate) fn decode_jpeg_part(
    bytes: &[u8],
    target: [usize; 2],
    choose: impl FnOnce([usize; 2]) -> Region,
) -> Result<Part, JpegError> {
    let header = guarded(bytes, || Header::read(bytes))?;
    // Rows of a turned image are columns; inks are rare. Neither is worth a second way.
    if header.orientation != Orientation::NoTransforms || header.channels == 4 {
        let image = unwound(|| header.whole())?;
        let region = choose([image.height, image.width]);
        return Ok(Part::new(image, region));
    }
    let region = choose(header.size);
    unwound(|| header.part(region, target))
}

/// What `decode` makes of `bytes`, if they are whole; libjpeg's way of giving up is an error.
fn guarded<T>(bytes: &[u8], decode: impl FnOnce() -> Result<T, JpegError>) -> Result<T, JpegError> {
    if !is_whole(bytes) {
        // The decoder fills the missing rows with grey and reports success.
        return Err(JpegError::Damaged(format!(
            "cut short after {} bytes, no end-of-image marker",
            bytes.len()
        )));
    }
    unwound(decode)
}

/// What `decode` makes; libjpeg's way of giving up is an error.
fn unwound<T>(decode: impl FnOnce() -> Result<T, JpegError>) -> Result<T, JpegError> {
    // libjpeg leaves its C code by unwinding when a file is beyond repair.
    catch_panics(decode).unwrap_or_else(|message| {
        let message = message.trim_start_matches("libjpeg fatal error: ");
        Err(JpegError::Damaged(message.to_owned()))
    })
}

/// A JPEG whose header has been read.
struct Header<'a> {
    decoder: Decompress<&'a [u8]>,
    /// Height and width as stored.
    size: [usize; 2],
    channels: usize,
    orientation: Orientation,
    /// Whether one of Adobe's programs wrote it.
    adobe: bool,
}

fn damaged(error: std::io::Error) -> JpegError {
    JpegError::Damaged(error.to_string())
}

impl<'a> Header<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, JpegError> {
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
        Ok(Self {
            decoder,
            size: [height, width],
            channels,
            orientation,
            adobe,
        })
    }

    fn start(decoder: Decompress<&'a [u8]>, channels: usize) -> Result<Started<'a>, JpegError> {
        let started = match channels {
            1 => decoder.grayscale(),
            3 => decoder.rgb(),
            _ => decoder.to_colorspace(ColorSpace::JCS_CMYK),
        };
        started.map_err(damaged)
    }

    fn whole(self) -> Result<Image, JpegError> {
        let Self {
            decoder,
            size: [height, width],
            channels,
            orientation,
            adobe,
        } = self;
        let mut started = Self::start(decoder, channels)?;
        let pixels: Vec<u8> = started.read_scanlines().map_err(damaged)?;
        started.finish().map_err(damaged)?;

        let (columns, rows) = (width as u32, height as u32);
        let image = match channels {
            1 => GrayImage::from_raw(columns, rows, pixels).map(DynamicImage::from),
            3 => RgbImage::from_raw(columns, rows, pixels).map(DynamicImage::from),
            _ => RgbImage::from_raw(columns, rows, rgb_of_cmyk(&pixels, adobe))
                .map(DynamicImage::from),
        };
        let mut image =
            image.ok_or_else(|| JpegError::Damaged("the decoder gave too few pixels".into()))?;
        image.apply_orientation(orientation);
        Ok(to_image(image))
    }

    /// `region`, in whole rows, of an image that stands as it is stored.
    fn part(mut self, region: Region, target: [usize; 2]) -> Result<Part, JpegError> {
        let eighths = eighths(region.size, target);
        if eighths < 8 {
            self.decoder.scale(eighths);
        }
        let channels = self.channels;
        let mut started = Self::start(self.decoder, channels)?;
        let scale = f64::from(eighths) / 8.0;
        let area = region.scaled(scale);
        let first = area.corner[0].floor() as usize;
        let last = ((area.corner[0] + area.size[0]).ceil() as usize).min(started.height());
        let row = started.width() * channels;
        // libjpeg must see the rows above, nobody else.
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
        Ok(Part {
            image,
            area: area.below(first),
        })
    }
}

type Started<'a> = DecompressStarted<&'a [u8]>;

/// How many times the target's sides a part has that was decoded smaller. The DCT's way of shrinking is sharper than the
/// resizing that follows: over photographs the difference is 0.7 of 255 levels (RMS) at three times, 1.3 at two, 3.9 at one.
const ROOM: usize = 3;

/// How many eighths of its size a part is decoded at: 8, 4, 2 or 1.
fn eighths(size: [usize; 2], target: [usize; 2]) -> u8 {
    let fits = |eighths: &u8| {
        let shrunk = |side: usize| side * usize::from(*eighths) / 8;
        shrunk(size[0]) >= ROOM * target[0] && shrunk(size[1]) >= ROOM * target[1]
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
fn is_whole(bytes: &[u8]) -> bool {
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
    // Not a sequence of segments: the decoder says what is wrong.
    at < bytes.len()
}
