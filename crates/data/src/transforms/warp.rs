//! Shear, translation and rotation without interpolation, pixel for pixel as Pillow does them.

use crate::image::Image;

/// Shears horizontally: a row moves left by `slope` of its distance from the top.
pub(super) fn shear_x(image: &mut Image, slope: f64) {
    affine(image, [[1.0, slope, 0.0], [0.0, 1.0, 0.0]]);
}

/// Shears vertically: a column moves up by `slope` of its distance from the left.
pub(super) fn shear_y(image: &mut Image, slope: f64) {
    affine(image, [[1.0, 0.0, 0.0], [slope, 1.0, 0.0]]);
}

/// Moves the image by whole pixels to the right and down; black moves in.
pub(super) fn translate(image: &mut Image, right: i64, down: i64) {
    affine(image, [[1.0, 0.0, -right as f64], [0.0, 1.0, -down as f64]]);
}

/// Rotates the image around its centre, counter-clockwise; the corners become black.
pub(super) fn rotate(image: &mut Image, degrees: f64) {
    let (sin, cos) = (-degrees.to_radians()).sin_cos();
    let [x, y] = [image.width, image.height].map(|side| side as f64 / 2.0);
    affine(
        image,
        [
            [cos, sin, x - cos * x - sin * y],
            [-sin, cos, y + sin * x - cos * y],
        ],
    );
}

/// Sets every pixel `(x, y)` to the one nearest to `matrix · (x, y, 1)`, or to black outside the image.
///
/// Coordinates are in 16-bit fixed point, as in Pillow's `Image.transform`.
fn affine(image: &mut Image, matrix: [[f64; 3]; 2]) {
    let fixed = |value: f64| (value * 65_536.0 + 0.5).floor() as i64;
    let (height, width, channels) = (image.height, image.width, image.channels);
    // Source of the first pixel's centre, and the steps from one pixel to the next.
    let [start_x, start_y] = matrix.map(|[a, b, c]| fixed(c + a * 0.5 + b * 0.5));
    let [[x_right, x_down], [y_right, y_down]] = matrix.map(|[a, b, _]| [fixed(a), fixed(b)]);
    let mut pixels = vec![0; image.pixels.len()];
    for (i, pixel) in pixels.chunks_exact_mut(channels).enumerate() {
        let (row, column) = ((i / width) as i64, (i % width) as i64);
        let x = (start_x + row * x_down + column * x_right) >> 16;
        let y = (start_y + row * y_down + column * y_right) >> 16;
        if (0..width as i64).contains(&x) && (0..height as i64).contains(&y) {
            let from = (y as usize * width + x as usize) * channels;
            pixel.copy_from_slice(&image.pixels[from..from + channels]);
        }
    }
    image.pixels = pixels;
}
