//! Local response normalisation: every value divided by a power of the squares of its neighbours in the channel dimension.
//!
//! b_c = a_c s_c^−β with s_c = k + α Σ a_j², over the window of channel c.

use std::fmt;
use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use crate::LrnParams;
use crate::parallel::{each, with_scratch, written};

/// Pixels that are worked on at once: of hundreds of channels they stay in the second cache.
const BLOCK: usize = 256;

/// Maps and the window over their channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) batch: usize,
    pub(crate) channels: usize,
    /// Height times width.
    pub(crate) pixels: usize,
    pub(crate) window: LrnParams,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (channels, n, pixels) = (self.channels, self.window.n, self.pixels);
        write!(f, "{channels} in windows of {n}, {pixels} pixels")
    }
}

impl Shape {
    fn len(&self) -> usize {
        self.batch * self.channels * self.pixels
    }

    /// The channels whose squares are summed for this one: n of them from ⌊n/2⌋ before it, as far as they are there.
    fn of(&self, channel: usize) -> Range<usize> {
        let below = self.window.n / 2;
        let end = (channel + self.window.n).saturating_sub(below);
        channel.saturating_sub(below)..end.min(self.channels)
    }

    /// The channels for which the square of this one is summed.
    fn to(&self, channel: usize) -> Range<usize> {
        let below = self.window.n / 2;
        let first = (channel + 1 + below).saturating_sub(self.window.n);
        first..(channel + below + 1).min(self.channels)
    }

    /// Calls `work` for every block of pixels of every image, on all threads.
    fn blocks(&self, work: impl Fn(&Block) + Sync + Send) {
        let blocks = self.pixels.div_ceil(BLOCK);
        each(self.batch * blocks, |number| {
            let (image, block) = (number / blocks, number % blocks);
            let start = block * BLOCK;
            work(&Block {
                shape: self,
                start: image * self.channels * self.pixels + start,
                size: BLOCK.min(self.pixels - start),
            });
        });
    }
}

/// Some pixels of an image, in all channels.
struct Block<'a> {
    shape: &'a Shape,
    /// Where the pixels of the first channel are.
    start: usize,
    size: usize,
}

impl Block<'_> {
    /// Where the pixels of a channel are.
    fn row(&self, channel: usize) -> Range<usize> {
        let start = self.start + channel * self.shape.pixels;
        start..start + self.size
    }

    /// Where they are in memory that holds nothing but this block.
    fn scratch_row(&self, channel: usize) -> Range<usize> {
        channel * self.size..(channel + 1) * self.size
    }

    /// s_c of a channel.
    #[inline(always)]
    fn sums(&self, maps: &[f32], channel: usize, sums: &mut [f32]) {
        let LrnParams { k, alpha, .. } = self.shape.window;
        sums.fill(0.0);
        for neighbour in self.shape.of(channel) {
            for (sum, value) in sums.iter_mut().zip(&maps[self.row(neighbour)]) {
                *sum += value * value;
            }
        }
        for sum in sums {
            *sum = k as f32 + alpha as f32 * *sum;
        }
    }
}

/// `sum` to the power of −β. Two square roots are many times faster than a power.
#[inline(always)]
fn inverse_power(sum: f32, beta: f32) -> f32 {
    if beta == 0.75 {
        let root = sum.sqrt();
        1.0 / (root * root.sqrt())
    } else {
        sum.powf(-beta)
    }
}

/// What comes out in one channel.
struct Forward<'a> {
    block: &'a Block<'a>,
    maps: &'a [f32],
    channel: usize,
    out: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let beta = self.block.shape.window.beta as f32;
        self.block.sums(self.maps, self.channel, self.out);
        let own = &self.maps[self.block.row(self.channel)];
        for (sum, value) in self.out.iter_mut().zip(own) {
            *sum = value * inverse_power(*sum, beta);
        }
    }
}

/// Normalises.
///
/// # Shapes
/// - maps and output: `[batch, channels, pixels]`
pub(crate) fn forward(shape: &Shape, maps: &[f32]) -> Vec<f32> {
    assert_eq!(maps.len(), shape.len());
    #[allow(unsafe_code, reason = "blocks cover everything")]
    // SAFETY: every pixel of every channel is written by its block, and by no other.
    unsafe {
        written(maps.len(), |whole| {
            shape.blocks(|block| {
                with_scratch(block.size, |out| {
                    for channel in 0..shape.channels {
                        Arch::new().dispatch(Forward {
                            block,
                            maps,
                            channel,
                            out,
                        });
                        whole.write(block.row(channel).start, out);
                    }
                });
            });
        })
    }
}

/// What a channel has of its own gradient, and what it gives to its neighbours: g s^−β, and g a s^(−β−1).
struct Shares<'a> {
    block: &'a Block<'a>,
    maps: &'a [f32],
    grad: &'a [f32],
    channel: usize,
    /// Scratch memory.
    sums: &'a mut [f32],
    own: &'a mut [f32],
    given: &'a mut [f32],
}

impl WithSimd for Shares<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let beta = self.block.shape.window.beta as f32;
        self.block.sums(self.maps, self.channel, self.sums);
        let row = self.block.row(self.channel);
        let inputs = self.maps[row.clone()].iter().zip(&self.grad[row]);
        let outputs = self.own.iter_mut().zip(self.given);
        for ((sum, (value, grad)), (own, given)) in self.sums.iter().zip(inputs).zip(outputs) {
            *own = grad * inverse_power(*sum, beta);
            *given = *own * value / sum;
        }
    }
}

/// The gradient of one channel, of what it has and what its neighbours give.
struct Gather<'a> {
    block: &'a Block<'a>,
    maps: &'a [f32],
    channel: usize,
    own: &'a [f32],
    /// Of all channels.
    given: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let LrnParams { alpha, beta, .. } = self.block.shape.window;
        let twice = (2.0 * alpha * beta) as f32;
        self.out.fill(0.0);
        for other in self.block.shape.to(self.channel) {
            let given = &self.given[self.block.scratch_row(other)];
            for (sum, given) in self.out.iter_mut().zip(given) {
                *sum += given;
            }
        }
        let values = self.maps[self.block.row(self.channel)].iter();
        for (sum, (value, own)) in self.out.iter_mut().zip(values.zip(self.own)) {
            *sum = own - twice * value * *sum;
        }
    }
}

/// From the maps and the gradient g of what came out to that of the maps:
/// g_c s_c^−β − 2αβ a_c Σ g_j a_j s_j^(−β−1), over the channels j in whose windows c is.
///
/// # Shapes
/// As [`forward`].
pub(crate) fn backward(shape: &Shape, maps: &[f32], grad: &[f32]) -> Vec<f32> {
    assert_eq!((maps.len(), grad.len()), (shape.len(), shape.len()));
    #[allow(unsafe_code, reason = "blocks cover everything")]
    // SAFETY: every pixel of every channel is written by its block, and by no other.
    unsafe {
        written(maps.len(), |whole| {
            shape.blocks(|block| {
                let all = shape.channels * block.size;
                with_scratch(2 * all + block.size, |memory| {
                    let (out, memory) = memory.split_at_mut(block.size);
                    let (own, given) = memory.split_at_mut(all);
                    for channel in 0..shape.channels {
                        let row = block.scratch_row(channel);
                        Arch::new().dispatch(Shares {
                            block,
                            maps,
                            grad,
                            channel,
                            sums: out,
                            own: &mut own[row.clone()],
                            given: &mut given[row],
                        });
                    }
                    for channel in 0..shape.channels {
                        Arch::new().dispatch(Gather {
                            block,
                            maps,
                            channel,
                            own: &own[block.scratch_row(channel)],
                            given,
                            out,
                        });
                        whole.write(block.row(channel).start, out);
                    }
                });
            });
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Values between −3 and 3 without an order.
    fn values(shape: &Shape, seed: usize) -> Vec<f32> {
        (0..shape.len())
            .map(|index| ((index * 37 + seed * 11) % 61) as f32 / 10.0 - 3.0)
            .collect()
    }

    /// The formula, value by value.
    fn direct(shape: &Shape, maps: &[f64]) -> Vec<f64> {
        let LrnParams { k, n, alpha, beta } = shape.window;
        let squares = |image: usize, channel: usize, pixel: usize| -> f64 {
            let window = (0..n).filter_map(|offset| (channel + offset).checked_sub(n / 2));
            let inside = window.filter(|neighbour| *neighbour < shape.channels);
            let place = |neighbour| (image * shape.channels + neighbour) * shape.pixels + pixel;
            inside.map(|neighbour| maps[place(neighbour)].powi(2)).sum()
        };
        let plane = shape.channels * shape.pixels;
        (0..shape.len())
            .map(|i| {
                let sum = squares(i / plane, i % plane / shape.pixels, i % shape.pixels);
                maps[i] / (k + alpha * sum).powf(beta)
            })
            .collect()
    }

    fn any_shape() -> impl Strategy<Value = Shape> {
        let size = (
            1usize..=3,
            1usize..=14,
            prop_oneof![1usize..=9, 250usize..=520],
        );
        let window = (
            1usize..=16,
            prop_oneof![Just(0.75), 0.3..1.2],
            0.01..0.5,
            0.5..3.0,
        );
        (size, window).prop_map(|((batch, channels, pixels), (n, beta, alpha, k))| Shape {
            batch,
            channels,
            // Miri is a thousand times slower.
            pixels: if cfg!(miri) { pixels.min(9) } else { pixels },
            window: LrnParams { k, n, alpha, beta },
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 3 } else { 64 }, ..ProptestConfig::default() })]

        #[test]
        fn it_is_the_formula_and_its_gradient_is_its_slope(shape in any_shape()) {
            let (maps, grad) = (values(&shape, 1), values(&shape, 2));
            let wide: Vec<f64> = maps.iter().copied().map(f64::from).collect();
            let expected = direct(&shape, &wide);
            for (found, expected) in forward(&shape, &maps).iter().zip(&expected) {
                prop_assert!((f64::from(*found) - expected).abs() < 2e-5);
            }
            let gradient = backward(&shape, &maps, &grad);
            // Some places of the many: the slope of Σ grad · out, seen from both sides.
            for place in (0..shape.len()).step_by(1 + shape.len() / 5) {
                let at = |step: f64| -> f64 {
                    let mut moved = wide.clone();
                    moved[place] += step;
                    let out = direct(&shape, &moved);
                    let terms = out.iter().zip(&grad).zip(&expected);
                    // What does not change is left out of the sum: it would drown what does.
                    terms.map(|((out, g), before)| (out - before) * f64::from(*g)).sum()
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                let found = f64::from(gradient[place]);
                prop_assert!((found - slope).abs() < 2e-4, "place {}: {}, slope {}", place, found, slope);
            }
        }

        #[test]
        fn what_is_no_number_stays_within_the_windows_that_see_it(shape in any_shape(), seed in 0usize..1000) {
            let mut maps = values(&shape, seed);
            let last = maps.len() - 1;
            maps[seed % (last + 1)] = f32::NAN;
            maps[seed * 31 % (last + 1)] = f32::INFINITY;
            let wide: Vec<f64> = maps.iter().copied().map(f64::from).collect();
            for (found, expected) in forward(&shape, &maps).iter().zip(direct(&shape, &wide)) {
                let both_are = found.is_nan() && expected.is_nan();
                prop_assert!(both_are || (f64::from(*found) - expected).abs() < 2e-5, "{} for {}", found, expected);
            }
        }
    }
}
