//! Stochastic gradient descent: Burn's own takes several passes over a parameter, and some memory for each.

use burn::optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};
use burn_zoo_kernels::SgdStep;

/// Steps as [`SgdStep`] does.
#[derive(Clone)]
pub(super) struct Sgd(pub(super) SgdStep);

/// What a parameter keeps from step to step.
#[derive(Clone)]
pub(super) struct SgdState<const D: usize> {
    velocity: Option<Tensor<D>>,
}

impl Optimizer for Sgd {
    type State<const D: usize> = SgdState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let velocity = state.and_then(|state| state.velocity);
        let (tensor, velocity) = self.0.step(lr, tensor, grad, velocity);
        (tensor, Some(SgdState { velocity }))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        let velocity = state.velocity.map(|velocity| velocity.to_device(device));
        SgdState { velocity }
    }
}

/// Under the name that Burn's `Sgd` gives it: Burn derives this in a crate of its own only.
impl<const D: usize> RecordState for SgdState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        if let Some(velocity) = &self.velocity {
            out.push_tensor(prefix, VELOCITY, velocity.to_data());
        }
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, device: &Device) -> Option<Self> {
        let velocity = src.take_tensor(prefix, VELOCITY);
        Some(Self {
            velocity: velocity.map(|velocity| Tensor::from_data(velocity, device)),
        })
    }
}

const VELOCITY: &str = "momentum.velocity";

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::optim::momentum::MomentumConfig;
    use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};

    use super::*;

    /// A step from `optimizer`'s state on.
    fn stepped(optimizer: &mut ModuleOptimizer, weight: Param<Tensor<2>>) -> Param<Tensor<2>> {
        let device = Device::flex();
        let mut gradients = GradientsParams::new();
        let gradient = Tensor::<2>::from_floats([[0.5, -2.0], [1.5, 0.25]], &device);
        gradients.register(weight.id, gradient);
        optimizer.step(0.1, weight, gradients)
    }

    #[test]
    fn what_it_keeps_is_recorded_as_burns_own_has_it() {
        let momentum = MomentumConfig::new().with_dampening(0.0);
        let mut burns = SgdConfig::new().with_momentum(Some(momentum)).init();
        let mut ours = ModuleOptimizer::from(Sgd(SgdStep {
            momentum: 0.9,
            nesterov: false,
            weight_decay: 0.0,
        }));
        let device = Device::flex().autodiff();
        let start = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 4.0]], &device);
        let start = Param::from_tensor(start);
        let weight = stepped(&mut burns, start);
        let expected = stepped(&mut burns.clone(), weight.clone()).val();
        let mut loaded = ours.clone().load_record(burns.to_record());
        let found = stepped(&mut loaded, weight.clone()).val();
        assert_eq!(found.to_data(), expected.to_data());
        let afresh = stepped(&mut ours, weight).val();
        assert_ne!(afresh.to_data(), expected.to_data());
    }
}
