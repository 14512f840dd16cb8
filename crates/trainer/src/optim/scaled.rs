//! An optimizer at a fraction of the run's learning rate.

use burn::optim::{LearningRate, Optimizer};
use burn::tensor::{Device, Tensor};

/// Steps as `optimizer` does, at `factor` times the learning rate.
#[derive(Clone)]
pub(super) struct Scaled<O> {
    pub(super) optimizer: O,
    pub(super) factor: f64,
}

impl<O: Optimizer> Optimizer for Scaled<O> {
    type State<const D: usize> = O::State<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        self.optimizer.step(lr * self.factor, tensor, grad, state)
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        O::to_device(state, device)
    }
}
