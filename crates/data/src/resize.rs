//! Antialiased bilinear resizing, as PIL does it: two passes of 8-bit fixed point, the kernel widened when shrinking.

use std::cell::RefCell;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::sample::Picture;

thread_local! {
    /// A resizer keeps its scratch buffers; one a thread saves an allocation a picture.
    static RESIZER: RefCell<Resizer> = RefCell::new(Resizer::new());
}

/// The picture at `height`×`width`.
///
/// # Panics
/// Never for a picture whose buffer has the length that its fields say, which every constructor here keeps.
pub(crate) fn resize(picture: &Picture, [height, width]: [usize; 2]) -> Picture {
    if [picture.height, picture.width] == [height, width] {
        return picture.clone();
    }
    let kind = if picture.channels == 1 {
        PixelType::U8
    } else {
        PixelType::U8x3
    };
    let side = |n: usize| u32::try_from(n).expect("a side of a decoded picture fits in 32 bits");
    let source = ImageRef::new(
        side(picture.width),
        side(picture.height),
        &picture.pixels,
        kind,
    )
    .expect("the buffer has height × width × channels bytes");
    let mut target = Image::new(side(width), side(height), kind);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .use_alpha(false);
    RESIZER
        .with_borrow_mut(|resizer| resizer.resize(&source, &mut target, &options))
        .expect("source and target have the same pixel type");
    Picture {
        height,
        width,
        channels: picture.channels,
        pixels: target.into_vec(),
    }
}
