//! `evaluation.json`: from the details of a validation to what the report shows of it.

use burn::data::dataset::Dataset;
use burn_zoo_data::{Split, thumbnail};
use burn_zoo_report::{ClassRecord, EvaluationRecord, png_uri};

use crate::details::Details;
use crate::evaluate::Evaluation;

/// Longest side in pixels of a picture in the report.
const SIDE: usize = 96;

/// What `evaluation` found in epoch `epoch` over `split`, whose classes are called `classes`.
pub(crate) fn findings(
    epoch: usize,
    evaluation: &Evaluation,
    classes: &[String],
    split: &Split,
) -> EvaluationRecord {
    let Details {
        confusion,
        mistakes,
        ..
    } = &evaluation.details;
    let mut mistakes = mistakes.clone();
    for mistake in &mut mistakes {
        // A picture that was there a moment ago and cannot be read again is not worth a run.
        let sample = split.get(mistake.index).ok();
        let picture = sample.and_then(|sample| sample.image.decode().ok());
        let png = picture.and_then(|picture| thumbnail(&picture, SIDE).ok());
        mistake.image = png.map_or(String::new(), |png| png_uri(&png));
    }
    let per_class = evaluation.details.per_class().into_iter();
    EvaluationRecord {
        epoch,
        samples: evaluation.samples,
        scores: evaluation.scores,
        calibration_error: evaluation.details.calibration_error(),
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
