//! Local response normalisation: every value divided by a power of the squares of its neighbours in the channel dimension.
//!
//! b_c = a_c s_c^−β with s_c = k + α Σ a_j², over the window of channel c.

use std::fmt;
use std::ops::Range;

use pulp::Arch;

use crate::Window;
use crate::threads::{each, with_scratch, written};

/// Pixels that are worked on at once: all their channels stay in the cache.
const BLOCK: usize = 256;

/// Maps and the window over their channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) batch: usize,
    pub(crate) channels: usize,
    /// Height times width.
    pub(crate) pixels: usize,
    pub(crate) window: Window,
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

    /// Calls `work` for every block of pixels of every picture, on all threads.
    fn blocks(&self, work: impl Fn(&Block) + Sync + Send) {
        let blocks = self.pixels.div_ceil(BLOCK);
        each(self.batch * blocks, |number| {
            let (picture, block) = (number / blocks, number % blocks);
            let start = block * BLOCK;
            work(&Block {
                shape: self,
                start: picture * self.channels * self.pixels + start,
                size: BLOCK.min(self.pixels - start),
            });
        });
    }
}

/// Some pixels of a picture, in all channels.
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

    /// s_c of a channel.
    #[inline(always)]
    fn sums(&self, maps: &[f32], channel: usize, sums: &mut [f32]) {
        let Window { k, alpha, .. } = self.shape.window;
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

/// Normalises.
///
/// # Shapes
/// - maps and output: `[batch, channels, pixels]`
pub(crate) fn forward(shape: &Shape, maps: &[f32]) -> Vec<f32> {
    assert_eq!(maps.len(), shape.len());
    let beta = shape.window.beta as f32;
    #[allow(unsafe_code, reason = "blocks cover everything")]
    // SAFETY: every pixel of every channel is written by its block, and by no other.
    unsafe {
        written(maps.len(), |out| {
            shape.blocks(|block| {
                with_scratch(block.size, |values| {
                    for channel in 0..shape.channels {
                        let row = block.row(channel);
                        Arch::new().dispatch(|| {
                            block.sums(maps, channel, values);
                            for (value, own) in values.iter_mut().zip(&maps[row.clone()]) {
                                *value = own * inverse_power(*value, beta);
                            }
                        });
                        out.write(row.start, values);
                    }
                });
            });
        })
    }
}

/// From the maps and the gradient g of what came out to that of the maps:
/// g_c s_c^−β − 2αβ a_c Σ g_j a_j s_j^(−β−1), over the channels j in whose windows c is.
///
/// # Shapes
/// As [`forward`].
pub(crate) fn backward(shape: &Shape, maps: &[f32], grad: &[f32]) -> Vec<f32> {
    assert_eq!((maps.len(), grad.len()), (shape.len(), shape.len()));
    let Window { alpha, beta, .. } = shape.window;
    let (twice, beta) = ((2.0 * alpha * beta) as f32, beta as f32);
    #[allow(unsafe_code, reason = "blocks cover everything")]
    // SAFETY: every pixel of every channel is written by its block, and by no other.
    unsafe {
        written(maps.len(), |out| {
            shape.blocks(|block| {
                let size = block.size;
                with_scratch((2 * shape.channels + 1) * size, |memory| {
                    let (sums, memory) = memory.split_at_mut(size);
                    // By channel: g s^−β, and g a s^(−β−1).
                    let (direct, shares) = memory.split_at_mut(shape.channels * size);
                    for channel in 0..shape.channels {
                        let (row, own) = (block.row(channel), channel * size..(channel + 1) * size);
                        let direct = &mut direct[own.clone()];
                        let shares = &mut shares[own];
                        Arch::new().dispatch(|| {
                            block.sums(maps, channel, sums);
                            let (maps, grad) = (&maps[row.clone()], &grad[row]);
                            for pixel in 0..size {
                                let sum = sums[pixel];
                                direct[pixel] = grad[pixel] * inverse_power(sum, beta);
                                shares[pixel] = direct[pixel] * maps[pixel] / sum;
                            }
                        });
                    }
                    for channel in 0..shape.channels {
                        let (row, own) = (block.row(channel), channel * size..(channel + 1) * size);
                        Arch::new().dispatch(|| {
                            sums.fill(0.0);
                            for other in shape.to(channel) {
                                let shares = &shares[other * size..(other + 1) * size];
                                for (sum, share) in sums.iter_mut().zip(shares) {
                                    *sum += share;
                                }
                            }
                            let own = maps[row.clone()].iter().zip(&direct[own]);
                            for (sum, (value, direct)) in sums.iter_mut().zip(own) {
                                *sum = direct - twice * value * *sum;
                            }
                        });
                        out.write(row.start, sums);
                    }
                });
            });
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values between −3 and 3 without an order.
    fn values(shape: &Shape, seed: usize) -> Vec<f32> {
        (0..shape.len())
            .map(|index| ((index * 37 + seed * 11) % 61) as f32 / 10.0 - 3.0)
            .collect()
    }

    /// The formula, value by value.
    fn direct(shape: &Shape, maps: &[f64]) -> Vec<f64> {
        let Window { k, n, alpha, beta } = shape.window;
        let squares = |picture: usize, channel: usize, pixel: usize| -> f64 {
            let window = (0..n).filter_map(|offset| (channel + offset).checked_sub(n / 2));
            let inside = window.filter(|neighbour| *neighbour < shape.channels);
            let place = |neighbour| (picture * shape.channels + neighbour) * shape.pixels + pixel;
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

    const SIZES: [(usize, usize, usize); 5] =
        [(2, 7, 5), (3, 1, 2), (1, 2, 1), (1, 3, 300), (1, 12, 256)];
    const WINDOWS: [usize; 6] = [5, 1, 2, 4, 9, 12];

    /// All sizes with all windows; few of them under Miri, which is a thousand times slower.
    fn cases() -> impl Iterator<Item = Shape> {
        let (sizes, windows) = if cfg!(miri) { (3, 1) } else { (5, 6) };
        SIZES[..sizes]
            .iter()
            .flat_map(move |&(batch, channels, pixels)| {
                WINDOWS[..windows].iter().flat_map(move |&n| {
                    [0.75, 0.5].map(|beta| Shape {
                        batch,
                        channels,
                        pixels,
                        window: Window {
                            k: 2.0,
                            n,
                            alpha: 0.3,
                            beta,
                        },
                    })
                })
            })
    }

    #[test]
    fn it_is_the_formula_and_its_gradient_is_its_slope() {
        for shape in cases() {
            let (maps, grad) = (values(&shape, 1), values(&shape, 2));
            let wide: Vec<f64> = maps.iter().copied().map(f64::from).collect();
            let expected = direct(&shape, &wide);
            for (found, expected) in forward(&shape, &maps).iter().zip(&expected) {
                assert!((f64::from(*found) - expected).abs() < 1e-5, "{shape}");
            }
            let gradient = backward(&shape, &maps, &grad);
            // Some places of the many: the slope of Σ grad · out, seen from both sides.
            for place in (0..shape.len()).step_by(1 + shape.len() / 7) {
                let at = |step: f64| -> f64 {
                    let mut moved = wide.clone();
                    moved[place] += step;
                    let out = direct(&shape, &moved);
                    out.iter()
                        .zip(&grad)
                        .map(|(out, g)| out * f64::from(*g))
                        .sum()
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                let found = f64::from(gradient[place]);
                assert!(
                    (found - slope).abs() < 1e-4,
                    "{shape}, place {place}: {found}, slope {slope}"
                );
            }
        }
    }
}
