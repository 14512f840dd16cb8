//! Antialiased bilinear resizing, as PIL does it: two passes of 8-bit fixed point, the kernel widened when shrinking.

use std::cell::RefCell;

use fast_image_resize::images::{TypedCroppedImage, TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use crate::sample::Image;

thread_local! {
    /// A resizer keeps its scratch buffers; one a thread saves an allocation an image.
    static RESIZER: RefCell<Resizer> = RefCell::new(Resizer::new());
}

/// A rectangle of whole pixels: row and column where it begins, height and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) corner: [usize; 2],
    pub(crate) size: [usize; 2],
}

/// A rectangle whose sides may lie within pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Area {
    pub(crate) corner: [f64; 2],
    pub(crate) size: [f64; 2],
}

impl Region {
    /// The same part of the image at `scale` of its size.
    pub(crate) fn scaled(self, scale: f64) -> Area {
        Area {
            corner: self.corner.map(|place| place as f64 * scale),
            size: self.size.map(|side| side as f64 * scale),
        }
    }
}

impl Area {
    /// The same part of what is left below the first `rows` rows.
    pub(crate) fn below(self, rows: usize) -> Self {
        let [top, left] = self.corner;
        Self {
            corner: [top - rows as f64, left],
            ..self
        }
    }
}

/// A part of an image: as much of it as was decoded, and which part of that is meant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) image: Image,
    pub(crate) area: Area,
}

impl Part {
    pub(crate) fn new(image: Image, region: Region) -> Self {
        Self {
            image,
            area: region.scaled(1.0),
        }
    }
}

/// The image at `height`×`width`.
///
/// # Panics
/// Never for an image whose buffer has the length that its fields say, which every constructor here keeps.
pub(crate) fn resize(image: &Image, size: [usize; 2]) -> Image {
    let whole = Area {
        corner: [0.0; 2],
        size: [image.height, image.width].map(|side| side as f64),
    };
    resize_area(image, whole, size)
}

/// A part of the image at `height`×`width`. Nothing beside the pixels that `area` touches contributes to it.
///
/// # Panics
/// As [`resize`], and never for an area within the image.
pub(crate) fn resize_area(image: &Image, area: Area, size: [usize; 2]) -> Image {
    let [height, width] = size;
    let mut pixels = vec![0; height * width * image.channels];
    // By pixel type, and not through the library's `Resizer::resize`, which would compile all thirteen of them.
    match image.channels {
        1 => resize_as::<U8>(image, area, size, &mut pixels),
        _ => resize_as::<U8x3>(image, area, size, &mut pixels),
    }
    Image {
        height,
        width,
        channels: image.channels,
        pixels,
    }
}

fn resize_as<P: PixelTrait>(
    image: &Image,
    area: Area,
    [height, width]: [usize; 2],
    pixels: &mut [u8],
) {
    let side = |n: usize| u32::try_from(n).expect("a side of a decoded image fits in 32 bits");
    let [rows, columns] = [image.height, image.width].map(side);
    let source = TypedImageRef::<P>::from_buffer(columns, rows, &image.pixels)
        .expect("the buffer has height × width × channels bytes");
    // The pixels that the area touches, and where it lies among them.
    let [top, left] = area.corner.map(f64::floor);
    let [inner_top, inner_left] = [area.corner[0] - top, area.corner[1] - left];
    let [height_within, width_within] = area.size;
    let touched = |inner: f64, length: f64| (inner + length).ceil() as u32;
    let source = TypedCroppedImage::new(
        source,
        left as u32,
        top as u32,
        touched(inner_left, width_within).min(columns - left as u32),
        touched(inner_top, height_within).min(rows - top as u32),
    )
    .expect("the area lies within the image");
    let mut target = TypedImage::<P>::from_buffer(side(width), side(height), pixels)
        .expect("the buffer was made for this size");
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .crop(inner_left, inner_top, width_within, height_within)
        .use_alpha(false);
    RESIZER
        .with_borrow_mut(|resizer| resizer.resize_typed(&source, &mut target, &options))
        .expect("the area lies within what it touches");
}
