//! Kernels to places and back, a channel that comes out at a time.
#![allow(
    clippy::needless_range_loop,
    reason = "calls and iterators are not always compiled for the registers at hand"
)]

use pulp::{Arch, Simd, WithSimd};

use super::transforms::{Kernel, KernelGrad, Transform, Wide};
use super::{IN, SLACK, TILE_ELEMS};
use crate::parallel::{Shared, each, with_scratch, written};

/// Weights of a kernel.
const TAPS: usize = 9;

/// Transforms `weights`, `[channels_out, channels_in, 3, 3]`, to `[places, channels_out, channels_in]`.
pub(super) fn transform(weights: &[f32], [channels_out, channels_in]: [usize; 2]) -> Vec<f32> {
    let length = channels_in.next_multiple_of(SLACK);
    let one = |out: &Shared, channel: usize| {
        let own = &weights[channel * channels_in * TAPS..][..channels_in * TAPS];
        with_scratch((TAPS + TILE_ELEMS) * length, |memory| {
            let (taps, places) = memory.split_at_mut(TAPS * length);
            for (index, weights) in own.chunks_exact(TAPS).enumerate() {
                for (tap, weight) in weights.iter().enumerate() {
                    taps[tap * length + index] = *weight;
                }
            }
            Arch::new().dispatch(There(taps, places));
            for (place, row) in places.chunks_exact(length).enumerate() {
                let at = (place * channels_out + channel) * channels_in;
                #[allow(unsafe_code, reason = "every task has a channel of its own")]
                // SAFETY: no other task writes this channel's rows.
                unsafe {
                    out.write(at, &row[..channels_in])
                };
            }
        });
    };
    #[allow(unsafe_code, reason = "channels cover everything")]
    // SAFETY: every row of every channel and place is written.
    unsafe {
        written(TILE_ELEMS * channels_out * channels_in, |out| {
            each(channels_out, |channel| one(out, channel));
        })
    }
}

/// The gradients of the weights, `[channels_out, channels_in, 3, 3]`, from those of the places.
pub(super) fn gather(places: &[f32], [channels_out, channels_in]: [usize; 2]) -> Vec<f32> {
    let length = channels_in.next_multiple_of(SLACK);
    let mut out = vec![0.0; channels_out * channels_in * TAPS];
    let shared = Shared::new(&mut out);
    each(channels_out, |channel| {
        #[allow(unsafe_code, reason = "every task has a channel of its own")]
        // SAFETY: no other task has this channel.
        let own = unsafe {
            let size = channels_in * TAPS;
            shared.part(channel * size, (channel + 1) * size)
        };
        with_scratch((TAPS + TILE_ELEMS) * length, |memory| {
            let (taps, rows) = memory.split_at_mut(TAPS * length);
            for (place, row) in rows.chunks_exact_mut(length).enumerate() {
                let at = (place * channels_out + channel) * channels_in;
                row[..channels_in].copy_from_slice(&places[at..at + channels_in]);
            }
            Arch::new().dispatch(Back(rows, taps));
            for (index, weights) in own.chunks_exact_mut(TAPS).enumerate() {
                for (tap, weight) in weights.iter_mut().enumerate() {
                    *weight = taps[tap * length + index];
                }
            }
        });
    });
    out
}

/// From taps, `[9, length]`, to places, `[36, length]`; whole registers.
struct There<'a>(&'a [f32], &'a mut [f32]);

/// From places, `[36, length]`, to taps, `[9, length]`; whole registers.
struct Back<'a>(&'a [f32], &'a mut [f32]);

impl WithSimd for There<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        square::<S, Kernel, 3, IN>(simd, self.0, self.1);
    }
}

impl WithSimd for Back<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        square::<S, KernelGrad, IN, 3>(simd, self.0, self.1);
    }
}

/// Transforms squares of values, of which each is a row of its own.
#[inline(always)]
fn square<S: Simd, T: Transform<FROM, TO>, const FROM: usize, const TO: usize>(
    simd: S,
    from: &[f32],
    to: &mut [f32],
) {
    let n = Wide(simd);
    let length = from.len() / (FROM * FROM);
    let mut at = 0;
    while at < length {
        let mut own = [[simd.splat_f32s(0.0); FROM]; FROM];
        for i in 0..FROM {
            for j in 0..FROM {
                let row = &from[(i * FROM + j) * length + at..][..S::F32_LANES];
                own[i][j] = S::as_simd_f32s(row).0[0];
            }
        }
        let found = T::both(n, own);
        for i in 0..TO {
            for j in 0..TO {
                let row = &mut to[(i * TO + j) * length + at..][..S::F32_LANES];
                S::as_mut_simd_f32s(row).0[0] = found[i][j];
            }
        }
        at += S::F32_LANES;
    }
}
