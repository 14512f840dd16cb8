//! What lies behind an accuracy: which classes are taken for which, and whether the probabilities can be believed.

use burn_zoo_report::{Mistake, PrecisionRecall};

/// Bins of the calibration error (Guo et al. 2017 use as many).
const BINS: usize = 15;
/// Mistakes that are remembered.
const MISTAKES: usize = 24;

/// Metrics class by class.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassMetrics {
    /// Images of each class (row) by the class that they were taken for (column).
    pub confusion: Vec<Vec<usize>>,
    /// The mistakes with the highest loss, the worst first, without their images.
    pub mistakes: Vec<Mistake>,
    bins: [Bin; BINS],
}

/// Images with a probability of the predicted class in one interval.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Bin {
    images: usize,
    right: usize,
    /// Sum of the probabilities.
    confidence: f64,
}

impl ClassMetrics {
    pub(crate) fn new(classes: usize) -> Self {
        Self {
            confusion: vec![vec![0; classes]; classes],
            mistakes: Vec::new(),
            bins: [Bin::default(); BINS],
        }
    }

    /// Adds a batch: one row of `logits` a label and a place in the split.
    pub(crate) fn add(&mut self, indices: &[usize], logits: &[f32], labels: &[i64]) {
        let classes = self.confusion.len();
        let rows = logits.chunks_exact(classes.max(1));
        for ((scores, &label), &index) in rows.zip(labels).zip(indices) {
            let label = label as usize;
            let mut predicted = 0;
            for (class, score) in scores.iter().enumerate() {
                if *score > scores[predicted] {
                    predicted = class;
                }
            }
            self.confusion[label][predicted] += 1;
            let highest = f64::from(scores[predicted]);
            let sum: f64 = scores
                .iter()
                .map(|&score| (f64::from(score) - highest).exp())
                .sum();
            let confidence = 1.0 / sum;
            // Intervals are open below and closed above.
            let interval = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
            let bin = &mut self.bins[interval];
            bin.images += 1;
            bin.right += usize::from(predicted == label);
            bin.confidence += confidence;
            if predicted != label {
                let loss = highest - f64::from(scores[label]) + sum.ln();
                self.remember(Mistake {
                    index,
                    label,
                    predicted,
                    probability: confidence,
                    label_probability: (-loss).exp(),
                    loss,
                    image: String::new(),
                });
            }
        }
    }

    /// Keeps a mistake if it is among the worst; of equals the first image goes first.
    fn remember(&mut self, mistake: Mistake) {
        let is_worse = |other: &Mistake| match other.loss.total_cmp(&mistake.loss) {
            std::cmp::Ordering::Equal => other.index < mistake.index,
            order => order.is_gt(),
        };
        let place = self.mistakes.partition_point(is_worse);
        if place < MISTAKES {
            self.mistakes.insert(place, mistake);
            self.mistakes.truncate(MISTAKES);
        }
    }

    /// Expected calibration error in percent: how far the mean probability of the predicted classes is from the fraction
    /// of right predictions, over 15 intervals of the probability, weighted by their images (Guo et al. 2017, equation
    /// 3).
    pub fn calibration_error(&self) -> f64 {
        let images: usize = self.bins.iter().map(|bin| bin.images).sum();
        let gaps = self
            .bins
            .iter()
            .map(|bin| (bin.right as f64 - bin.confidence).abs());
        100.0 * gaps.sum::<f64>() / images.max(1) as f64
    }

    /// Precision, recall and F1 of every class, in the order of the labels.
    pub fn per_class(&self) -> Vec<PrecisionRecall> {
        let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
        let scores = |class: usize| {
            let right = self.confusion[class][class];
            let samples = self.confusion[class].iter().sum();
            let predicted = self.confusion.iter().map(|row| row[class]).sum();
            PrecisionRecall {
                samples,
                precision: share(right, predicted),
                recall: share(right, samples),
                f1: share(2 * right, samples + predicted),
            }
        };
        (0..self.confusion.len()).map(scores).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() < 1e-6,
            "found {found}, expected {expected}"
        );
    }

    #[test]
    fn precision_recall_and_f1_are_those_of_scikit_learn() {
        let mut metrics = ClassMetrics::new(3);
        // Predicted 0 0 1 2 1 of 0 1 1 2 0.
        let logits = [
            [2.0, 1.0, 0.0],
            [2.0, 1.0, 0.0],
            [0.0, 3.0, 0.0],
            [0.0, 0.0, 1.0],
            [0.0, 1.0, 0.0],
        ];
        metrics.add(&[0, 1, 2, 3, 4], logits.as_flattened(), &[0, 1, 1, 2, 0]);
        assert_eq!(metrics.confusion, [[1, 1, 0], [1, 1, 0], [0, 0, 1]]);
        let scores = metrics.per_class();
        close(scores[0].precision, 50.0);
        close(scores[1].recall, 50.0);
        close(scores[2].f1, 100.0);
        assert_eq!(scores.iter().map(|s| s.samples).sum::<usize>(), 5);
    }

    #[test]
    fn a_class_that_nobody_is_taken_for_scores_zero() {
        let mut metrics = ClassMetrics::new(2);
        metrics.add(&[0], &[1.0, 0.0], &[0]);
        let none = metrics.per_class()[1];
        assert_eq!(
            (none.samples, none.precision, none.recall, none.f1),
            (0, 0.0, 0.0, 0.0)
        );
    }

    #[test]
    fn calibration_is_the_gap_between_promise_and_delivery() {
        let mut metrics = ClassMetrics::new(2);
        // Four times a probability of 0.8, right three times: a gap of 0.05.
        let logit = 4f32.ln();
        for label in [0, 0, 0, 1] {
            metrics.add(&[0], &[logit, 0.0], &[label]);
        }
        close(metrics.calibration_error(), 5.0);
        // As many at 0.5, half of them right: no gap there.
        for label in [0, 1, 0, 1] {
            metrics.add(&[0], &[0.0, 0.0], &[label]);
        }
        close(metrics.calibration_error(), 2.5);
        close(ClassMetrics::new(2).calibration_error(), 0.0);
    }

    #[test]
    fn the_worst_mistakes_are_kept_in_their_order() {
        let mut metrics = ClassMetrics::new(2);
        for index in 0..100 {
            // Class 0, taken for class 1 by a margin that grows with the index and then begins anew.
            let margin = (index % 50) as f32 / 10.0;
            metrics.add(&[index], &[0.0, margin], &[0]);
        }
        metrics.add(&[100], &[9.0, 0.0], &[0]);
        assert_eq!(metrics.mistakes.len(), MISTAKES);
        let order: Vec<usize> = metrics.mistakes.iter().map(|miss| miss.index).collect();
        assert_eq!(order[..5], [49, 99, 48, 98, 47]);
        let worst = &metrics.mistakes[0];
        assert_eq!((worst.label, worst.predicted), (0, 1));
        // 4.9 to 0: the logistic function and its logarithm.
        close(worst.probability, 1.0 / (1.0 + (-4.9f64).exp()));
        close(worst.label_probability, 1.0 / (1.0 + 4.9f64.exp()));
        close(worst.loss, (1.0 + 4.9f64.exp()).ln());
    }
}
