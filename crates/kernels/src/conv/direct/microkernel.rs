//! Sums along strips, in registers.
//!
//! Loops count by hand, and what they hold has a length that is known: the compiler keeps it in registers then.
#![allow(
    clippy::manual_memcpy,
    clippy::needless_range_loop,
    reason = "calls and iterators are not always compiled for the registers at hand"
)]

use std::sync::OnceLock;

use pulp::{Arch, Simd, WithSimd};

/// What the processor has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Registers {
    /// Numbers of one.
    pub(super) lanes: usize,
    /// Channels whose sums are made at once.
    pub(super) rows: usize,
}

impl Registers {
    pub(super) fn get() -> Self {
        struct Ask;
        impl WithSimd for Ask {
            type Output = Registers;

            #[inline(always)]
            fn with_simd<S: Simd>(self, _: S) -> Registers {
                Registers {
                    lanes: S::F32_LANES,
                    rows: if S::REGISTER_COUNT < 32 { FEW } else { MANY },
                }
            }
        }
        static FOUND: OnceLock<Registers> = OnceLock::new();
        *FOUND.get_or_init(|| Arch::new().dispatch(Ask))
    }
}

/// Channels at once with 16 registers, and with 32.
const FEW: usize = 4;
const MANY: usize = 8;
/// Registers of pixels at once.
const WIDE: usize = 3;

/// Sums along a strip: `out[channel][pixel] = Σ weights[channel][i] · strip[offsets[i] + pixel]`.
pub(super) struct Sums<'a> {
    pub(super) offsets: &'a [usize],
    pub(super) strip: &'a [f32],
    /// Of [`Registers::rows`] channels after the other, `[offsets, channels]` each.
    pub(super) weights: &'a [f32],
    /// `[channels, pixels]`, of whole registers.
    pub(super) out: &'a mut [f32],
    pub(super) pixels: usize,
}

impl Sums<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }

    #[inline(always)]
    fn blocks<S: Simd, const ROWS: usize>(self, simd: S) {
        let Self {
            offsets,
            strip,
            weights,
            out,
            pixels,
        } = self;
        let (weights, _) = weights.as_chunks::<ROWS>();
        let depth = offsets.len();
        let mut block = 0;
        while block * depth < weights.len() {
            let weights = &weights[block * depth..][..depth];
            let out = &mut out[block * ROWS * pixels..];
            block += 1;
            let mut at = 0;
            while at + WIDE * S::F32_LANES <= pixels {
                tile::<S, ROWS, WIDE>(simd, offsets, &strip[at..], weights, &mut out[at..], pixels);
                at += WIDE * S::F32_LANES;
            }
            while at < pixels {
                tile::<S, ROWS, 1>(simd, offsets, &strip[at..], weights, &mut out[at..], pixels);
                at += S::F32_LANES;
            }
        }
    }
}

impl WithSimd for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::REGISTER_COUNT < 32 {
            true => self.blocks::<S, FEW>(simd),
            false => self.blocks::<S, MANY>(simd),
        }
    }
}

#[inline(always)]
fn tile<S: Simd, const ROWS: usize, const WIDTH: usize>(
    simd: S,
    offsets: &[usize],
    strip: &[f32],
    weights: &[[f32; ROWS]],
    out: &mut [f32],
    pixels: usize,
) {
    let mut sums = [[simd.splat_f32s(0.0); WIDTH]; ROWS];
    for i in 0..offsets.len() {
        let (source, _) = S::as_simd_f32s(&strip[offsets[i]..][..WIDTH * S::F32_LANES]);
        let weights = &weights[i];
        let mut from = [simd.splat_f32s(0.0); WIDTH];
        for i in 0..WIDTH {
            from[i] = source[i];
        }
        for row in 0..ROWS {
            let weight = simd.splat_f32s(weights[row]);
            for i in 0..WIDTH {
                sums[row][i] = simd.mul_add_e_f32s(weight, from[i], sums[row][i]);
            }
        }
    }
    for row in 0..ROWS {
        let (to, _) = S::as_mut_simd_f32s(&mut out[row * pixels..][..WIDTH * S::F32_LANES]);
        for i in 0..WIDTH {
            to[i] = sums[row][i];
        }
    }
}

/// Sums of products along two strips, added to what is there: `out[row][i] += Σ rows[row][pixel] · strip[offsets[i] + pixel]`.
pub(super) struct Dots<'a> {
    pub(super) offsets: &'a [usize],
    pub(super) strip: &'a [f32],
    /// `[rows, pixels]`, of whole registers.
    pub(super) rows: &'a [f32],
    pub(super) pixels: usize,
    /// `[rows, offsets]`
    pub(super) out: &'a mut [f32],
}

impl Dots<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }

    #[inline(always)]
    fn blocks<S: Simd, const ROWS: usize, const COLUMNS: usize>(self, simd: S) {
        let Self {
            offsets,
            strip,
            rows,
            pixels,
            out,
        } = self;
        let count = rows.len() / pixels;
        let mut row = 0;
        while row < count {
            let mut column = 0;
            while column < offsets.len() {
                // What is too many is computed twice.
                let mut own = [rows; ROWS];
                for i in 0..ROWS {
                    own[i] = &rows[(row + i).min(count - 1) * pixels..][..pixels];
                }
                let mut strips = [strip; COLUMNS];
                for i in 0..COLUMNS {
                    let offset = offsets[(column + i).min(offsets.len() - 1)];
                    strips[i] = &strip[offset..][..pixels];
                }
                let sums = dots::<S, ROWS, COLUMNS>(simd, own, strips);
                for i in 0..ROWS.min(count - row) {
                    for j in 0..COLUMNS.min(offsets.len() - column) {
                        out[(row + i) * offsets.len() + column + j] += sums[i][j];
                    }
                }
                column += COLUMNS;
            }
            row += ROWS;
        }
    }
}

impl WithSimd for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::REGISTER_COUNT < 32 {
            true => self.blocks::<S, 3, 4>(simd),
            false => self.blocks::<S, 4, 6>(simd),
        }
    }
}

#[inline(always)]
fn dots<S: Simd, const ROWS: usize, const COLUMNS: usize>(
    simd: S,
    rows: [&[f32]; ROWS],
    strips: [&[f32]; COLUMNS],
) -> [[f32; COLUMNS]; ROWS] {
    let mut sums = [[simd.splat_f32s(0.0); COLUMNS]; ROWS];
    let pixels = rows[0].len();
    let mut at = 0;
    while at < pixels {
        let mut own = [simd.splat_f32s(0.0); ROWS];
        for i in 0..ROWS {
            own[i] = S::as_simd_f32s(&rows[i][at..][..S::F32_LANES]).0[0];
        }
        for j in 0..COLUMNS {
            let from = S::as_simd_f32s(&strips[j][at..][..S::F32_LANES]).0[0];
            for i in 0..ROWS {
                sums[i][j] = simd.mul_add_e_f32s(own[i], from, sums[i][j]);
            }
        }
        at += S::F32_LANES;
    }
    let mut totals = [[0.0; COLUMNS]; ROWS];
    for i in 0..ROWS {
        for j in 0..COLUMNS {
            totals[i][j] = simd.reduce_sum_f32s(sums[i][j]);
        }
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The registers of this machine are tested with the convolutions; these are those of others.
    #[test]
    fn narrow_registers_and_none_at_all_give_the_same_sums() {
        check(pulp::Scalar::new(), FEW);
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            check(simd, FEW);
        }
    }

    fn check<S: Simd>(simd: S, block: usize) {
        assert!(S::REGISTER_COUNT < 32);
        let lanes = S::F32_LANES;
        let (channels, pixels) = (2 * block, (WIDE + 2) * lanes);
        let offsets = [0, 3, 1, 7, 2];
        let values = |length: usize, factor: usize| -> Vec<f32> {
            (0..length)
                .map(|i| (i * factor % 11) as f32 - 5.0)
                .collect()
        };
        let strip = values(pixels + 7, 3);
        let weights = values(channels * offsets.len(), 5);
        let mut out = vec![0.0; channels * pixels];
        let sums = Sums {
            offsets: &offsets,
            strip: &strip,
            weights: &weights,
            out: &mut out,
            pixels,
        };
        simd.vectorize(sums);
        let rows = values((block + 1) * pixels, 7);
        let mut products = vec![1.0; (block + 1) * offsets.len()];
        let dots = Dots {
            offsets: &offsets,
            strip: &strip,
            rows: &rows,
            pixels,
            out: &mut products,
        };
        simd.vectorize(dots);
        // Small whole values: sums are exact in any order.
        for channel in 0..channels {
            let start = channel / block * offsets.len() * block + channel % block;
            for pixel in 0..pixels {
                let terms = offsets.iter().enumerate();
                let sum: f32 = terms
                    .map(|(i, offset)| weights[start + i * block] * strip[offset + pixel])
                    .sum();
                assert_eq!(out[channel * pixels + pixel], sum);
            }
        }
        for (row, products) in products.chunks(offsets.len()).enumerate() {
            for (offset, product) in offsets.iter().zip(products) {
                let terms = (0..pixels).map(|i| rows[row * pixels + i] * strip[offset + i]);
                assert_eq!(*product, 1.0 + terms.sum::<f32>());
            }
        }
    }
}
