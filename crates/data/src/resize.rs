//! Antialiased bilinear resizing, as PIL does it: two passes of 8-bit fixed point, the kernel widened when shrinking.

use std::cell::RefCell;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use crate::sample::Picture;

thread_local! {
    /// A resizer keeps its scratch buffers; one a thread saves an allocation a picture.
    static RESIZER: RefCell<Resizer> = RefCell::new(Resizer::new());
}

/// The picture at `height`×`width`.
///
/// # Panics
/// Never for a picture whose buffer has the length that its fields say, which every constructor here keeps.
pub(crate) fn resize(picture: &Picture, size: [usize; 2]) -> Picture {
    let [height, width] = size;
    if [picture.height, picture.width] == size {
        return picture.clone();
    }
    let mut pixels = vec![0; height * width * picture.channels];
    // By pixel type, and not through the library's `Resizer::resize`, which would compile all thirteen of them.
    match picture.channels {
        1 => resize_as::<U8>(picture, size, &mut pixels),
        _ => resize_as::<U8x3>(picture, size, &mut pixels),
    }
    Picture {
        height,
        width,
        channels: picture.channels,
        pixels,
    }
}

fn resize_as<P: PixelTrait>(picture: &Picture, [height, width]: [usize; 2], pixels: &mut [u8]) {
    let side = |n: usize| u32::try_from(n).expect("a side of a decoded picture fits in 32 bits");
    let [rows, columns] = [picture.height, picture.width].map(side);
    let source = TypedImageRef::<P>::from_buffer(columns, rows, &picture.pixels)
        .expect("the buffer has height × width × channels bytes");
    let mut target = TypedImage::<P>::from_buffer(side(width), side(height), pixels)
        .expect("the buffer was made for this size");
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .use_alpha(false);
    RESIZER
        .with_borrow_mut(|resizer| resizer.resize_typed(&source, &mut target, &options))
        .expect("the whole of the source is used");
}
