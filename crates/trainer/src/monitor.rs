//! Which of two epochs is better.

use std::cmp::Ordering;

use crate::config::Monitor;
use burn_zoo_report::{Best, EpochRecord, Metrics};

impl Monitor {
    /// The better scores first.
    fn order(self, a: &Metrics, b: &Metrics) -> Ordering {
        match self {
            Self::Top1 => b.top1.total_cmp(&a.top1),
            Self::Top5 => b.top5.total_cmp(&a.top5),
            Self::Loss => a.loss.total_cmp(&b.loss),
        }
    }

    /// Whether `valid` beats the best so far; equal scores do not.
    pub(crate) fn is_better(self, valid: &Metrics, best: Option<Best>) -> bool {
        best.is_none_or(|best| self.order(valid, &best.valid).is_lt())
    }

    /// The `count` best epochs, counted from 1; the earlier of equals first.
    pub(crate) fn best_epochs(self, history: &[EpochRecord], count: usize) -> Vec<usize> {
        let mut ranked: Vec<&EpochRecord> = history.iter().collect();
        ranked.sort_by(|a, b| self.order(&a.valid, &b.valid));
        let best = ranked.into_iter().take(count);
        best.map(|record| record.epoch).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(loss: f64, top1: f64) -> Metrics {
        Metrics {
            loss,
            top1,
            top5: 100.0,
        }
    }

    #[test]
    fn a_loss_is_better_when_lower_and_an_accuracy_when_higher() {
        let best = Some(Best {
            epoch: 1,
            valid: scores(0.5, 80.0),
        });
        assert!(Monitor::Top1.is_better(&scores(0.6, 81.0), best));
        assert!(!Monitor::Loss.is_better(&scores(0.6, 81.0), best));
        assert!(Monitor::Loss.is_better(&scores(0.4, 70.0), best));
        assert!(!Monitor::Top5.is_better(&scores(0.1, 99.0), best), "equal");
        assert!(Monitor::Top1.is_better(&scores(9.0, 0.0), None));
    }

    #[test]
    fn the_best_epochs_come_in_order() {
        let record = |epoch, loss, top1| EpochRecord {
            epoch,
            step: epoch,
            train: scores(1.0, 0.0),
            valid: scores(loss, top1),
            ema: None,
            lr: 0.1,
            images_per_second: 1.0,
            data_wait: 0.0,
            seconds: 1.0,
            skipped: 0,
        };
        let history = [
            record(1, 0.5, 70.0),
            record(2, 0.4, 75.0),
            record(3, 0.6, 75.0),
        ];
        assert_eq!(Monitor::Top1.best_epochs(&history, 2), [2, 3]);
        assert_eq!(Monitor::Loss.best_epochs(&history, 9), [2, 1, 3]);
    }
}
