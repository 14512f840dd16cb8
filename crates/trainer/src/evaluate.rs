//! Scores of a trained network over a split.

use std::ops::ControlFlow;

use burn::data::dataloader::{DataLoader, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::Tensor;
use burn::train::ClassificationOutput;
use burn_zoo_blocks::Classifier;
use burn_zoo_data::Loader;
use burn_zoo_report::Scores;

use crate::TrainError;
use crate::details::Details;
use crate::scores::{NotFinite, Pending, StepScores, Totals};
use crate::step::classify;

/// What an evaluation found.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Evaluation {
    /// Pictures scored.
    pub samples: usize,
    /// Pictures left out because they cannot be read.
    pub skipped: usize,
    /// Their scores.
    #[serde(flatten)]
    pub scores: Scores,
    /// What lies behind them.
    #[serde(skip)]
    pub details: Details,
}

impl Evaluation {
    /// Of a pass over `pictures` pictures, those that cannot be read among them.
    pub(crate) fn new(totals: &Totals, pictures: usize, details: Details) -> Self {
        Self {
            samples: totals.samples,
            skipped: pictures - totals.samples,
            scores: totals.scores(),
            details,
        }
    }
}

/// Scores `model` over all of `loader`; `progress` hears (batches done, batches).
///
/// The model must be in evaluation form ([`Module::valid`](burn::module::Module::valid), or never on an autodiff
/// device).
///
/// # Errors
/// A sample that cannot be read (where the loader refuses those), a split without a readable picture, or a loss that
/// is no number.
pub fn evaluate<M: Classifier>(
    model: &M,
    loader: &Loader,
    progress: impl FnMut(usize, usize),
) -> Result<Evaluation, TrainError> {
    let forward = |images| model.forward(images);
    evaluate_with(forward, model.num_classes(), loader, progress)
}

/// As [`evaluate`], for any way from pictures to the logits of `classes` classes.
pub(crate) fn evaluate_with(
    forward: impl Fn(Tensor<4>) -> Tensor<2>,
    classes: usize,
    loader: &Loader,
    mut progress: impl FnMut(usize, usize),
) -> Result<Evaluation, TrainError> {
    let (batches, mut done) = (loader.num_batches(), 0);
    let mut details = Details::new(classes);
    let totals = score(forward, loader, Some(&mut details), |_, _| {
        done += 1;
        progress(done, batches);
        Ok(ControlFlow::Continue(()))
    });
    let totals = totals
        .map_err(ScoreError::of_weights)?
        .expect("nothing stopped it");
    Ok(Evaluation::new(&totals, loader.num_items(), details))
}

/// Why a split has no score.
pub(crate) enum ScoreError {
    Train(TrainError),
    /// A loss that is no number.
    NotFinite(f32),
}

impl ScoreError {
    /// The same of weights that are not being trained.
    pub(crate) fn of_weights(self) -> TrainError {
        match self {
            Self::Train(error) => error,
            Self::NotFinite(loss) => TrainError::Mismatch(format!(
                "the loss of the pictures is {loss}: the weights hold numbers that are none, or too large"
            )),
        }
    }
}

impl From<TrainError> for ScoreError {
    fn from(error: TrainError) -> Self {
        Self::Train(error)
    }
}

impl From<DatasetError> for ScoreError {
    fn from(error: DatasetError) -> Self {
        Self::Train(error.into())
    }
}

impl From<NotFinite> for ScoreError {
    fn from(NotFinite { loss, .. }: NotFinite) -> Self {
        Self::NotFinite(loss)
    }
}

/// What `forward` makes of `images`, which are brought to `full` pictures for it and taken off again.
///
/// A GPU would tune its kernels anew for the last batch, which has fewer.
fn filled_up(
    forward: impl Fn(Tensor<4>) -> Tensor<2>,
    images: Tensor<4>,
    full: usize,
) -> Tensor<2> {
    let count = images.dims()[0];
    if count == full {
        return forward(images);
    }
    let first = images.clone().narrow(0, 0, 1);
    let copies = first.repeat_dim(0, full - count);
    forward(Tensor::cat(vec![images, copies], 0)).narrow(0, 0, count)
}

/// The sums over all of `loader`, which `details` gets class by class. `forward` goes from pictures to logits; `each` sees the
/// output of every batch and how far the loader is, and may stop early: then there is none.
pub(crate) fn score(
    forward: impl Fn(Tensor<4>) -> Tensor<2>,
    loader: &Loader,
    mut details: Option<&mut Details>,
    mut each: impl FnMut(ClassificationOutput, Progress) -> Result<ControlFlow<()>, TrainError>,
) -> Result<Option<Totals>, ScoreError> {
    let (mut totals, mut pending) = (Totals::default(), Pending::default());
    loader.seek(0, 0);
    let mut pictures = loader.iter();
    let mut full = 0;
    while let Some(batch) = pictures.next() {
        let mut batch = batch?;
        let indices = std::mem::take(&mut batch.indices);
        full = full.max(batch.images.dims()[0]);
        let output = classify(|images| filled_up(&forward, images, full), batch);
        pending.push(StepScores {
            loss: output.loss.clone(),
            logits: output.output.clone(),
            labels: output.targets.clone(),
            indices,
            step: 0,
        });
        if pending.is_full() {
            pending.read_into(&mut totals, details.as_deref_mut())?;
        }
        if each(output, pictures.progress())?.is_break() {
            return Ok(None);
        }
    }
    pending.read_into(&mut totals, details)?;
    if totals.samples == 0 {
        let message = format!("none of the {} pictures could be read", loader.num_items());
        return Err(TrainError::Mismatch(message).into());
    }
    Ok(Some(totals))
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
        let whole = filled_up(forward, images(4), 4);
        let part = filled_up(forward, images(3), 4);
        assert_eq!(*sizes.borrow(), [4, 4]);
        part.into_data()
            .assert_eq(&whole.narrow(0, 0, 3).into_data(), true);
    }
}
