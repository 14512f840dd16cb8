//! Products of few vectors with a matrix: forward, and the gradients of the vectors and of the matrix.
//!
//! The matrix, of millions of weights, is read or written once and in its order, since memory is what limits it; nothing of it is
//! packed. Of many vectors a product of matrices is faster, since it reads each vector less often.
use pulp::Arch;

use crate::parallel::{Shared, each, written};
use simd::{Forward, InputGrad, WeightGrad};

mod simd;

/// Vectors at most that are few.
pub(crate) const FEW: usize = 16;

/// Into how many parts the rows are cut: by the matrix and not by threads, so that no sum depends on their number.
const PARTS: usize = 16;

/// Rows of the matrix that are worked on at once.
const ROWS: usize = 8;

/// Numbers of the vectors and of the matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shape {
    pub(crate) batch: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

impl Shape {
    /// Multiplications and additions of any of the three passes.
    pub(crate) fn operations(&self) -> f64 {
        2.0 * self.batch as f64 * self.inputs as f64 * self.outputs as f64
    }

    /// Rows of a part: a multiple of those that are worked on at once.
    fn run(&self) -> usize {
        self.inputs.div_ceil(PARTS).next_multiple_of(ROWS)
    }

    fn parts(&self) -> usize {
        self.inputs.div_ceil(self.run())
    }

    fn rows(&self, part: usize) -> std::ops::Range<usize> {
        part * self.run()..self.inputs.min((part + 1) * self.run())
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}→{}", self.inputs, self.outputs)
    }
}

/// Vectors times the matrix.
///
/// # Shapes
/// - vectors: `[batch, inputs]`
/// - matrix: `[inputs, outputs]`
/// - output: `[batch, outputs]`
pub(crate) fn forward(shape: &Shape, vectors: &[f32], matrix: &[f32]) -> Vec<f32> {
    let size = shape.batch * shape.outputs;
    // Every part of the rows makes a sum of its own.
    let mut sums = vec![0.0; shape.parts() * size];
    let shared = Shared::new(&mut sums);
    each(shape.parts(), |part| {
        #[allow(unsafe_code, reason = "every part has sums of its own")]
        // SAFETY: no other task has the sums of this part.
        let sums = unsafe { shared.part(part * size, (part + 1) * size) };
        Arch::new().dispatch(Forward {
            shape,
            rows: shape.rows(part),
            vectors,
            matrix,
            sums,
        });
    });
    let (sum, more) = sums.split_at_mut(size);
    for more in more.chunks_exact(size) {
        sum.iter_mut()
            .zip(more)
            .for_each(|(sum, more)| *sum += more);
    }
    sums.truncate(size);
    sums
}

/// The gradient of the vectors.
///
/// # Shapes
/// - grad: `[batch, outputs]`
/// - output: `[batch, inputs]`
pub(crate) fn input_grad(shape: &Shape, matrix: &[f32], grad: &[f32]) -> Vec<f32> {
    let work = |out: &Shared| {
        each(shape.parts(), |part| {
            Arch::new().dispatch(InputGrad {
                shape,
                rows: shape.rows(part),
                matrix,
                grad,
                out,
            });
        });
    };
    #[allow(unsafe_code, reason = "parts cover all inputs")]
    // SAFETY: every input of every vector is a row of one part, and is written.
    unsafe {
        written(shape.batch * shape.inputs, work)
    }
}

/// The gradient of the matrix.
///
/// # Shapes
/// - vectors: `[batch, inputs]`
/// - grad: `[batch, outputs]`
/// - output: `[inputs, outputs]`
pub(crate) fn weight_grad(shape: &Shape, vectors: &[f32], grad: &[f32]) -> Vec<f32> {
    let work = |out: &Shared| {
        each(shape.parts(), |part| {
            Arch::new().dispatch(WeightGrad {
                shape,
                rows: shape.rows(part),
                vectors,
                grad,
                out,
            });
        });
    };
    #[allow(unsafe_code, reason = "parts cover all rows")]
    // SAFETY: every row is of one part, and is written.
    unsafe {
        written(shape.inputs * shape.outputs, work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without a pattern, from -1 to 1.
    fn values(count: usize, mut seed: u64) -> Vec<f32> {
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    /// Rows times columns, summed in double precision, by the places of the values.
    fn product(
        [rows, depth, columns]: [usize; 3],
        left: impl Fn(usize, usize) -> f32,
        right: impl Fn(usize, usize) -> f32,
    ) -> Vec<f64> {
        let sum = |row: usize, column: usize| -> f64 {
            let terms =
                (0..depth).map(|at| f64::from(left(row, at)) * f64::from(right(at, column)));
            terms.sum()
        };
        (0..rows * columns)
            .map(|at| sum(at / columns, at % columns))
            .collect()
    }

    #[track_caller]
    fn close(found: &[f32], expected: &[f64], depth: usize, what: &str) {
        assert_eq!(found.len(), expected.len(), "{what}");
        let allowed = 1e-6 * (depth as f64).sqrt().max(1.0) * 4.0;
        for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
            let off = (f64::from(*found) - expected).abs();
            assert!(
                off < allowed,
                "{what} at {at}: {found}, expected {expected}"
            );
        }
    }

    #[test]
    fn all_passes_are_the_sums_of_their_definition() {
        let shapes = [
            [1, 1, 1],
            [1, 9, 17],
            [2, 8, 16],
            [3, 130, 33],
            [5, 257, 10],
            [FEW, 301, 48],
        ];
        // Miri is a thousand times slower.
        let products = |[batch, inputs, outputs]: &[usize; 3]| batch * inputs * outputs;
        let few = |shape: &[usize; 3]| !cfg!(miri) || products(shape) < 1000;
        for [batch, inputs, outputs] in shapes.into_iter().filter(few) {
            let shape = Shape {
                batch,
                inputs,
                outputs,
            };
            let what = format!("{shape:?}");
            let vectors = values(batch * inputs, 1);
            let matrix = values(inputs * outputs, 2);
            let grad = values(batch * outputs, 3);
            let vector = |row: usize, at: usize| vectors[row * inputs + at];
            let weight = |row: usize, at: usize| matrix[row * outputs + at];
            let slope = |row: usize, at: usize| grad[row * outputs + at];
            let expected = product([batch, inputs, outputs], vector, weight);
            close(
                &forward(&shape, &vectors, &matrix),
                &expected,
                inputs,
                &what,
            );
            let expected = product([batch, outputs, inputs], slope, |at, row| weight(row, at));
            close(
                &input_grad(&shape, &matrix, &grad),
                &expected,
                outputs,
                &what,
            );
            let expected = product([inputs, batch, outputs], |row, at| vector(at, row), slope);
            close(
                &weight_grad(&shape, &vectors, &grad),
                &expected,
                batch,
                &what,
            );
        }
    }

    #[test]
    fn what_is_no_number_stays_where_it_is() {
        let shape = Shape {
            batch: 2,
            inputs: 11,
            outputs: 19,
        };
        let (vectors, mut matrix) = (values(22, 1), values(11 * 19, 2));
        matrix[10 * 19 + 18] = f32::INFINITY;
        matrix[3 * 19 + 2] = f32::NAN;
        for (at, sum) in forward(&shape, &vectors, &matrix).iter().enumerate() {
            assert_eq!(sum.is_nan(), at % 19 == 2, "{at}");
            assert_eq!(sum.is_infinite(), at % 19 == 18, "{at}");
        }
    }
}
