//! Max-pooling, and the way back.

use rayon::prelude::*;

use crate::threads::{Shared, each, with_scratch, written};

/// The shape of a pooling; pairs are height and width.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shape {
    pub(crate) batch: usize,
    pub(crate) channels: usize,
    pub(crate) size_in: [usize; 2],
    pub(crate) size_out: [usize; 2],
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    /// On either side.
    pub(crate) padding: [usize; 2],
}

impl Shape {
    /// Planes of all pictures and channels.
    fn planes(&self) -> usize {
        self.batch * self.channels
    }
}

/// The largest value of every window, first of its rows, column by column, then of these. What is no number counts as the
/// largest, as Burn and PyTorch have it.
///
/// # Shapes
/// - values: `[planes, height, width]`
/// - output: `[planes, height_out, width_out]`
pub(crate) fn max_pool(shape: &Shape, values: &[f32]) -> Vec<f32> {
    let ([height, width], [height_out, width_out]) = (shape.size_in, shape.size_out);
    assert_eq!(values.len(), shape.planes() * height * width);
    let one = |out: &Shared, plane: usize| {
        let values = &values[plane * height * width..][..height * width];
        with_scratch(width + width_out, |memory| {
            let (columns, row) = memory.split_at_mut(width);
            for y in 0..height_out {
                let lines = window(shape, 0, y);
                columns.copy_from_slice(&values[lines.start * width..][..width]);
                for line in lines.skip(1) {
                    for (column, value) in columns.iter_mut().zip(&values[line * width..]) {
                        *column = larger(*column, *value);
                    }
                }
                for (x, to) in row.iter_mut().enumerate() {
                    let [first, rest @ ..] = &columns[window(shape, 1, x)] else {
                        unreachable!("a window has a pixel");
                    };
                    *to = rest.iter().fold(*first, |most, value| larger(most, *value));
                }
                #[allow(unsafe_code, reason = "every plane has rows of its own")]
                // SAFETY: no other task has this plane.
                unsafe {
                    out.write((plane * height_out + y) * width_out, row)
                };
            }
        });
    };
    #[allow(unsafe_code, reason = "planes cover everything")]
    // SAFETY: every row of every plane is written.
    unsafe {
        written(shape.planes() * height_out * width_out, |out| {
            each(shape.planes(), |plane| one(out, plane));
        })
    }
}

/// The pixels of a window along an axis, without those of the border.
fn window(shape: &Shape, axis: usize, place: usize) -> std::ops::Range<usize> {
    let start = place * shape.stride[axis];
    let end = (start + shape.kernel[axis]).saturating_sub(shape.padding[axis]);
    start.saturating_sub(shape.padding[axis])..end.min(shape.size_in[axis])
}

/// Windows that [`max_pool_with_places`] takes: a place in one is a byte.
pub(crate) const LARGEST_WINDOW: usize = 256;

/// As [`max_pool`], and where in its window each largest value is, the first of equals: `row · kernel width + column`, counted
/// from the first pixel that is not of the border.
pub(crate) fn max_pool_with_places(shape: &Shape, values: &[f32]) -> (Vec<f32>, Vec<u8>) {
    let ([height, width], [height_out, width_out]) = (shape.size_in, shape.size_out);
    assert_eq!(values.len(), shape.planes() * height * width);
    assert!(shape.kernel[0] * shape.kernel[1] <= LARGEST_WINDOW);
    let size = height_out * width_out;
    let mut out = vec![0.0; shape.planes() * size];
    let mut places = vec![0; out.len()];
    let planes = out.par_chunks_exact_mut(size.max(1));
    let planes = planes.zip(places.par_chunks_exact_mut(size.max(1)));
    planes.enumerate().for_each(|(plane, (out, places))| {
        let values = &values[plane * height * width..][..height * width];
        // Of every column of the window the largest value, and its row.
        let mut columns = vec![(0.0, 0u32); width];
        for y in 0..height_out {
            let lines = window(shape, 0, y);
            let first = &values[lines.start * width..];
            for (column, value) in columns.iter_mut().zip(first) {
                *column = (*value, 0);
            }
            for (row, line) in (1u32..).zip(lines.skip(1)) {
                for (column, value) in columns.iter_mut().zip(&values[line * width..]) {
                    if *value > column.0 || value.is_nan() {
                        *column = (*value, row);
                    }
                }
            }
            for x in 0..width_out {
                let [first, rest @ ..] = &columns[window(shape, 1, x)] else {
                    unreachable!("a window has a pixel");
                };
                let (mut most, mut place) = (*first, 0);
                for (column, found) in rest.iter().enumerate() {
                    if comes_before(*found, most) {
                        (most, place) = (*found, column + 1);
                    }
                }
                out[y * width_out + x] = most.0;
                let row = most.1 as usize;
                places[y * width_out + x] = (row * shape.kernel[1] + place) as u8;
            }
        }
    });
    (out, places)
}

/// The gradient of what went in: that of every window, where its largest value is.
pub(crate) fn max_pool_grad(shape: &Shape, places: &[u8], grad: &[f32]) -> Vec<f32> {
    let ([height, width], [height_out, width_out]) = (shape.size_in, shape.size_out);
    let size = height_out * width_out;
    assert!(places.len() == shape.planes() * size && grad.len() == places.len());
    let mut out = vec![0.0; shape.planes() * height * width];
    let planes = out.par_chunks_exact_mut((height * width).max(1));
    planes.enumerate().for_each(|(plane, out)| {
        for y in 0..height_out {
            let top = window(shape, 0, y).start;
            for x in 0..width_out {
                let at = plane * size + y * width_out + x;
                let place = usize::from(places[at]);
                let (row, column) = (place / shape.kernel[1], place % shape.kernel[1]);
                let left = window(shape, 1, x).start;
                out[(top + row) * width + left + column] += grad[at];
            }
        }
    });
    out
}

/// Whether a value and its row are taken instead of those of a column further left: the larger, of equals the upper; of what is
/// no number the last.
fn comes_before((value, row): (f32, u32), (most, best): (f32, u32)) -> bool {
    match value.is_nan() {
        true => !most.is_nan() || row >= best,
        false => value > most || value == most && row < best,
    }
}

fn larger(most: f32, value: f32) -> f32 {
    if value > most || value.is_nan() {
        value
    } else {
        most
    }
}
