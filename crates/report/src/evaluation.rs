//! `evaluation.json`: the best epoch's validation class by class, and its worst mistakes with their images.

use base64::Engine;
use serde::{Deserialize, Serialize};

use crate::record::Metrics;

/// What lies behind the scores of `best.bpk`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRecord {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// Images scored.
    pub samples: usize,
    /// Their scores.
    #[serde(flatten)]
    pub scores: Metrics,
    /// Percent by which the probabilities promise too much or too little.
    pub calibration_error: f64,
    /// The classes, in the order of the labels.
    pub per_class: Vec<ClassRecord>,
    /// Images of each class (row) by the class that they were taken for (column).
    pub confusion: Vec<Vec<usize>>,
    /// Mistakes with the highest loss, the worst first.
    pub mistakes: Vec<Mistake>,
}

/// A class and how well it is told from the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassRecord {
    /// Its name.
    pub class: String,
    /// Its scores.
    #[serde(flatten)]
    pub scores: PrecisionRecall,
}

/// How well one class is told from the others. A score without any image to base it on is 0, as in scikit-learn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecall {
    /// Images of the class.
    pub samples: usize,
    /// Percent of those taken for the class that are of it.
    pub precision: f64,
    /// Percent of those of the class that were taken for it.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
}

/// An image that was taken for another class than its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// Its index in the validation split.
    pub index: usize,
    /// Index of its class.
    pub label: usize,
    /// Index of the class that it was taken for.
    pub predicted: usize,
    /// Probability that the network gave the predicted class, from 0 to 1.
    pub probability: f64,
    /// Probability that it gave the image's own class.
    pub label_probability: f64,
    /// Negative logarithm of the latter.
    pub loss: f64,
    /// The image, small, as a `data:` address; empty where it could not be read again.
    #[serde(rename = "picture", default, skip_serializing_if = "String::is_empty")]
    pub image: String,
}

/// The bytes of a PNG file as an address that holds them.
pub fn png_uri(png: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(png);
    format!("data:image/png;base64,{text}")
}
