//! Scores of a trained network over a split.

use burn::data::dataloader::DataLoader;
use burn_zoo_blocks::Classifier;
use burn_zoo_data::Loader;

use crate::TrainError;
use crate::scores::{Pending, Scores, StepScores, Totals};
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
    mut progress: impl FnMut(usize, usize),
) -> Result<Evaluation, TrainError> {
    let (mut totals, mut pending) = (Totals::default(), Pending::default());
    let batches = loader.num_batches();
    loader.seek(0, 0);
    let mut done = 0;
    for batch in loader.iter() {
        let output = classify(model, batch?);
        pending.push(StepScores {
            loss: output.loss,
            logits: output.output,
            labels: output.targets,
        });
        done += 1;
        if pending.is_full() {
            pending.read_into(&mut totals, done, 1)?;
        }
        progress(done, batches);
    }
    pending.read_into(&mut totals, done, 1)?;
    if totals.samples == 0 {
        return Err(TrainError::Mismatch("no picture could be read".into()));
    }
    Ok(Evaluation {
        samples: totals.samples,
        skipped: loader.num_items() - totals.samples,
        scores: totals.scores(),
    })
}
