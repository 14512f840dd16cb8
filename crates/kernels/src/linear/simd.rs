//! A part of the rows of the matrix, in registers.
#![allow(
    clippy::needless_range_loop,
    reason = "calls and iterators are not always compiled for the registers at hand"
)]

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::{ROWS, Shape};
use crate::parallel::Shared;

pub(super) struct Forward<'a> {
    pub(super) shape: &'a Shape,
    pub(super) rows: Range<usize>,
    pub(super) vectors: &'a [f32],
    pub(super) matrix: &'a [f32],
    /// `[batch, outputs]`, zero.
    pub(super) sums: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Shape {
            batch,
            inputs,
            outputs,
        } = *self.shape;
        let mut first = self.rows.start;
        while first < self.rows.end {
            let count = ROWS.min(self.rows.end - first);
            let mut wide = [S::as_simd_f32s(&self.matrix[first * outputs..][..outputs]); ROWS];
            for row in 1..count {
                wide[row] = S::as_simd_f32s(&self.matrix[(first + row) * outputs..][..outputs]);
            }
            let columns = outputs / S::F32_LANES;
            for vector in 0..batch {
                let mut factors = [simd.splat_f32s(0.0); ROWS];
                for row in 0..count {
                    factors[row] = simd.splat_f32s(self.vectors[vector * inputs + first + row]);
                }
                let sums = &mut self.sums[vector * outputs..][..outputs];
                let (sums, tail) = S::as_mut_simd_f32s(sums);
                if count == ROWS {
                    for column in 0..columns {
                        let mut sum = sums[column];
                        for row in 0..ROWS {
                            sum = simd.mul_add_e_f32s(factors[row], wide[row].0[column], sum);
                        }
                        sums[column] = sum;
                    }
                } else {
                    for column in 0..columns {
                        for row in 0..count {
                            sums[column] = simd.mul_add_e_f32s(
                                factors[row],
                                wide[row].0[column],
                                sums[column],
                            );
                        }
                    }
                }
                let mut sum = simd.partial_load_f32s(tail);
                for row in 0..count {
                    let weights = simd.partial_load_f32s(wide[row].1);
                    sum = simd.mul_add_e_f32s(factors[row], weights, sum);
                }
                simd.partial_store_f32s(tail, sum);
            }
            first += count;
        }
    }
}

/// Vectors, and rows, of which products are made at once.
const SIDE: usize = 4;

pub(super) struct InputGrad<'a> {
    pub(super) shape: &'a Shape,
    pub(super) rows: Range<usize>,
    pub(super) matrix: &'a [f32],
    pub(super) grad: &'a [f32],
    /// `[batch, inputs]`
    pub(super) out: &'a Shared<'a>,
}

impl WithSimd for InputGrad<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Shape {
            batch,
            inputs,
            outputs,
        } = *self.shape;
        let columns = outputs / S::F32_LANES;
        let mut first = self.rows.start;
        while first < self.rows.end {
            let rows = SIDE.min(self.rows.end - first);
            // What is beyond the last is the last again, and not written.
            let mut wide = [S::as_simd_f32s(&self.matrix[..0]); SIDE];
            for row in 0..SIDE {
                let row_at = first + row.min(rows - 1);
                wide[row] = S::as_simd_f32s(&self.matrix[row_at * outputs..][..outputs]);
            }
            let mut vector = 0;
            while vector < batch {
                let vectors = SIDE.min(batch - vector);
                let mut grads = wide;
                for other in 0..SIDE {
                    let at = vector + other.min(vectors - 1);
                    grads[other] = S::as_simd_f32s(&self.grad[at * outputs..][..outputs]);
                }
                let mut sums = [[simd.splat_f32s(0.0); SIDE]; SIDE];
                for column in 0..columns {
                    for row in 0..SIDE {
                        let weights = wide[row].0[column];
                        for other in 0..SIDE {
                            sums[other][row] = simd.mul_add_e_f32s(
                                weights,
                                grads[other].0[column],
                                sums[other][row],
                            );
                        }
                    }
                }
                for row in 0..SIDE {
                    let weights = simd.partial_load_f32s(wide[row].1);
                    for other in 0..SIDE {
                        let grad = simd.partial_load_f32s(grads[other].1);
                        sums[other][row] = simd.mul_add_e_f32s(weights, grad, sums[other][row]);
                    }
                }
                for other in 0..vectors {
                    let mut values = [0.0; SIDE];
                    for row in 0..SIDE {
                        values[row] = simd.reduce_sum_f32s(sums[other][row]);
                    }
                    #[allow(unsafe_code, reason = "every part has rows of its own")]
                    // SAFETY: no other task has these inputs.
                    unsafe {
                        self.out
                            .write((vector + other) * inputs + first, &values[..rows]);
                    }
                }
                vector += vectors;
            }
            first += rows;
        }
    }
}

pub(super) struct WeightGrad<'a> {
    pub(super) shape: &'a Shape,
    pub(super) rows: Range<usize>,
    pub(super) vectors: &'a [f32],
    pub(super) grad: &'a [f32],
    /// `[inputs, outputs]`
    pub(super) out: &'a Shared<'a>,
}

impl WithSimd for WeightGrad<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Shape {
            batch,
            inputs,
            outputs,
        } = *self.shape;
        for row in self.rows {
            #[allow(unsafe_code, reason = "every part has rows of its own")]
            // SAFETY: no other task has this row.
            let out = unsafe { self.out.zeroed(row * outputs, (row + 1) * outputs) };
            let (out, tail) = S::as_mut_simd_f32s(out);
            let mut vector = 0;
            while vector < batch {
                let count = SIDE.min(batch - vector);
                let mut factors = [simd.splat_f32s(0.0); SIDE];
                let mut grads = [S::as_simd_f32s(&self.grad[..outputs]); SIDE];
                for other in 0..count {
                    let at = vector + other;
                    factors[other] = simd.splat_f32s(self.vectors[at * inputs + row]);
                    grads[other] = S::as_simd_f32s(&self.grad[at * outputs..][..outputs]);
                }
                for column in 0..out.len() {
                    let mut sum = out[column];
                    for other in 0..count {
                        sum = simd.mul_add_e_f32s(factors[other], grads[other].0[column], sum);
                    }
                    out[column] = sum;
                }
                let mut sum = simd.partial_load_f32s(tail);
                for other in 0..count {
                    let grad = simd.partial_load_f32s(grads[other].1);
                    sum = simd.mul_add_e_f32s(factors[other], grad, sum);
                }
                simd.partial_store_f32s(tail, sum);
                vector += count;
            }
        }
    }
}
