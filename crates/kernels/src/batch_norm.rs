//! Batch normalisation in training ([Ioffe and Szegedy 2015](https://arxiv.org/abs/1502.03167), algorithm 1): what comes
//! out, and the gradients, a channel at a time, so that a channel is read from memory once.

use std::fmt;
use std::ops::Range;

mod simd;

use simd::{Blocking, Differentiate, Normalise, Pass, Squares, Sum};

use crate::parallel::{Shared, each, written};

/// The sum of some numbers.
pub(crate) fn sum(numbers: &[f32]) -> f64 {
    Sum(numbers).run()
}

/// Shape of what is normalised: `[batch, channels, pixels]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) batch: usize,
    pub(crate) channels: usize,
    pub(crate) pixels: usize,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} pixels", self.channels, self.pixels)
    }
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

/// Normalises every channel by its own mean and variance, scales and shifts it, adds the shortcut where there is one, and
/// rectifies it where `has_relu`.
pub(crate) fn forward(
    shape: Shape,
    values: &[f32],
    [gamma, beta]: [&[f32]; 2],
    shortcut: Option<&[f32]>,
    has_relu: bool,
    epsilon: f64,
) -> Normalised {
    assert_eq!(values.len(), shape.len());
    assert!(gamma.len() == shape.channels && beta.len() == shape.channels);
    assert!(shortcut.is_none_or(|shortcut| shortcut.len() == shape.len()));
    let (mut mean, mut variance) = (vec![0.0; shape.channels], vec![0.0; shape.channels]);
    let (means, variances) = (Shared::new(&mut mean), Shared::new(&mut variance));
    let affine = Affine {
        shape,
        values,
        shortcut,
        has_relu,
    };
    let one = |to: &Shared, channel: usize| {
        let plane = |at: usize| &values[at..at + shape.pixels];
        let sum: f64 = shape.planes(channel).map(|at| Sum(plane(at)).run()).sum();
        let centre = (sum / shape.count()) as f32;
        let squares = shape
            .planes(channel)
            .map(|at| Squares(plane(at), centre).run());
        let spread = (squares.sum::<f64>() / shape.count()) as f32;
        let scale = gamma[channel] * inverse_deviation(spread, epsilon);
        affine.write(to, channel, [centre, scale, beta[channel]]);
        put(&means, channel, centre);
        put(&variances, channel, spread);
    };
    #[allow(unsafe_code, reason = "channels cover everything")]
    // SAFETY: every plane of every channel is written.
    let out = unsafe {
        written(values.len(), |to| {
            each(shape.channels, |channel| one(to, channel));
        })
    };
    Normalised {
        out,
        mean,
        variance,
    }
}

/// Normalises every channel by a mean and a variance that are given; the rest as in [`forward`].
pub(crate) fn apply(
    shape: Shape,
    values: &[f32],
    [gamma, beta]: [&[f32]; 2],
    [mean, variance]: [&[f32]; 2],
    shortcut: Option<&[f32]>,
    has_relu: bool,
    epsilon: f64,
) -> Vec<f32> {
    assert_eq!(values.len(), shape.len());
    assert!(shortcut.is_none_or(|shortcut| shortcut.len() == shape.len()));
    let affine = Affine {
        shape,
        values,
        shortcut,
        has_relu,
    };
    let one = |to: &Shared, channel: usize| {
        let scale = gamma[channel] * inverse_deviation(variance[channel], epsilon);
        affine.write(to, channel, [mean[channel], scale, beta[channel]]);
    };
    #[allow(unsafe_code, reason = "channels cover everything")]
    // SAFETY: every plane of every channel is written.
    unsafe {
        written(values.len(), |to| {
            each(shape.channels, |channel| one(to, channel));
        })
    }
}

/// What a channel goes through once its mean and std are known.
struct Affine<'a> {
    shape: Shape,
    values: &'a [f32],
    shortcut: Option<&'a [f32]>,
    has_relu: bool,
}

impl Affine<'_> {
    /// Writes all planes of a channel, which no other task may have.
    fn write(&self, to: &Shared, channel: usize, [centre, scale, shift]: [f32; 3]) {
        for at in self.shape.planes(channel) {
            let place = at..at + self.shape.pixels;
            #[allow(unsafe_code, reason = "every channel has planes of its own")]
            // SAFETY: no other task has this channel.
            let target = unsafe { to.unwritten(place.start, place.end) };
            Normalise {
                values: &self.values[place.clone()],
                shortcut: self.shortcut.map(|shortcut| &shortcut[place]),
                centre,
                scale,
                shift,
                has_relu: self.has_relu,
                to: target,
            }
            .run();
        }
    }
}

/// Gradients of [`forward`].
pub(crate) struct Gradients {
    pub(crate) values: Vec<f32>,
    pub(crate) gamma: Vec<f32>,
    pub(crate) beta: Vec<f32>,
    pub(crate) shortcut: Option<Vec<f32>>,
}

/// What followed a normalisation, as far as the backward pass needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fused<'a> {
    Nothing,
    Relu,
    /// What came out after the shortcut was added and the sum rectified.
    AddRelu(&'a [f32]),
}

/// From the gradient of what came out to those of what went in.
pub(crate) fn backward(
    shape: Shape,
    values: &[f32],
    followed: Fused,
    [gamma, beta]: [&[f32]; 2],
    [mean, variance]: [&[f32]; 2],
    grad: &[f32],
    epsilon: f64,
) -> Gradients {
    assert!(values.len() == shape.len() && grad.len() == shape.len());
    assert!(gamma.len() == shape.channels && beta.len() == shape.channels);
    let has_shortcut = matches!(followed, Fused::AddRelu(_));
    let (mut gamma_grad, mut beta_grad) = (vec![0.0; shape.channels], vec![0.0; shape.channels]);
    let (gammas, betas) = (Shared::new(&mut gamma_grad), Shared::new(&mut beta_grad));
    // `passed` is the gradient of the shortcut, where there is one.
    let one = |passed: &Shared, to: &Shared, channel: usize| {
        let centre = mean[channel];
        let inverse = inverse_deviation(variance[channel], epsilon);
        let scale = gamma[channel] * inverse;
        let cut = |place: &Range<usize>| match followed {
            Fused::Nothing => Blocking::Nowhere,
            Fused::AddRelu(out) => Blocking::Out(&out[place.clone()]),
            Fused::Relu => Blocking::Affine {
                scale,
                shift: beta[channel],
            },
        };
        let (mut plain, mut products) = (0.0, 0.0);
        for at in shape.planes(channel) {
            let place = at..at + shape.pixels;
            #[allow(unsafe_code, reason = "every channel has planes of its own")]
            // SAFETY: no other task has this channel.
            let passed = has_shortcut.then(|| unsafe { passed.unwritten(place.start, place.end) });
            let [a, b] = Pass {
                grad: &grad[place.clone()],
                cut: cut(&place),
                values: &values[place],
                centre,
                passed,
            }
            .run();
            plain += a;
            products += b;
        }
        // dx = gamma / std * (dy - mean(dy) - normalised * mean(dy * normalised))
        let products = products * f64::from(inverse);
        let constant = (plain / shape.count()) as f32;
        let slope = (products / shape.count()) as f32 * inverse;
        for at in shape.planes(channel) {
            let place = at..at + shape.pixels;
            let (grad, cut) = match has_shortcut {
                #[allow(unsafe_code, reason = "every channel has planes of its own")]
                // SAFETY: no other task has this channel, and it was written above.
                true => (
                    unsafe { &*passed.part(place.start, place.end) },
                    Blocking::Nowhere,
                ),
                false => (&grad[place.clone()], cut(&place)),
            };
            #[allow(unsafe_code, reason = "every channel has planes of its own")]
            // SAFETY: no other task has this channel.
            let to = unsafe { to.unwritten(place.start, place.end) };
            Differentiate {
                grad,
                cut,
                values: &values[place],
                centre,
                scale,
                constant,
                slope,
                to,
            }
            .run();
        }
        put(&gammas, channel, products as f32);
        put(&betas, channel, plain as f32);
    };
    let mut own = Vec::new();
    #[allow(unsafe_code, reason = "channels cover everything")]
    // SAFETY: every plane of every channel is written, that of the shortcut's gradient before it is read.
    let rectified = unsafe {
        written(if has_shortcut { grad.len() } else { 0 }, |passed| {
            own = written(values.len(), |to| {
                each(shape.channels, |channel| one(passed, to, channel));
            });
        })
    };
    Gradients {
        values: own,
        gamma: gamma_grad,
        beta: beta_grad,
        shortcut: has_shortcut.then_some(rectified),
    }
}

/// Writes the number of a channel.
fn put(numbers: &Shared, channel: usize, number: f32) {
    #[allow(unsafe_code, reason = "every channel has a number of its own")]
    // SAFETY: no other task has this channel.
    let place = unsafe { numbers.part(channel, channel + 1) };
    place[0] = number;
}

fn inverse_deviation(variance: f32, epsilon: f64) -> f32 {
    (1.0 / (f64::from(variance) + epsilon).sqrt()) as f32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::simd::relu_of;
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
            let found = forward(shape, &x, [&gamma, &beta], None, false, epsilon);
            let statistics = [found.mean.as_slice(), found.variance.as_slice()];
            let plain = |dy: &[f32]| {
                backward(shape, &x, Fused::Nothing, [&gamma, &beta], statistics, dy, epsilon)
            };
            let back = plain(&dy);

            // What follows is the same as one operation after the other.
            let added = draw(shape.len(), 5);
            let all = forward(shape, &x, [&gamma, &beta], Some(&added), true, epsilon);
            let after: Vec<f32> = found.out.iter().zip(&added).map(|(y, s)| relu_of(y + s)).collect();
            prop_assert_eq!(&all.out, &after);
            let mask = |after: &[f32]| -> Vec<f32> {
                dy.iter().zip(after).map(|(dy, y)| if *y > 0.0 { *dy } else { 0.0 }).collect()
            };
            let masked = mask(&after);
            let followed = Fused::AddRelu(&after);
            let whole = backward(shape, &x, followed, [&gamma, &beta], statistics, &dy, epsilon);
            let stepwise = plain(&masked);
            prop_assert_eq!(whole.values, stepwise.values);
            prop_assert_eq!(whole.gamma, stepwise.gamma);
            prop_assert_eq!(whole.beta, stepwise.beta);
            prop_assert_eq!(whole.shortcut, Some(masked));
            let rectified = forward(shape, &x, [&gamma, &beta], None, true, epsilon).out;
            prop_assert!(rectified.iter().zip(&found.out).all(|(a, b)| *a == relu_of(*b)));
            let whole = backward(shape, &x, Fused::Relu, [&gamma, &beta], statistics, &dy, epsilon);
            let stepwise = plain(&mask(&rectified));
            prop_assert_eq!(whole.values, stepwise.values);
            prop_assert_eq!(whole.gamma, stepwise.gamma);
            prop_assert_eq!(whole.beta, stepwise.beta);
            let count = (batch * pixels) as f64;
            for channel in 0..channels {
                let places: Vec<usize> = shape.planes(channel).flat_map(|at| at..at + pixels).collect();
                let mean = places.iter().map(|&i| f64::from(x[i])).sum::<f64>() / count;
                let squares = places.iter().map(|&i| (f64::from(x[i]) - mean).powi(2));
                let variance = squares.sum::<f64>() / count;
                let std = (variance + epsilon).sqrt();
                let normal = |i: usize| (f64::from(x[i]) - mean) / std;
                let beta_grad: f64 = places.iter().map(|&i| f64::from(dy[i])).sum();
                let gamma_grad: f64 = places.iter().map(|&i| f64::from(dy[i]) * normal(i)).sum();
                let (g, b) = (f64::from(gamma[channel]), f64::from(beta[channel]));
                // A few equal values have no std but epsilon's, which enlarges every rounding.
                let tolerance = 1e-5 * (1.0 + 1.0 / std);
                let close = |found: f32, expected: f64, size: f64| {
                    (f64::from(found) - expected).abs() <= tolerance * (1.0 + size)
                };
                prop_assert!(close(found.mean[channel], mean, 1.0));
                prop_assert!(close(found.variance[channel], variance, 1.0));
                prop_assert!(close(back.beta[channel], beta_grad, count));
                prop_assert!(close(back.gamma[channel], gamma_grad, count));
                for &i in &places {
                    prop_assert!(close(found.out[i], g * normal(i) + b, 2.0));
                    let dx = g / std
                        * (f64::from(dy[i]) - beta_grad / count - normal(i) * gamma_grad / count);
                    prop_assert!(close(back.values[i], dx, 4.0 / std), "{} {dx}", back.values[i]);
                }
            }
        }
    }
}
