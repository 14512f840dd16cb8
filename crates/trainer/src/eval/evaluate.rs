//! Metrics of a network over a split.

use std::ops::ControlFlow;

use burn::data::dataset::DatasetError;
use burn::tensor::Tensor;
use burn_zoo_blocks::Classifier;
use burn_zoo_data::Loader;
use burn_zoo_report::Metrics;

use super::{ClassMetrics, DeferredMetrics, MetricSums, NotFinite};
use crate::TrainError;
use crate::step::classify;

/// The result of an evaluation.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Evaluation {
    /// Images evaluated.
    pub samples: usize,
    /// Images left out because they cannot be read.
    pub skipped: usize,
    /// Loss and accuracy.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// Confusion matrix, metrics per class, calibration and the worst mistakes.
    #[serde(skip)]
    pub class_metrics: ClassMetrics,
}

impl Evaluation {
    /// `images` counts those that cannot be read as well.
    pub(crate) fn new(sums: &MetricSums, images: usize, class_metrics: ClassMetrics) -> Self {
        Self {
            samples: sums.samples,
            skipped: images - sums.samples,
            metrics: sums.metrics(),
            class_metrics,
        }
    }
}

/// Evaluates `model` on all of `loader`; `progress` is called with (batches done, batches).
///
/// The model must be in evaluation form ([`Module::valid`](burn::module::Module::valid), or never on an autodiff
/// device).
///
/// # Errors
/// A sample that cannot be read (where the loader refuses those), a split without a readable image, or a loss that is
/// NaN or infinite.
pub fn evaluate<M: Classifier>(
    model: &M,
    loader: &Loader,
    progress: impl FnMut(usize, usize),
) -> Result<Evaluation, TrainError> {
    let forward = |images| model.forward(images);
    evaluate_with(forward, model.num_classes(), loader, progress)
}

/// As [`evaluate`], for any function from images to the logits of `classes` classes.
pub(super) fn evaluate_with(
    forward: impl Fn(Tensor<4>) -> Tensor<2>,
    classes: usize,
    loader: &Loader,
    mut progress: impl FnMut(usize, usize),
) -> Result<Evaluation, TrainError> {
    let (batches, mut done) = (loader.num_batches(), 0);
    let mut class_metrics = ClassMetrics::new(classes);
    let sums = run_over(forward, loader, Some(&mut class_metrics), |_, _| {
        done += 1;
        progress(done, batches);
        ControlFlow::Continue(())
    });
    let sums = sums
        .map_err(EvaluationError::of_weights)?
        .expect("nothing stopped it");
    Ok(Evaluation::new(&sums, loader.num_items(), class_metrics))
}

/// Why a split has no metrics.
pub(crate) enum EvaluationError {
    Train(TrainError),
    /// A loss that is NaN or infinite.
    NotFinite(f32),
}

impl EvaluationError {
    /// The error for weights that are not being trained.
    pub(crate) fn of_weights(self) -> TrainError {
        match self {
            Self::Train(error) => error,
            Self::NotFinite(loss) => TrainError::Mismatch(format!(
                "the loss of the images is {loss}: the weights hold NaN, infinite or too large values"
            )),
        }
    }

    /// The error for weights after optimizer step `step` in epoch `epoch`.
    pub(crate) fn while_training(self, step: usize, epoch: usize) -> TrainError {
        match self {
            Self::Train(error) => error,
            Self::NotFinite(loss) => TrainError::Diverged { loss, step, epoch },
        }
    }
}

impl From<DatasetError> for EvaluationError {
    fn from(error: DatasetError) -> Self {
        Self::Train(error.into())
    }
}

impl From<NotFinite> for EvaluationError {
    fn from(NotFinite { loss, .. }: NotFinite) -> Self {
        Self::NotFinite(loss)
    }
}

/// `forward` of `images`, padded to `full` images with copies whose logits are taken off again.
///
/// A GPU would tune its kernels anew for the last batch, which is smaller.
fn padded(forward: impl Fn(Tensor<4>) -> Tensor<2>, images: Tensor<4>, full: usize) -> Tensor<2> {
    let count = images.dims()[0];
    if count == full {
        return forward(images);
    }
    let first = images.clone().narrow(0, 0, 1);
    let copies = first.repeat_dim(0, full - count);
    forward(Tensor::cat(vec![images, copies], 0)).narrow(0, 0, count)
}

/// The sums over all of `loader`, and the metrics per class where wanted. `forward` goes from images to logits. `each` is
/// called after every batch with the images done and, where they were just read, the metrics so far; it may stop the pass,
/// and then there are no sums.
pub(crate) fn run_over(
    forward: impl Fn(Tensor<4>) -> Tensor<2>,
    loader: &Loader,
    mut class_metrics: Option<&mut ClassMetrics>,
    mut each: impl FnMut(usize, Option<Metrics>) -> ControlFlow<()>,
) -> Result<Option<MetricSums>, EvaluationError> {
    let (mut sums, mut deferred) = (MetricSums::default(), DeferredMetrics::default());
    let mut epoch = loader.epoch(0, 0);
    let mut full = 0;
    while let Some(batch) = epoch.next() {
        let batch = batch?;
        full = full.max(batch.images.dims()[0]);
        deferred.push(classify(|images| padded(&forward, images, full), batch), 0);
        let mut metrics = None;
        if deferred.is_full() {
            deferred.read_into(&mut sums, class_metrics.as_deref_mut())?;
            metrics = Some(sums.metrics());
        }
        if each(epoch.items_done(), metrics).is_break() {
            return Ok(None);
        }
    }
    deferred.read_into(&mut sums, class_metrics)?;
    if sums.samples == 0 {
        let message = format!("none of the {} images could be read", loader.num_items());
        return Err(EvaluationError::Train(TrainError::Mismatch(message)));
    }
    Ok(Some(sums))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn an_incomplete_batch_is_computed_at_full_size_and_counts_as_it_is() {
        let device = Device::flex();
        let sizes = RefCell::new(Vec::new());
        let forward = |images: Tensor<4>| {
            sizes.borrow_mut().push(images.dims()[0]);
            images.flatten::<2>(1, 3)
        };
        let images = |count: usize| {
            let values: Vec<f32> = (0..2 * count).map(|value| value as f32).collect();
            Tensor::<4>::from_data(TensorData::new(values, [count, 2, 1, 1]), &device)
        };
        let whole = padded(forward, images(4), 4);
        let part = padded(forward, images(3), 4);
        assert_eq!(*sizes.borrow(), [4, 4]);
        part.into_data()
            .assert_eq(&whole.narrow(0, 0, 3).into_data(), true);
    }
}
