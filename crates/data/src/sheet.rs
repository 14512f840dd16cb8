//! Many small pictures on one sheet, to look at.

use std::path::Path;

use crate::resize::resize;
use crate::sample::Picture;

/// Pixels between the pictures of a sheet.
const GAP: usize = 2;
/// Grey of the sheet behind the pictures.
const PAPER: u8 = 200;

/// The pictures side by side, `columns` to a row, each in a cell of the largest picture's size.
///
/// The sheet is grey where every picture is. Without pictures it is one grey pixel.
pub fn contact_sheet(pictures: &[Picture], columns: usize) -> Picture {
    let columns = columns.clamp(1, pictures.len().max(1));
    let rows = pictures.len().div_ceil(columns);
    let cell_height = pictures.iter().map(|p| p.height).max().unwrap_or(0);
    let cell_width = pictures.iter().map(|p| p.width).max().unwrap_or(0);
    let channels = if pictures.iter().all(|p| p.channels == 1) {
        1
    } else {
        3
    };
    let height = (rows * (cell_height + GAP)).saturating_sub(GAP).max(1);
    let width = (columns * (cell_width + GAP)).saturating_sub(GAP).max(1);
    let mut sheet = Picture {
        height,
        width,
        channels,
        pixels: vec![PAPER; height * width * channels],
    };
    for (i, picture) in pictures.iter().enumerate() {
        let top = i / columns * (cell_height + GAP) + (cell_height - picture.height) / 2;
        let left = i % columns * (cell_width + GAP) + (cell_width - picture.width) / 2;
        paste(&mut sheet, picture, top, left);
    }
    sheet
}

fn paste(sheet: &mut Picture, picture: &Picture, top: usize, left: usize) {
    for row in 0..picture.height {
        for column in 0..picture.width {
            let from = (row * picture.width + column) * picture.channels;
            let to = ((top + row) * sheet.width + left + column) * sheet.channels;
            for channel in 0..sheet.channels {
                sheet.pixels[to + channel] =
                    picture.pixels[from + channel.min(picture.channels - 1)];
            }
        }
    }
}

/// Writes a picture as a PNG file, small rather than fast.
///
/// # Errors
/// When the file cannot be written.
pub fn save_png(picture: &Picture, path: &Path) -> std::io::Result<()> {
    std::fs::write(path, png(picture)?)
}

/// The picture as a PNG file's bytes, made smaller where its longer side has more than `side` pixels.
///
/// # Errors
/// When the picture has no pixel.
pub fn thumbnail(picture: &Picture, side: usize) -> std::io::Result<Vec<u8>> {
    let longer = picture.height.max(picture.width);
    if longer <= side {
        return png(picture);
    }
    let shrunk = |length: usize| (length * side).div_ceil(longer).max(1);
    png(&resize(
        picture,
        [picture.height, picture.width].map(shrunk),
    ))
}

/// The picture as a PNG file's bytes.
///
/// # Errors
/// When the picture has no pixel.
pub fn png(picture: &Picture) -> std::io::Result<Vec<u8>> {
    use image::codecs::png::{CompressionType, FilterType, PngEncoder};
    use image::{ExtendedColorType, ImageEncoder};

    let color = if picture.channels == 1 {
        ExtendedColorType::L8
    } else {
        ExtendedColorType::Rgb8
    };
    let (width, height) = (picture.width as u32, picture.height as u32);
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Best, FilterType::Adaptive)
        .write_image(&picture.pixels, width, height, color)
        .map_err(std::io::Error::other)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode_bytes;

    #[test]
    fn a_thumbnail_is_small_and_keeps_its_shape() {
        let picture = Picture {
            height: 50,
            width: 200,
            channels: 3,
            pixels: [9, 80, 200].repeat(50 * 200),
        };
        let bytes = thumbnail(&picture, 96).expect("it has pixels");
        let small = decode_bytes(&bytes, Path::new("a.png")).expect("a PNG");
        assert_eq!([small.height, small.width], [24, 96]);
        assert_eq!(small.pixels[..3], [9, 80, 200]);
        let same = thumbnail(&picture, 200).expect("it has pixels");
        assert_eq!(
            decode_bytes(&same, Path::new("b.png")).expect("a PNG"),
            picture
        );
    }
}
