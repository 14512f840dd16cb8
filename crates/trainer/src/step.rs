//! One step: what burn-train asks of a model, for any classifier of the zoo.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{GradientCheckpointingStrategy, Tensor};
use burn::train::{ClassificationOutput, InferenceStep, TrainOutput, TrainStep};
use burn_zoo_blocks::{Classifier, cast_params, to_f32};
use burn_zoo_data::Batch;

use crate::loss::{Targets, cross_entropy};
use crate::precision::Precision;

/// A classifier as burn-train sees it.
#[derive(Module, Debug)]
pub(crate) struct Learnable<M: Module> {
    pub(crate) model: M,
}

impl<M: Classifier> Learnable<M> {
    /// Loss and gradients of a batch whose scores are compared with `targets`, the gradients times `loss_scale`.
    ///
    /// On a device with gradient checkpointing the activations of cheap operations are computed again on the way back
    /// instead of being kept.
    pub(crate) fn learn(
        &self,
        batch: Batch,
        targets: &Targets,
        precision: Precision,
        loss_scale: f64,
    ) -> TrainOutput<ClassificationOutput> {
        // Burn lifts parameters onto the autodiff device without checkpointing, after every optimizer step anew, and
        // operations on tensors of both kinds panic. Running statistics are shared with `self` and keep the strategy.
        let recomputing = batch.images.device().gradient_checkpointing_strategy();
        let module = match recomputing {
            Some(strategy) => self.clone().map(&mut OnStrategy(strategy)),
            None => self.clone(),
        };
        let scores = match precision.narrow() {
            Some(dtype) => {
                cast_params(module.model.clone(), dtype).forward_train(batch.images.cast(dtype))
            }
            None => module.model.forward_train(batch.images),
        };
        // The loss is in single precision in any case.
        let logits = to_f32(scores.logits);
        let mut loss = targets.loss(logits.clone());
        for aux in scores.aux {
            loss = loss + targets.loss(to_f32(aux.logits)) * aux.weight;
        }
        let gradients = (loss.clone() * loss_scale).backward();
        let output = ClassificationOutput::new(loss, logits, batch.labels);
        TrainOutput::new(&module, gradients, output)
    }
}

/// Gives every parameter a strategy of gradient checkpointing.
struct OnStrategy(GradientCheckpointingStrategy);

impl ModuleMapper for OnStrategy {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let tensor = tensor.with_gradient_checkpointing_strategy(self.0);
        Param::from_mapped_value(id, tensor, mapper)
    }
}

impl<M: Classifier> TrainStep for Learnable<M> {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> TrainOutput<ClassificationOutput> {
        let targets = Targets::Classes(batch.labels.clone());
        self.learn(batch, &targets, Precision::F32, 1.0)
    }
}

impl<M: Classifier> InferenceStep for Learnable<M> {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> ClassificationOutput {
        classify(|images| self.model.forward(images), batch)
    }
}

/// Scores and loss of a batch, without gradients; `forward` goes from pictures to logits.
pub(crate) fn classify(
    forward: impl FnOnce(Tensor<4>) -> Tensor<2>,
    batch: Batch,
) -> ClassificationOutput {
    let logits = forward(batch.images);
    let loss = cross_entropy(logits.clone(), batch.labels.clone());
    ClassificationOutput::new(loss, logits, batch.labels)
}
