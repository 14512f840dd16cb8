//! The bitmaps that the ten output units of LeNet-5 hold: Fig. 3 of the paper, the digits of its ASCII set.
//!
//! Ink is +1 and paper −1, 7 columns by 12 rows. The bar above 0, 2, 4 and 5 is the paper's own.

use burn::tensor::{Device, Tensor, TensorData};

/// Number of bitmaps.
pub(crate) const DIGITS: usize = 10;
const COLUMNS: usize = 7;
const ROWS: usize = 12;

/// The digits side by side, a space between two.
#[rustfmt::skip]
const IMAGE: [&str; ROWS] = [
    ".#####. ...##.. .#####. ####### .#####. .#####. ..####. ####### .#####. .#####.",
    "....... ..###.. ....... .....## ....... ....... .##.... .....## ##...## ##..###",
    "..###.. .####.. .#####. ....##. ....... ####### ##..... .....## ##...## ##...##",
    ".##.##. ...##.. ##...## ...##.. .##..## ##..... ##..... ....##. ##...## ##...##",
    "##...## ...##.. #....## ..####. .##..## ##..... ######. ...##.. .#####. ##..###",
    "##...## ...##.. ....##. .....## ###..## .####.. ###..## ...##.. ##...## .######",
    "##...## ...##.. ..###.. .....## ##...## ..####. ##...## ..##... ##...## .....##",
    "##...## ...##.. .##.... .....## ##...## .....## ##...## ..##... ##...## .....##",
    ".##.##. ...##.. ##..... ##...## ##..### ##...## ###..## ..##... ##...## ....##.",
    "..###.. .###### ####### .#####. .###### .#####. .#####. ..##... .#####. .####..",
    "....... ....... ....... ....... .....## ....... ....... ....... ....... .......",
    "....... ....... ....... ....... .....## ....... ....... ....... ....... .......",
];

/// The bitmaps as rows of 84 values: `[10, 84]`.
pub(crate) fn tensor(device: &Device) -> Tensor<2> {
    let mut values = Vec::with_capacity(DIGITS * ROWS * COLUMNS);
    for digit in 0..DIGITS {
        let left = digit * (COLUMNS + 1);
        for row in IMAGE {
            let pixels = row[left..left + COLUMNS].bytes();
            values.extend(pixels.map(|pixel| if pixel == b'#' { 1.0f32 } else { -1.0 }));
        }
    }
    Tensor::from_data(TensorData::new(values, [DIGITS, ROWS * COLUMNS]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_is_ten_digits_of_seven_columns() {
        for row in IMAGE {
            assert_eq!(row.len(), DIGITS * (COLUMNS + 1) - 1);
            assert!(row.split(' ').all(|part| part.len() == COLUMNS), "{row}");
            assert!(row.bytes().all(|pixel| b"#. ".contains(&pixel)), "{row}");
        }
    }

    #[test]
    fn the_bitmaps_are_840_fixed_signs_and_no_two_are_close() {
        let device = Device::flex();
        let bitmaps = tensor(&device);
        assert_eq!(bitmaps.dims(), [10, 84]);
        assert_eq!(bitmaps.clone().abs().sum().into_scalar::<f32>(), 840.0);

        // The dot product of two sign vectors is 84 − 2 · (pixels in which they differ).
        let products = bitmaps.clone().matmul(bitmaps.transpose());
        let nearest = (products - Tensor::<2>::eye(10, &device) * 1000.0)
            .max()
            .into_scalar::<f32>();
        let differing = (84.0 - nearest) / 2.0;
        assert!(
            differing >= 5.0,
            "the nearest two differ in {differing} pixels"
        );
    }
}
