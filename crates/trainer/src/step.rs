//! One step: what burn-train asks of a model, for any classifier of the zoo.

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Int, Tensor};
use burn::train::{ClassificationOutput, InferenceStep, TrainOutput, TrainStep};
use burn_zoo_blocks::Classifier;
use burn_zoo_data::Batch;

/// A classifier as burn-train sees it.
#[derive(Module, Debug)]
pub(crate) struct Learnable<M: Module> {
    pub(crate) model: M,
}

impl<M: Classifier> TrainStep for Learnable<M> {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> TrainOutput<ClassificationOutput> {
        let scores = self.model.forward_train(batch.images);
        let mut loss = cross_entropy(scores.logits.clone(), batch.labels.clone());
        for aux in scores.aux {
            loss = loss + cross_entropy(aux.logits, batch.labels.clone()) * aux.weight;
        }
        let gradients = loss.backward();
        let output = ClassificationOutput::new(loss, scores.logits, batch.labels);
        TrainOutput::new(self, gradients, output)
    }
}

impl<M: Classifier> InferenceStep for Learnable<M> {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> ClassificationOutput {
        classify(&self.model, batch)
    }
}

/// Scores and loss of a batch, without gradients.
pub(crate) fn classify<M: Classifier>(model: &M, batch: Batch) -> ClassificationOutput {
    let logits = model.forward(batch.images);
    let loss = cross_entropy(logits.clone(), batch.labels.clone());
    ClassificationOutput::new(loss, logits, batch.labels)
}

/// Mean over the batch of `−log softmax(logits)[label]`.
///
/// # Shapes
/// - logits: `[batch, classes]`
/// - labels: `[batch]`
/// - output: `[1]`
fn cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    CrossEntropyLossConfig::new()
        .init(&logits.device())
        .forward(logits, labels)
}
