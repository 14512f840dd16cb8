//! `evaluation.json`: the metrics of a validation by class, and its worst mistakes with their images.

use burn::data::dataset::Dataset;
use burn_zoo_data::{Split, thumbnail};
use burn_zoo_report::{ClassRecord, EvaluationRecord, png_uri};

use super::{ClassMetrics, Evaluation};

/// Longest side in pixels of an image in the report.
const SIDE: usize = 96;

/// The record of `evaluation` in epoch `epoch` over `split`, whose classes are called `classes`.
pub(crate) fn evaluation_record(
    epoch: usize,
    evaluation: &Evaluation,
    classes: &[String],
    split: &Split,
) -> EvaluationRecord {
    let ClassMetrics {
        confusion,
        mistakes,
        ..
    } = &evaluation.class_metrics;
    let mut mistakes = mistakes.clone();
    for mistake in &mut mistakes {
        // An image that was there a moment ago and cannot be read again is not worth a run.
        let sample = split.get(mistake.index).ok();
        let image = sample.and_then(|sample| sample.image.decode().ok());
        let png = image.and_then(|image| thumbnail(&image, SIDE).ok());
        mistake.image = png.map_or(String::new(), |png| png_uri(&png));
    }
    let per_class = evaluation.class_metrics.per_class().into_iter();
    EvaluationRecord {
        epoch,
        samples: evaluation.samples,
        scores: evaluation.metrics,
        calibration_error: evaluation.class_metrics.calibration_error(),
        per_class: classes
            .iter()
            .zip(per_class)
            .map(|(class, scores)| ClassRecord {
                class: class.clone(),
                scores,
            })
            .collect(),
        confusion: confusion.clone(),
        mistakes,
    }
}
