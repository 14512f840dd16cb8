//! Products of matrices that lie anyhow in memory.

use gemm::Parallelism;

use crate::parallel::Rows;

/// A matrix in memory: element `(row, column)` is at `row * row_stride + column * column_stride`.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) row_stride: usize,
    pub(crate) column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows one after the other, `stride` apart.
    pub(crate) fn rows(data: &'a [f32], stride: usize) -> Self {
        Self {
            data,
            row_stride: stride,
            column_stride: 1,
        }
    }

    /// The transposed matrix.
    pub(crate) fn transposed(self) -> Self {
        Self {
            data: self.data,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    fn holds(&self, rows: usize, columns: usize) -> bool {
        let last = (rows - 1) * self.row_stride + (columns - 1) * self.column_stride;
        last < self.data.len()
    }
}

/// Whether a product replaces what was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    Replace,
    Add,
}

/// Writes `left · right` into `out`; `depth` is the number of products that a sum has.
///
/// # Panics
/// If a matrix is larger than its memory.
#[allow(unsafe_code, reason = "gemm takes pointers")]
pub(crate) fn multiply(
    out: &mut Rows,
    depth: usize,
    left: Matrix,
    right: Matrix,
    write: Write,
    is_parallel: bool,
) {
    let (m, n, k) = (out.rows, out.columns, depth);
    if m == 0 || n == 0 {
        return;
    }
    assert!(k == 0 || left.holds(m, k) && right.holds(k, n));
    let parallelism = match is_parallel {
        true => Parallelism::Rayon(0),
        false => Parallelism::None,
    };
    // SAFETY: left and right lie within their slices; the rows are `out`'s own.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.start,
            1,
            out.stride as isize,
            write == Write::Add,
            left.data.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.data.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}
