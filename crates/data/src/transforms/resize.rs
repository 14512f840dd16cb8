//! Antialiased bilinear resizing, as PIL does it: two passes of 8-bit fixed point, the kernel widened when shrinking.

use std::cell::RefCell;

use fast_image_resize::images::{TypedCroppedImage, TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use crate::image::Image;

thread_local! {
    /// One per thread: a resizer keeps its scratch buffers from image to image.
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

/// The image at another size (height, width).
///
/// # Panics
/// If the image's buffer is not of the length that its fields say.
pub(crate) fn resize(image: &Image, size: [usize; 2]) -> Image {
    let whole = Region {
        corner: [0, 0],
        size: image.size(),
    };
    resize_area(image, whole.scaled(1.0), size)
}

/// A part of the image at another size (height, width); only pixels that `area` touches contribute.
///
/// # Panics
/// As [`resize`], and if the area does not lie within the image.
pub(crate) fn resize_area(image: &Image, area: Area, size: [usize; 2]) -> Image {
    let mut resized = Image::filled(size, image.channels, 0);
    // By pixel type: the library's `Resizer::resize` would compile all thirteen types.
    match image.channels {
        1 => resize_as::<U8>(image, area, &mut resized),
        _ => resize_as::<U8x3>(image, area, &mut resized),
    }
    resized
}

fn resize_as<P: PixelTrait>(image: &Image, area: Area, resized: &mut Image) {
    let sides = |image: &Image| {
        image
            .size()
            .map(|side| u32::try_from(side).expect("a side of an image fits in 32 bits"))
    };
    let ([rows, columns], [height, width]) = (sides(image), sides(resized));
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
    let mut target = TypedImage::<P>::from_buffer(width, height, &mut resized.pixels)
        .expect("the buffer was made for this size");
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .crop(inner_left, inner_top, width_within, height_within)
        .use_alpha(false);
    RESIZER
        .with_borrow_mut(|resizer| resizer.resize_typed(&source, &mut target, &options))
        .expect("the area lies within what it touches");
}
