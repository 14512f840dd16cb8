//! Max-pooling without gradients: the largest of the rows of a window first, column by column, then of these.

use crate::threads::{Shared, each, with_scratch, written};

/// The shape of a pooling; pairs are height and width.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shape {
    /// Planes of all pictures and channels.
    pub(crate) planes: usize,
    pub(crate) size_in: [usize; 2],
    pub(crate) size_out: [usize; 2],
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    /// On either side.
    pub(crate) padding: [usize; 2],
}

/// The largest value of every window; what is no number counts as the largest, as Burn and PyTorch have it.
///
/// # Shapes
/// - values: `[planes, height, width]`
/// - output: `[planes, height_out, width_out]`
pub(crate) fn max_pool(shape: &Shape, values: &[f32]) -> Vec<f32> {
    let ([height, width], [height_out, width_out]) = (shape.size_in, shape.size_out);
    assert_eq!(values.len(), shape.planes * height * width);
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
        written(shape.planes * height_out * width_out, |out| {
            each(shape.planes, |plane| one(out, plane));
        })
    }
}

/// The pixels of a window along an axis, without those of the border.
fn window(shape: &Shape, axis: usize, place: usize) -> std::ops::Range<usize> {
    let start = place * shape.stride[axis];
    let end = (start + shape.kernel[axis]).saturating_sub(shape.padding[axis]);
    start.saturating_sub(shape.padding[axis])..end.min(shape.size_in[axis])
}

fn larger(most: f32, value: f32) -> f32 {
    if value > most || value.is_nan() {
        value
    } else {
        most
    }
}
