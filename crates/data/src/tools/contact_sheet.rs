//! Many small images on one sheet, to look at.

use std::path::Path;

use crate::sample::Image;
use crate::transforms::resize::resize;

/// Pixels between the images of a sheet.
const GAP: usize = 2;
/// Grey of the sheet behind the images.
const PAPER: u8 = 200;

/// The images side by side, `columns` to a row, each in a cell of the largest image's size.
///
/// The sheet is grey where every image is. Without images it is one grey pixel.
pub fn contact_sheet(images: &[Image], columns: usize) -> Image {
    let columns = columns.clamp(1, images.len().max(1));
    let rows = images.len().div_ceil(columns);
    let cell_height = images.iter().map(|p| p.height).max().unwrap_or(0);
    let cell_width = images.iter().map(|p| p.width).max().unwrap_or(0);
    let channels = if images.iter().all(|p| p.channels == 1) {
        1
    } else {
        3
    };
    let height = (rows * (cell_height + GAP)).saturating_sub(GAP).max(1);
    let width = (columns * (cell_width + GAP)).saturating_sub(GAP).max(1);
    let mut sheet = Image {
        height,
        width,
        channels,
        pixels: vec![PAPER; height * width * channels],
    };
    for (i, image) in images.iter().enumerate() {
        let top = i / columns * (cell_height + GAP) + (cell_height - image.height) / 2;
        let left = i % columns * (cell_width + GAP) + (cell_width - image.width) / 2;
        paste(&mut sheet, image, top, left);
    }
    sheet
}

fn paste(sheet: &mut Image, image: &Image, top: usize, left: usize) {
    for row in 0..image.height {
        for column in 0..image.width {
            let from = (row * image.width + column) * image.channels;
            let to = ((top + row) * sheet.width + left + column) * sheet.channels;
            for channel in 0..sheet.channels {
                sheet.pixels[to + channel] = image.pixels[from + channel.min(image.channels - 1)];
            }
        }
    }
}

/// Writes an image as a PNG file, small rather than fast.
///
/// # Errors
/// When the file cannot be written.
pub fn save_png(image: &Image, path: &Path) -> std::io::Result<()> {
    std::fs::write(path, png(image)?)
}

/// The image as a PNG file's bytes, made smaller where its longer side has more than `side` pixels.
///
/// # Errors
/// When the image has no pixel.
pub fn thumbnail(image: &Image, side: usize) -> std::io::Result<Vec<u8>> {
    let longer = image.height.max(image.width);
    if longer <= side {
        return png(image);
    }
    let shrunk = |length: usize| (length * side).div_ceil(longer).max(1);
    png(&resize(image, [image.height, image.width].map(shrunk)))
}

/// The image as a PNG file's bytes.
///
/// # Errors
/// When the image has no pixel.
pub fn png(image: &Image) -> std::io::Result<Vec<u8>> {
    use image::codecs::png::{CompressionType, FilterType, PngEncoder};
    use image::{ExtendedColorType, ImageEncoder};

    let color = if image.channels == 1 {
        ExtendedColorType::L8
    } else {
        ExtendedColorType::Rgb8
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
