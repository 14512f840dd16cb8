//! Batch normalisation in training ([Ioffe and Szegedy 2015](https://arxiv.org/abs/1502.03167), algorithm 1): what comes
//! out, and the gradients, a channel at a time, so that a channel is read from memory once.

use crate::threads::{Shared, each};

/// Shape of what is normalised: `[batch, channels, pixels]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) batch: usize,
    pub(crate) channels: usize,
    pub(crate) pixels: usize,
}

impl Shape {
    /// Where the planes of a channel begin.
    fn planes(&self, channel: usize) -> impl Iterator<Item = usize> + use<> {
        let (channels, pixels) = (self.channels, self.pixels);
        (0..self.batch).map(move |image| (image * channels + channel) * pixels)
    }

    fn len(&self) -> usize {
        self.batch * self.channels * self.pixels
    }

    /// Values of a channel.
    fn count(&self) -> f64 {
        (self.batch * self.pixels) as f64
    }
}

/// What comes out of a training step.
pub(crate) struct Normalised {
    /// `[batch, channels, pixels]`.
    pub(crate) out: Vec<f32>,
    /// Mean of each channel.
    pub(crate) mean: Vec<f32>,
    /// Biased variance of each channel.
    pub(crate) variance: Vec<f32>,
}

/// Normalises every channel by its own mean and variance, then scales and shifts it.
pub(crate) fn forward(
    shape: Shape,
    values: &[f32],
    gamma: &[f32],
    beta: &[f32],
    epsilon: f64,
) -> Normalised {
    assert_eq!(values.len(), shape.len());
    let (mut out, mut mean, mut variance) = (
        vec![0.0; values.len()],
        vec![0.0; shape.channels],
        vec![0.0; shape.channels],
    );
    let (to, means, variances) = (
        Shared::new(&mut out),
        Shared::new(&mut mean),
        Shared::new(&mut variance),
    );
    each(shape.channels, |channel| {
        let planes = || {
            shape
                .planes(channel)
                .map(|at| &values[at..at + shape.pixels])
        };
        let sum: f64 = planes().map(|plane| sum(plane, |x| x)).sum();
        let centre = (sum / shape.count()) as f32;
        let squares = planes().map(|plane| self::sum(plane, |x| (x - centre) * (x - centre)));
        let spread = (squares.sum::<f64>() / shape.count()) as f32;
        let scale = gamma[channel] * inverse_deviation(spread, epsilon);
        let shift = beta[channel];
        for (at, plane) in shape.planes(channel).zip(planes()) {
            #[allow(unsafe_code, reason = "every channel has planes of its own")]
            // SAFETY: no other task has this channel.
            let target = unsafe { to.part(at, at + shape.pixels) };
            for (y, x) in target.iter_mut().zip(plane) {
                *y = (x - centre) * scale + shift;
            }
        }
        #[allow(unsafe_code, reason = "every channel has numbers of its own")]
        // SAFETY: no other task has this channel.
        let (mean, variance) = unsafe {
            (
                means.part(channel, channel + 1),
                variances.part(channel, channel + 1),
            )
        };
        (mean[0], variance[0]) = (centre, spread);
    });
    Normalised {
        out,
        mean,
        variance,
    }
}

/// Gradients of [`forward`].
pub(crate) struct Gradients {
    pub(crate) values: Vec<f32>,
    pub(crate) gamma: Vec<f32>,
    pub(crate) beta: Vec<f32>,
}

/// From the gradient of what came out to those of the values, the scale and the shift.
pub(crate) fn backward(
    shape: Shape,
    values: &[f32],
    gamma: &[f32],
    mean: &[f32],
    variance: &[f32],
    epsilon: f64,
    grad: &[f32],
) -> Gradients {
    assert_eq!(values.len(), shape.len());
    assert_eq!(grad.len(), shape.len());
    let (mut out, mut gamma_grad, mut beta_grad) = (
        vec![0.0; values.len()],
        vec![0.0; shape.channels],
        vec![0.0; shape.channels],
    );
    let (to, gammas, betas) = (
        Shared::new(&mut out),
        Shared::new(&mut gamma_grad),
        Shared::new(&mut beta_grad),
    );
    each(shape.channels, |channel| {
        let centre = mean[channel];
        let inverse = inverse_deviation(variance[channel], epsilon);
        let (mut grads, mut products) = (0.0, 0.0);
        for at in shape.planes(channel) {
            let (dy, x) = (&grad[at..at + shape.pixels], &values[at..at + shape.pixels]);
            let [a, b] = sums(dy, x, centre);
            grads += a;
            products += b;
        }
        // dx = gamma / deviation * (dy - mean(dy) - normalised * mean(dy * normalised))
        let scale = gamma[channel] * inverse;
        let products = products * f64::from(inverse);
        let constant = (grads / shape.count()) as f32;
        let slope = (products / shape.count()) as f32 * inverse;
        for at in shape.planes(channel) {
            let (dy, x) = (&grad[at..at + shape.pixels], &values[at..at + shape.pixels]);
            #[allow(unsafe_code, reason = "every channel has planes of its own")]
            // SAFETY: no other task has this channel.
            let target = unsafe { to.part(at, at + shape.pixels) };
            for ((dx, dy), x) in target.iter_mut().zip(dy).zip(x) {
                *dx = scale * (dy - constant - (x - centre) * slope);
            }
        }
        #[allow(unsafe_code, reason = "every channel has numbers of its own")]
        // SAFETY: no other task has this channel.
        let (gamma, beta) = unsafe {
            (
                gammas.part(channel, channel + 1),
                betas.part(channel, channel + 1),
            )
        };
        (gamma[0], beta[0]) = (products as f32, grads as f32);
    });
    Gradients {
        values: out,
        gamma: gamma_grad,
        beta: beta_grad,
    }
}

fn inverse_deviation(variance: f32, epsilon: f64) -> f32 {
    (1.0 / (f64::from(variance) + epsilon).sqrt()) as f32
}

/// Numbers that are added side by side, so that the compiler uses wide registers.
const LANES: usize = 32;

/// The sum of `f` of every value: in single precision within a plane, a lane at a time.
fn sum(plane: &[f32], f: impl Fn(f32) -> f32) -> f64 {
    let mut lanes = [0.0f32; LANES];
    let (chunks, rest) = plane.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += f(*value);
        }
    }
    let rest: f32 = rest.iter().map(|value| f(*value)).sum();
    lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>() + f64::from(rest)
}

/// The sums of `dy` and of `dy * (x - centre)`.
fn sums(dy: &[f32], x: &[f32], centre: f32) -> [f64; 2] {
    let (mut plain, mut products) = ([0.0f32; LANES], [0.0f32; LANES]);
    let ((grads, grads_rest), (values, values_rest)) =
        (dy.as_chunks::<LANES>(), x.as_chunks::<LANES>());
    for (grads, values) in grads.iter().zip(values) {
        for i in 0..LANES {
            plain[i] += grads[i];
            products[i] += grads[i] * (values[i] - centre);
        }
    }
    let wide = |lanes: [f32; LANES]| lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>();
    let mut total = [wide(plain), wide(products)];
    for (dy, x) in grads_rest.iter().zip(values_rest) {
        total[0] += f64::from(*dy);
        total[1] += f64::from(dy * (x - centre));
    }
    total
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn normalisation_and_gradients_are_what_the_formulas_say(
            batch in 1usize..5, channels in 1usize..5, pixels in 1usize..70, seed in 0u32..1000,
        ) {
            let shape = Shape { batch, channels, pixels };
            let epsilon = 1e-5;
            let draw = |length: usize, salt: u32| -> Vec<f32> {
                let mut state = seed.wrapping_mul(747_796_405).wrapping_add(salt);
                (0..length).map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 8) as f32 / (1 << 22) as f32 - 1.0
                }).collect()
            };
            let (x, dy) = (draw(shape.len(), 1), draw(shape.len(), 2));
            let (gamma, beta) = (draw(channels, 3), draw(channels, 4));
            let found = forward(shape, &x, &gamma, &beta, epsilon);
            let back = backward(shape, &x, &gamma, &found.mean, &found.variance, epsilon, &dy);
            let count = (batch * pixels) as f64;
            for channel in 0..channels {
                let places: Vec<usize> = shape.planes(channel).flat_map(|at| at..at + pixels).collect();
                let mean = places.iter().map(|&i| f64::from(x[i])).sum::<f64>() / count;
                let squares = places.iter().map(|&i| (f64::from(x[i]) - mean).powi(2));
                let variance = squares.sum::<f64>() / count;
                let deviation = (variance + epsilon).sqrt();
                let normal = |i: usize| (f64::from(x[i]) - mean) / deviation;
                let beta_grad: f64 = places.iter().map(|&i| f64::from(dy[i])).sum();
                let gamma_grad: f64 = places.iter().map(|&i| f64::from(dy[i]) * normal(i)).sum();
                let (g, b) = (f64::from(gamma[channel]), f64::from(beta[channel]));
                // A few equal values have no deviation but epsilon's, which enlarges every rounding.
                let tolerance = 1e-5 * (1.0 + 1.0 / deviation);
                let close = |found: f32, expected: f64, size: f64| {
                    (f64::from(found) - expected).abs() <= tolerance * (1.0 + size)
                };
                prop_assert!(close(found.mean[channel], mean, 1.0));
                prop_assert!(close(found.variance[channel], variance, 1.0));
                prop_assert!(close(back.beta[channel], beta_grad, count));
                prop_assert!(close(back.gamma[channel], gamma_grad, count));
                for &i in &places {
                    prop_assert!(close(found.out[i], g * normal(i) + b, 2.0));
                    let dx = g / deviation
                        * (f64::from(dy[i]) - beta_grad / count - normal(i) * gamma_grad / count);
                    prop_assert!(close(back.values[i], dx, 4.0 / deviation), "{} {dx}", back.values[i]);
                }
            }
        }
    }
}
