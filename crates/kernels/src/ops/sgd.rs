//! A step of stochastic gradient descent in one pass, in place where nobody else holds the values.

use burn::tensor::Tensor;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{FlexTensor, as_f32, flex};
use crate::SgdStep;
use crate::profile::timed;

/// Numbers that are a task of their own.
const RUN: usize = if cfg!(miri) { 1 << 4 } else { 1 << 16 };

/// See [`SgdStep::step`].
pub(crate) fn sgd_step<const D: usize>(
    by: &SgdStep,
    lr: f32,
    parameters: Tensor<D>,
    gradient: Tensor<D>,
    velocity: Option<Tensor<D>>,
) -> (Tensor<D>, Option<Tensor<D>>) {
    let device = parameters.device();
    let [mut parameters, mut gradient] = [parameters, gradient].map(flex);
    let mut velocity = velocity.map(flex);
    let moved = parameters.storage_mut::<f32>();
    timed("descent", &"all parameters", 0.0, || match &mut velocity {
        _ if by.momentum <= 0.0 => {
            let runs = moved
                .par_chunks_mut(RUN)
                .zip(as_f32(&gradient).par_chunks(RUN));
            runs.for_each(|(parameters, gradient)| {
                Arch::new().dispatch(Plain {
                    by,
                    lr,
                    parameters,
                    gradient,
                });
            });
        }
        Some(velocity) => {
            let runs = moved
                .par_chunks_mut(RUN)
                .zip(velocity.storage_mut::<f32>().par_chunks_mut(RUN))
                .zip(as_f32(&gradient).par_chunks(RUN));
            runs.for_each(|((parameters, velocity), gradient)| {
                Arch::new().dispatch(Moving {
                    by,
                    lr,
                    parameters,
                    velocity,
                    gradient,
                });
            });
        }
        None => {
            let runs = moved
                .par_chunks_mut(RUN)
                .zip(gradient.storage_mut::<f32>().par_chunks_mut(RUN));
            runs.for_each(|(parameters, velocity)| {
                Arch::new().dispatch(First {
                    by,
                    lr,
                    parameters,
                    velocity,
                });
            });
        }
    });
    // The gradient of the first step has become the velocity.
    let velocity = (by.momentum > 0.0).then(|| velocity.unwrap_or(gradient));
    let tensor = |values: FlexTensor| Tensor::from_data(values.into_data(), &device);
    (tensor(parameters), velocity.map(tensor))
}

/// A run of values without momentum.
struct Plain<'a> {
    by: &'a SgdStep,
    lr: f32,
    parameters: &'a mut [f32],
    gradient: &'a [f32],
}

impl WithSimd for Plain<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let by = Wide::new(simd, self.by, self.lr);
        let (parameters, parameter_tail) = S::as_mut_simd_f32s(self.parameters);
        let (gradient, gradient_tail) = S::as_simd_f32s(self.gradient);
        for i in 0..parameters.len() {
            (parameters[i], _) = by.step(parameters[i], None, gradient[i]);
        }
        let parameter = simd.partial_load_f32s(parameter_tail);
        let gradient = simd.partial_load_f32s(gradient_tail);
        let (parameter, _) = by.step(parameter, None, gradient);
        simd.partial_store_f32s(parameter_tail, parameter);
    }
}

/// A run of the first step with momentum.
struct First<'a> {
    by: &'a SgdStep,
    lr: f32,
    parameters: &'a mut [f32],
    /// The gradient.
    velocity: &'a mut [f32],
}

impl WithSimd for First<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let by = Wide::new(simd, self.by, self.lr);
        let (parameters, parameter_tail) = S::as_mut_simd_f32s(self.parameters);
        let (velocity, velocity_tail) = S::as_mut_simd_f32s(self.velocity);
        for i in 0..parameters.len() {
            (parameters[i], velocity[i]) = by.step(parameters[i], None, velocity[i]);
        }
        let parameter = simd.partial_load_f32s(parameter_tail);
        let gradient = simd.partial_load_f32s(velocity_tail);
        let (parameter, velocity) = by.step(parameter, None, gradient);
        simd.partial_store_f32s(parameter_tail, parameter);
        simd.partial_store_f32s(velocity_tail, velocity);
    }
}

/// A run of a later step with momentum.
struct Moving<'a> {
    by: &'a SgdStep,
    lr: f32,
    parameters: &'a mut [f32],
    velocity: &'a mut [f32],
    gradient: &'a [f32],
}

impl WithSimd for Moving<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let by = Wide::new(simd, self.by, self.lr);
        let (parameters, parameter_tail) = S::as_mut_simd_f32s(self.parameters);
        let (velocity, velocity_tail) = S::as_mut_simd_f32s(self.velocity);
        let (gradient, gradient_tail) = S::as_simd_f32s(self.gradient);
        for i in 0..parameters.len() {
            (parameters[i], velocity[i]) = by.step(parameters[i], Some(velocity[i]), gradient[i]);
        }
        let parameter = simd.partial_load_f32s(parameter_tail);
        let velocity = simd.partial_load_f32s(velocity_tail);
        let gradient = simd.partial_load_f32s(gradient_tail);
        let (parameter, velocity) = by.step(parameter, Some(velocity), gradient);
        simd.partial_store_f32s(parameter_tail, parameter);
        simd.partial_store_f32s(velocity_tail, velocity);
    }
}

/// The terms, each rounded as an operation of its own rounds it: no multiplication is fused with an addition.
struct Wide<S: Simd> {
    simd: S,
    lr: S::f32s,
    momentum: S::f32s,
    is_nesterov: bool,
    /// None at 0: an infinite parameter would make it no number.
    decay: Option<S::f32s>,
}

impl<S: Simd> Wide<S> {
    #[inline(always)]
    fn new(simd: S, by: &SgdStep, lr: f32) -> Self {
        Self {
            simd,
            lr: simd.splat_f32s(lr),
            momentum: simd.splat_f32s(by.momentum),
            is_nesterov: by.nesterov && by.momentum > 0.0,
            decay: (by.weight_decay > 0.0).then_some(simd.splat_f32s(by.weight_decay)),
        }
    }

    /// The parameter and its velocity; there is none in the first step, or without momentum.
    #[inline(always)]
    fn step(
        &self,
        parameter: S::f32s,
        velocity: Option<S::f32s>,
        gradient: S::f32s,
    ) -> (S::f32s, S::f32s) {
        let gradient = match self.decay {
            Some(decay) => self.times_plus(parameter, decay, gradient),
            None => gradient,
        };
        let velocity = match velocity {
            Some(velocity) => self.times_plus(velocity, self.momentum, gradient),
            None => gradient,
        };
        let direction = match self.is_nesterov {
            true => self.times_plus(velocity, self.momentum, gradient),
            false => velocity,
        };
        let change = self.simd.mul_f32s(direction, self.lr);
        (self.simd.sub_f32s(parameter, change), velocity)
    }

    #[inline(always)]
    fn times_plus(&self, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
        self.simd.add_f32s(self.simd.mul_f32s(a, b), c)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution};

    use super::*;

    #[test]
    fn one_pass_gives_bit_for_bit_what_an_operation_for_each_term_gives() {
        let device = Device::flex();
        device.seed(7);
        for (momentum, nesterov) in [(0.0, false), (0.9, false), (0.9, true)] {
            for weight_decay in [0.0, 5e-4] {
                let by = SgdStep {
                    momentum,
                    nesterov,
                    weight_decay,
                };
                agree(&by, [3, 5], &device);
                agree(&by, [2 * RUN + 17], &device);
            }
        }
    }

    fn agree<const D: usize>(by: &SgdStep, shape: [usize; D], device: &Device) {
        let drawn = || Tensor::<D>::random(shape, Distribution::Normal(0.0, 1.0), device);
        let bits = |tensor: &Tensor<D>| -> Vec<u32> {
            let values = tensor
                .to_data()
                .try_to_vec::<f32>()
                .expect("single precision");
            values.into_iter().map(f32::to_bits).collect()
        };
        let start = drawn();
        let (mut found, mut expected) = ((start.clone(), None), (start.clone(), None));
        let untouched = bits(&start);
        for _ in 0..3 {
            let gradient = drawn();
            found = by.step(0.1, found.0, gradient.clone(), found.1);
            expected = by.terms(0.1, expected.0, gradient, expected.1);
            assert_eq!(bits(&found.0), bits(&expected.0), "{by:?}");
            let velocities = [&found.1, &expected.1].map(|velocity| velocity.as_ref().map(bits));
            assert_eq!(velocities[0], velocities[1], "{by:?}");
        }
        assert_eq!(bits(&start), untouched, "{by:?} moved what others hold");
        assert_ne!(bits(&found.0), untouched, "{by:?}");
    }

    #[test]
    fn a_gradient_of_another_layout_is_read_in_its_order() {
        let device = Device::flex();
        let by = SgdStep {
            momentum: 0.9,
            nesterov: true,
            weight_decay: 0.1,
        };
        let drawn = |shape| Tensor::<2>::random(shape, Distribution::Normal(0.0, 1.0), &device);
        let (parameters, gradient) = (drawn([4, 3]), drawn([3, 4]).transpose());
        let (found, _) = by.step(0.1, parameters.clone(), gradient.clone(), None);
        let (expected, _) = by.terms(0.1, parameters, gradient, None);
        assert_eq!(found.into_data(), expected.into_data());
    }
}
