//! Contact sheets, thumbnails and PNG files: images to look at.

use std::borrow::Cow;
use std::path::Path;

use crate::image::{Image, with_channels};
use crate::transforms::resize::resize;

/// Pixels between the images of a sheet.
const GAP: usize = 2;
/// Grey of the sheet behind the images.
const PAPER: u8 = 200;

/// The images side by side, `columns` to a row, each centred in a cell of the largest height and width.
///
/// The sheet is grey if every image is. Without images it is one grey pixel.
pub fn contact_sheet(images: &[Image], columns: usize) -> Image {
    let columns = columns.clamp(1, images.len().max(1));
    let rows = images.len().div_ceil(columns);
    let cell = [0, 1].map(|axis| {
        images
            .iter()
            .map(|image| image.size()[axis])
            .max()
            .unwrap_or(0)
    });
    let side = |count: usize, cell: usize| (count * (cell + GAP)).saturating_sub(GAP).max(1);
    let is_grey = images.iter().all(|image| image.channels == 1);
    let channels = if is_grey { 1 } else { 3 };
    let mut sheet = Image::filled(
        [side(rows, cell[0]), side(columns, cell[1])],
        channels,
        PAPER,
    );
    for (i, image) in images.iter().enumerate() {
        let (size, at) = (image.size(), [i / columns, i % columns]);
        let corner =
            [0, 1].map(|axis| at[axis] * (cell[axis] + GAP) + (cell[axis] - size[axis]) / 2);
        let image = with_channels(Cow::Borrowed(image), channels);
        sheet.paste(corner, &image, [0, 0], size);
    }
    sheet
}

/// Writes an image as a PNG file, small rather than fast.
///
/// # Errors
/// When the file cannot be written.
pub fn save_png(image: &Image, path: &Path) -> std::io::Result<()> {
    std::fs::write(path, png(image)?)
}

/// The bytes of a PNG file of the image, its longer side resized to `side` pixels if it is longer.
///
/// # Errors
/// When the image has no pixel.
pub fn thumbnail(image: &Image, side: usize) -> std::io::Result<Vec<u8>> {
    let longer = image.height.max(image.width);
    if longer <= side {
        return png(image);
    }
    let shrunk = |length: usize| (length * side).div_ceil(longer).max(1);
    png(&resize(image, image.size().map(shrunk)))
}

/// The bytes of a PNG file of the image.
///
/// # Errors
/// When the image has no pixel.
pub fn png(image: &Image) -> std::io::Result<Vec<u8>> {
    use image::codecs::png::{CompressionType, FilterType, PngEncoder};
    use image::{ExtendedColorType, ImageEncoder};

    let color = match image.channels {
        1 => ExtendedColorType::L8,
        _ => ExtendedColorType::Rgb8,
    };
    let (width, height) = (image.width as u32, image.height as u32);
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Best, FilterType::Adaptive)
        .write_image(&image.pixels, width, height, color)
        .map_err(std::io::Error::other)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode_bytes;

    #[test]
    fn a_thumbnail_is_small_and_keeps_its_shape() {
        let image = Image {
            height: 50,
            width: 200,
            channels: 3,
            pixels: [9, 80, 200].repeat(50 * 200),
        };
        let bytes = thumbnail(&image, 96).expect("it has pixels");
        let small = decode_bytes(&bytes, Path::new("a.png")).expect("a PNG");
        assert_eq!([small.height, small.width], [24, 96]);
        assert_eq!(small.pixels[..3], [9, 80, 200]);
        let same = thumbnail(&image, 200).expect("it has pixels");
        assert_eq!(
            decode_bytes(&same, Path::new("b.png")).expect("a PNG"),
            image
        );
    }
}
