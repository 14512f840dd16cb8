//! A step of stochastic gradient descent.

use burn::tensor::Tensor;

/// Stochastic gradient descent as PyTorch's `SGD` has it, without dampening.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SgdStep {
    /// Of the velocity, what is kept from step to step; without any at 0.
    pub momentum: f32,
    /// Nesterov's momentum: the direction looks a step ahead.
    pub nesterov: bool,
    /// Times the parameter, added to its gradient.
    pub weight_decay: f32,
}

impl SgdStep {
    /// A step by the learning rate `lr`: parameters, and their velocity where there is momentum.
    ///
    /// On Flex and in single precision it is one pass over each; anywhere else, or [left to Burn](crate::set_kernels_enabled), an
    /// operation for each term. Both give the same values.
    ///
    /// # Shapes
    /// All alike.
    pub fn step<const D: usize>(
        &self,
        lr: f64,
        parameters: Tensor<D>,
        gradient: Tensor<D>,
        velocity: Option<Tensor<D>>,
    ) -> (Tensor<D>, Option<Tensor<D>>) {
        #[cfg(feature = "flex")]
        if crate::is_ours(&parameters)
            && crate::is_ours(&gradient)
            && velocity.as_ref().is_none_or(crate::is_ours)
        {
            return crate::ops::sgd_step(self, lr as f32, parameters, gradient, velocity);
        }
        self.terms(lr, parameters, gradient, velocity)
    }

    /// A step by operations of Burn.
    pub(crate) fn terms<const D: usize>(
        &self,
        lr: f64,
        parameters: Tensor<D>,
        mut gradient: Tensor<D>,
        velocity: Option<Tensor<D>>,
    ) -> (Tensor<D>, Option<Tensor<D>>) {
        if self.weight_decay > 0.0 {
            gradient = parameters.clone().mul_scalar(self.weight_decay) + gradient;
        }
        if self.momentum <= 0.0 {
            return (parameters - gradient.mul_scalar(lr), None);
        }
        let velocity = match velocity {
            Some(velocity) => gradient.clone() + velocity.mul_scalar(self.momentum),
            None => gradient.clone(),
        };
        let direction = match self.nesterov {
            true => velocity.clone().mul_scalar(self.momentum) + gradient,
            false => velocity.clone(),
        };
        (parameters - direction.mul_scalar(lr), Some(velocity))
    }
}
