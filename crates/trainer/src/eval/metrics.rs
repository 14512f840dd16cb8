//! Loss and accuracy over samples, exact whatever the batch sizes and resumable in the middle of an epoch.

use burn_zoo_report::Metrics;
use serde::{Deserialize, Serialize};

use super::ClassMetrics;
use crate::step::StepOutput;

/// Sums over the samples seen so far.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct MetricSums {
    pub(crate) samples: usize,
    pub(crate) loss_sum: f64,
    pub(crate) top1: usize,
    pub(crate) top5: usize,
}

impl MetricSums {
    /// The means; of no samples, zeros.
    pub(crate) fn metrics(&self) -> Metrics {
        let samples = self.samples.max(1) as f64;
        let percent = |count: usize| 100.0 * count as f64 / samples;
        Metrics {
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
/// whose score is NaN is last.
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

/// Outputs that have not been read from the device yet, each with its optimizer step: reading waits for a GPU, so it is
/// done for several steps at once.
#[derive(Default)]
pub(crate) struct DeferredMetrics(Vec<(StepOutput, usize)>);

impl DeferredMetrics {
    /// Steps between two reads.
    pub(crate) const CAPACITY: usize = 16;

    /// `step` is counted from 1; 0 outside of training.
    pub(crate) fn push(&mut self, output: StepOutput, step: usize) {
        self.0.push((output, step));
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= Self::CAPACITY
    }

    /// Reads the outputs and adds them to `sums`, and to `class_metrics` where wanted; returns the loss of the last.
    pub(crate) fn read_into(
        &mut self,
        sums: &mut MetricSums,
        mut class_metrics: Option<&mut ClassMetrics>,
    ) -> Result<Option<f32>, NotFinite> {
        let mut last = None;
        for (output, step) in self.0.drain(..) {
            let loss: f32 = output.loss.into_scalar();
            if !loss.is_finite() {
                return Err(NotFinite { loss, step });
            }
            let logits = output.logits.into_data().convert::<f32>();
            let labels = output.labels.into_data().convert::<i64>();
            let logits = logits.as_slice().expect("logits were converted to f32");
            let labels = labels.as_slice().expect("labels were converted to i64");
            sums.add(loss, logits, labels);
            if let Some(class_metrics) = &mut class_metrics {
                class_metrics.add(&output.indices, logits, labels);
            }
            last = Some(loss);
        }
        Ok(last)
    }
}

/// A loss that is NaN or infinite.
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
        let mut totals = MetricSums::default();
        totals.add(1.0, &[0.0; 30], &[0, 0, 0]);
        totals.add(5.0, &[0.0; 10], &[0]);
        assert_eq!(totals.metrics().loss, 2.0);
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
        let mut totals = MetricSums::default();
        totals.add(0.5, &[0.1, 0.2, 0.3], &[0]);
        assert_eq!(
            totals.metrics(),
            Metrics {
                loss: 0.5,
                top1: 0.0,
                top5: 100.0
            }
        );
        assert_eq!(MetricSums::default().metrics().loss, 0.0);
    }
}
