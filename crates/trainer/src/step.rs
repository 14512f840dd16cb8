//! One forward and backward pass.

use burn::module::{ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::{GradientCheckpointingStrategy, Int, Tensor};
use burn_zoo_blocks::{Classifier, cast_params, to_f32};
use burn_zoo_data::Batch;

use crate::loss::{Targets, cross_entropy};
use crate::precision::Precision;

/// Loss and logits of a batch, on the plain device.
#[derive(Debug, Clone)]
pub(crate) struct StepOutput {
    /// Mean loss of the batch, `[1]`.
    pub(crate) loss: Tensor<1>,
    /// `[batch, classes]`
    pub(crate) logits: Tensor<2>,
    /// `[batch]`
    pub(crate) labels: Tensor<1, Int>,
    /// Progress of each image in its split.
    pub(crate) indices: Vec<usize>,
}

/// Loss and gradients of a batch; the gradients are those of the loss times `loss_scale`.
///
/// On a device with gradient checkpointing, the activations of cheap operations are computed again in the backward pass
/// instead of being kept.
pub(crate) fn forward_backward<M: Classifier>(
    model: &M,
    batch: Batch,
    targets: &Targets,
    precision: Precision,
    loss_scale: f64,
) -> (StepOutput, GradientsParams) {
    // Burn moves parameters onto the autodiff device without checkpointing, after every optimizer step anew, and
    // operations on tensors of both kinds panic. Running statistics are shared with `model` and keep the strategy.
    let model = match batch.images.device().gradient_checkpointing_strategy() {
        Some(strategy) => model.clone().map(&mut WithCheckpointing(strategy)),
        None => model.clone(),
    };
    let output = match precision.narrow() {
        Some(dtype) => cast_params(model.clone(), dtype).forward_train(batch.images.cast(dtype)),
        None => model.forward_train(batch.images),
    };
    // The loss is always computed in single precision.
    let logits = to_f32(output.logits);
    let mut loss = targets.loss(logits.clone());
    for aux in output.aux {
        loss = loss + targets.loss(to_f32(aux.logits)) * aux.weight;
    }
    let gradients = (loss.clone() * loss_scale).backward();
    let output = StepOutput {
        loss: loss.inner(),
        logits: logits.inner(),
        labels: batch.labels.inner(),
        indices: batch.indices,
    };
    (output, GradientsParams::from_grads(gradients, &model))
}

/// Loss and logits of a batch without gradients; `forward` goes from images to logits.
pub(crate) fn classify(forward: impl FnOnce(Tensor<4>) -> Tensor<2>, batch: Batch) -> StepOutput {
    let logits = forward(batch.images);
    StepOutput {
        loss: cross_entropy(logits.clone(), batch.labels.clone()),
        logits,
        labels: batch.labels,
        indices: batch.indices,
    }
}

/// Gives every parameter a strategy of gradient checkpointing.
struct WithCheckpointing(GradientCheckpointingStrategy);

impl ModuleMapper for WithCheckpointing {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let tensor = tensor.with_gradient_checkpointing_strategy(self.0);
        Param::from_mapped_value(id, tensor, mapper)
    }
}
