//! Loss and accuracy over samples, exact whatever the batch sizes and resumable in the middle of an epoch.

use burn::tensor::{Int, Tensor};
use burn::train::ClassificationOutput;
use burn_zoo_report::Scores;
use serde::{Deserialize, Serialize};

use crate::details::Details;

/// Sums over the samples seen so far.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) samples: usize,
    pub(crate) loss_sum: f64,
    pub(crate) top1: usize,
    pub(crate) top5: usize,
}

impl Totals {
    /// The means; of no samples, zeros.
    pub(crate) fn scores(&self) -> Scores {
        let samples = self.samples.max(1) as f64;
        let percent = |count: usize| 100.0 * count as f64 / samples;
        Scores {
            loss: self.loss_sum / samples,
            top1: percent(self.top1),
            top5: percent(self.top5),
        }
    }

    fn add(&mut self, mean_loss: f32, logits: &[f32], labels: &[i64]) {
        let classes = logits.len() / labels.len().max(1);
        for (scores, &label) in logits.chunks_exact(classes.max(1)).zip(labels) {
            let rank = rank(scores, label as usize);
            self.top1 += usize::from(rank == 0);
            self.top5 += usize::from(rank < 5);
        }
        self.samples += labels.len();
        self.loss_sum += f64::from(mean_loss) * labels.len() as f64;
    }
}

/// How many classes score above class `label`; of equal scores the lower index goes first, as in `argmax`. A class
/// whose score is no number is last.
fn rank(scores: &[f32], label: usize) -> usize {
    let own = scores[label];
    if own.is_nan() {
        return scores.len();
    }
    let before = |(class, &score): (usize, &f32)| score > own || (score == own && class < label);
    scores
        .iter()
        .enumerate()
        .filter(|&entry| before(entry))
        .count()
}

/// What a device made of one step, still on it.
pub(crate) struct StepScores {
    /// Mean loss of the batch, `[1]`.
    pub(crate) loss: Tensor<1>,
    /// `[batch, classes]`.
    pub(crate) logits: Tensor<2>,
    /// `[batch]`.
    pub(crate) labels: Tensor<1, Int>,
    /// Where each picture stands in its split; empty in training.
    pub(crate) indices: Vec<usize>,
    /// The optimizer step it belongs to, counted from 1; 0 outside of training.
    pub(crate) step: usize,
}

impl StepScores {
    /// What a device answered in training.
    pub(crate) fn of(output: &ClassificationOutput, step: usize) -> Self {
        Self {
            loss: output.loss.clone().inner(),
            logits: output.output.clone().inner(),
            labels: output.targets.clone().inner(),
            indices: Vec::new(),
            step,
        }
    }
}

/// Steps whose outcome has not been read from the device yet: reading is a wait on a GPU, so it is done for several
/// steps at once.
#[derive(Default)]
pub(crate) struct Pending(Vec<StepScores>);

impl Pending {
    /// Steps between two reads.
    pub(crate) const CAPACITY: usize = 16;

    pub(crate) fn push(&mut self, step: StepScores) {
        self.0.push(step);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= Self::CAPACITY
    }

    /// Reads the steps and adds them to `totals`, and to `details` where wanted; gives the loss of the last.
    pub(crate) fn read_into(
        &mut self,
        totals: &mut Totals,
        mut details: Option<&mut Details>,
    ) -> Result<Option<f32>, NotFinite> {
        let mut last = None;
        for scores in self.0.drain(..) {
            let loss: f32 = scores.loss.into_scalar();
            if !loss.is_finite() {
                let step = scores.step;
                return Err(NotFinite { loss, step });
            }
            let logits = scores.logits.into_data().convert::<f32>();
            let labels = scores.labels.into_data().convert::<i64>();
            let logits = logits.as_slice().expect("logits were converted to f32");
            let labels = labels.as_slice().expect("labels were converted to i64");
            totals.add(loss, logits, labels);
            if let Some(details) = &mut details {
                details.add(&scores.indices, logits, labels);
            }
            last = Some(loss);
        }
        Ok(last)
    }
}

/// A loss that is no number.
#[derive(Debug)]
pub(crate) struct NotFinite {
    /// NaN or infinity.
    pub(crate) loss: f32,
    /// Where it came up.
    pub(crate) step: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_weigh_the_same_whatever_the_batches() {
        let mut totals = Totals::default();
        totals.add(1.0, &[0.0; 30], &[0, 0, 0]);
        totals.add(5.0, &[0.0; 10], &[0]);
        assert_eq!(totals.scores().loss, 2.0);
        assert_eq!(totals.samples, 4);
    }

    #[test]
    fn ranks_break_ties_as_argmax_does() {
        assert_eq!(rank(&[1.0, 3.0, 2.0], 1), 0);
        assert_eq!(rank(&[1.0, 3.0, 2.0], 0), 2);
        assert_eq!(rank(&[7.0, 7.0], 0), 0);
        assert_eq!(rank(&[7.0, 7.0], 1), 1);
        assert_eq!(rank(&[f32::NAN, 1.0], 0), 2);
        assert_eq!(rank(&[f32::NAN, 1.0], 1), 0);
    }

    #[test]
    fn top5_of_fewer_classes_is_all() {
        let mut totals = Totals::default();
        totals.add(0.5, &[0.1, 0.2, 0.3], &[0]);
        assert_eq!(
            totals.scores(),
            Scores {
                loss: 0.5,
                top1: 0.0,
                top5: 100.0
            }
        );
        assert_eq!(Totals::default().scores().loss, 0.0);
    }
}
