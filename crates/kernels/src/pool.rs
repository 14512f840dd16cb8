//! Max-pooling, forward and backward.

use std::fmt;
use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

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

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [height, width] = self.size_in;
        let ([down, across], stride) = (self.kernel, self.stride[0]);
        let channels = self.channels;
        write!(
            f,
            "{channels} {down}×{across} /{stride} at {height}×{width}"
        )
    }
}

impl Shape {
    /// Planes of all images and channels.
    fn planes(&self) -> usize {
        self.batch * self.channels
    }
}

/// The largest value of every window. NaN counts as the largest, as Burn and PyTorch have it.
///
/// # Shapes
/// - values: `[planes, height, width]`
/// - output: `[planes, height_out, width_out]`
pub(crate) fn max_pool(shape: &Shape, values: &[f32]) -> Vec<f32> {
    let ([height, width], [height_out, width_out]) = (shape.size_in, shape.size_out);
    assert_eq!(values.len(), shape.planes() * height * width);
    let size = height_out * width_out;
    let mut out = vec![0.0; shape.planes() * size];
    let planes = out.par_chunks_exact_mut(size.max(1));
    planes.enumerate().for_each(|(plane, out)| {
        let values = &values[plane * height * width..][..height * width];
        Arch::new().dispatch(Plane::<false> {
            shape,
            values,
            out,
            places: &mut [],
        });
    });
    out
}

/// Windows that [`max_pool_with_places`] takes: a place in one is a byte.
pub(crate) const LARGEST_WINDOW: usize = 256;

/// As [`max_pool`], and where in its window each largest value is, the first of equals: `row · kernel width + column`, border
/// and all.
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
        Arch::new().dispatch(Plane::<true> {
            shape,
            values,
            out,
            places,
        });
    });
    (out, places)
}

/// One plane, compiled for the registers at hand.
struct Plane<'a, const TILE_ELEMS: bool> {
    shape: &'a Shape,
    values: &'a [f32],
    out: &'a mut [f32],
    places: &'a mut [u8],
}

impl<const TILE_ELEMS: bool> WithSimd for Plane<'_, TILE_ELEMS> {
    type Output = ();

    /// Row by row: the largest of every column first, then of neighbouring columns. Columns of the border hold what loses
    /// against everything. Those a stride apart lie side by side, so that no loop skips.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Shape {
            size_in: [height, width],
            size_out: [height_out, width_out],
            kernel,
            stride: [down, across],
            padding: [above, left],
            ..
        } = *self.shape;
        let run = width_out + (kernel[1] - 1) / across;
        let mut columns = Columns::new(across * run);
        let mut strided = Columns::new(across * run);
        let mut found = Columns::new(width_out);
        let inner = left..(left + width).min(across * run);
        for y in 0..height_out {
            let first = (y * down).saturating_sub(above);
            let end = (y * down + kernel[0]).saturating_sub(above).min(height);
            let skipped = (first + above - y * down) as u32;
            columns.fill(inner.clone(), &self.values[first * width..], skipped);
            for (row, line) in (skipped + 1..).zip(first + 1..end) {
                columns.merge_row::<TILE_ELEMS>(inner.clone(), &self.values[line * width..], row);
            }
            let columns = match across {
                1 => &columns,
                _ => {
                    strided.deal::<TILE_ELEMS>(&columns, across, run);
                    &strided
                }
            };
            found.copy(columns, width_out);
            for column in 1..kernel[1] {
                let from = column % across * run + column / across;
                found.merge_column::<TILE_ELEMS>(columns, from, column as u32);
            }
            let line = y * width_out..(y + 1) * width_out;
            self.out[line.clone()].copy_from_slice(&found.most);
            if TILE_ELEMS {
                let places = self.places[line].iter_mut();
                for ((place, row), column) in places.zip(&found.rows).zip(&found.columns) {
                    *place = (row * kernel[1] as u32 + column) as u8;
                }
            }
        }
    }
}

/// Largest values so far, and where in the window they are.
struct Columns {
    most: Vec<f32>,
    rows: Vec<u32>,
    columns: Vec<u32>,
}

/// The row of what is not in the image: behind all others.
const NOWHERE: u32 = u32::MAX;

impl Columns {
    fn new(length: usize) -> Self {
        Self {
            most: vec![f32::NEG_INFINITY; length],
            rows: vec![NOWHERE; length],
            columns: vec![0; length],
        }
    }

    /// Begins with one row of the image.
    #[inline(always)]
    fn fill(&mut self, place: Range<usize>, values: &[f32], row: u32) {
        self.most[place.clone()].copy_from_slice(&values[..place.len()]);
        self.rows[place].fill(row);
    }

    /// The larger of what is there and a row further down; of NaN the last.
    #[inline(always)]
    fn merge_row<const TILE_ELEMS: bool>(&mut self, place: Range<usize>, values: &[f32], row: u32) {
        let (most, rows) = (&mut self.most[place.clone()], &mut self.rows[place]);
        for ((most, at), value) in most.iter_mut().zip(rows).zip(values) {
            let is_larger = (*value > *most) | value.is_nan();
            *most = if is_larger { *value } else { *most };
            if TILE_ELEMS {
                *at = if is_larger { row } else { *at };
            }
        }
    }

    /// Columns in the order of their remainders by the stride.
    #[inline(always)]
    fn deal<const TILE_ELEMS: bool>(&mut self, from: &Self, stride: usize, run: usize) {
        for phase in 0..stride {
            let to = phase * run..(phase + 1) * run;
            let most = from.most[phase..].iter().step_by(stride);
            self.most[to.clone()]
                .iter_mut()
                .zip(most)
                .for_each(|(to, from)| *to = *from);
            if TILE_ELEMS {
                let rows = from.rows[phase..].iter().step_by(stride);
                self.rows[to]
                    .iter_mut()
                    .zip(rows)
                    .for_each(|(to, from)| *to = *from);
            }
        }
    }

    #[inline(always)]
    fn copy(&mut self, from: &Self, length: usize) {
        self.most.copy_from_slice(&from.most[..length]);
        self.rows.copy_from_slice(&from.rows[..length]);
        self.columns.fill(0);
    }

    /// The larger of what is there and a column further right: of equals the upper, then the one that is there; of what is no
    /// number the lower.
    #[inline(always)]
    fn merge_column<const TILE_ELEMS: bool>(&mut self, from: &Self, at: usize, column: u32) {
        let length = self.most.len();
        let (values, lines) = (&from.most[at..][..length], &from.rows[at..][..length]);
        let own = self.most.iter_mut().zip(&mut self.rows);
        let own = own.zip(&mut self.columns);
        for (((most, row), place), (value, line)) in own.zip(values.iter().zip(lines)) {
            let larger = *value > *most;
            if TILE_ELEMS {
                let equal = (*value == *most) & (*line < *row);
                let no_number = value.is_nan() & (!most.is_nan() | (*line >= *row));
                let is_next = larger | equal | no_number;
                *most = if is_next { *value } else { *most };
                *row = if is_next { *line } else { *row };
                *place = if is_next { column } else { *place };
            } else {
                *most = if larger | value.is_nan() {
                    *value
                } else {
                    *most
                };
            }
        }
    }
}

/// The gradient of what went in: that of every window, where its largest value is.
pub(crate) fn max_pool_grad(shape: &Shape, places: &[u8], grad: &[f32]) -> Vec<f32> {
    let ([height, width], [height_out, width_out]) = (shape.size_in, shape.size_out);
    let size = height_out * width_out;
    assert!(places.len() == shape.planes() * size && grad.len() == places.len());
    let mut out = vec![0.0; shape.planes() * height * width];
    let planes = out.par_chunks_exact_mut((height * width).max(1));
    planes.enumerate().for_each(|(plane, out)| {
        let own = plane * size..(plane + 1) * size;
        let (places, grad) = (&places[own.clone()], &grad[own]);
        match shape.stride[1] {
            1 => Arch::new().dispatch(Back {
                shape,
                places,
                grad,
                out,
            }),
            _ => scatter(shape, places, grad, out),
        }
    });
    out
}

/// Gradients of a plane one by one.
fn scatter(shape: &Shape, places: &[u8], grad: &[f32], out: &mut [f32]) {
    let Shape {
        size_in: [_, width],
        size_out: [_, width_out],
        kernel,
        stride: [down, across],
        padding: [above, left],
        ..
    } = *shape;
    let offsets: Vec<usize> = (0..kernel[0] * kernel[1])
        .map(|place| place / kernel[1] * width + place % kernel[1])
        .collect();
    let rows = places.chunks_exact(width_out);
    for (y, (places, grad)) in rows.zip(grad.chunks_exact(width_out)).enumerate() {
        for (x, (place, grad)) in places.iter().zip(grad).enumerate() {
            let at = y * down * width + x * across + offsets[usize::from(*place)];
            out[at - above * width - left] += grad;
        }
    }
}

/// Gradients of a plane whose windows are one pixel apart across, compiled for the registers at hand.
struct Back<'a> {
    shape: &'a Shape,
    places: &'a [u8],
    grad: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Back<'_> {
    type Output = ();

    /// A row of windows gives every place in the window what has its largest value there.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Shape {
            size_in: [height, width],
            size_out: [_, width_out],
            kernel,
            stride: [down, _],
            padding: [above, left],
            ..
        } = *self.shape;
        let rows = self.places.chunks_exact(width_out);
        for (y, (places, grad)) in rows.zip(self.grad.chunks_exact(width_out)).enumerate() {
            for place in 0..kernel[0] * kernel[1] {
                let (row, column) = (y * down + place / kernel[1], place % kernel[1]);
                let Some(line) = row.checked_sub(above).filter(|line| *line < height) else {
                    continue;
                };
                // Of the windows that have this column within the image.
                let first = left.saturating_sub(column);
                let end = (width + left).saturating_sub(column).min(width_out);
                let Some(count) = end.checked_sub(first) else {
                    continue;
                };
                let to = &mut self.out[line * width + first + column - left..][..count];
                let from = places[first..end].iter().zip(&grad[first..end]);
                for (to, (found, grad)) in to.iter_mut().zip(from) {
                    *to += if *found == place as u8 { *grad } else { 0.0 };
                }
            }
        }
    }
}
