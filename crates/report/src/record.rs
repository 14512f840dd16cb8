//! What a run writes down about itself: an epoch's line in `metrics.jsonl`, and `summary.json`.

use serde::{Deserialize, Serialize};

/// Loss and accuracy of one pass over a split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Mean loss over the samples.
    pub loss: f64,
    /// Percent of samples whose class has the highest score.
    pub top1: f64,
    /// Percent of samples whose class is among the five highest scores.
    pub top5: f64,
}

/// One line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// Optimizer steps made in all.
    pub step: usize,
    /// Over the training images, as they were met.
    pub train: Metrics,
    /// Over the validation images, after the epoch.
    pub valid: Metrics,
    /// The same of the averaged weights, where `[ema]` is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ema: Option<Metrics>,
    /// Learning rate of the last step.
    pub lr: f64,
    /// Training images per second, validation not counted.
    pub images_per_second: f64,
    /// Fraction of the training time, from 0 to 1, for which the loop waited for images.
    #[serde(default)]
    pub data_wait: f64,
    /// Seconds since the start of the run, earlier processes included.
    pub seconds: f64,
    /// Training images left out because they cannot be read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The epoch with the best validation score (`checkpoint.monitor`), the earliest of equals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// Its validation scores.
    #[serde(flatten)]
    pub valid: Metrics,
}

/// `summary.json`: a finished run in a few numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Name of the architecture.
    pub model: String,
    /// Name of the data set.
    pub dataset: String,
    /// Epochs trained.
    pub epochs: usize,
    /// Trainable parameters.
    pub params: usize,
    /// Validation scores after the last epoch.
    pub valid: Metrics,
    /// The best epoch, whose weights are in `best.bpk`.
    pub best: Best,
    /// The best epoch of the averaged weights, which are in `best_ema.bpk`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_ema: Option<Best>,
    /// Training images per second, mean over the epochs.
    pub images_per_second: f64,
    /// Seconds in all.
    pub seconds: f64,
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// Epoch `epoch` of a run, with numbers that tell where they came from.
    pub(crate) fn record(epoch: usize) -> EpochRecord {
        let scores = |loss: f64, top1, top5| Metrics {
            loss: loss / epoch as f64,
            top1,
            top5,
        };
        EpochRecord {
            epoch,
            step: 10 * epoch,
            train: scores(2.5, 10.0, 50.0),
            valid: scores(2.25, 12.5, 55.5),
            ema: None,
            lr: 0.1,
            images_per_second: 321.5,
            data_wait: 0.015,
            seconds: 1.5 * epoch as f64,
            skipped: 0,
        }
    }
}
