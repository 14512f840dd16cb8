//! What an inspection of a data set found.

use std::collections::BTreeMap;

use serde::Serialize;

/// A data set after every image of it was read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspection {
    /// Name of the data set.
    pub name: String,
    /// Images of each class, damaged ones not counted.
    pub classes: Vec<ClassCount>,
    /// The images to learn from.
    pub train: SplitInspection,
    /// The images to validate on.
    pub valid: SplitInspection,
    /// Mean of each channel that the data set states, pixels scaled to 0…1.
    pub stated_mean: Vec<f32>,
    /// Standard deviation, likewise.
    pub stated_std: Vec<f32>,
    /// Images that are there more than once.
    pub duplicates: Duplicates,
}

/// Images of one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClassCount {
    /// Name of the class.
    pub class: String,
    /// In the training split.
    pub train: usize,
    /// In the validation split.
    pub valid: usize,
}

/// What was counted over one split.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SplitInspection {
    /// Images, damaged ones among them.
    #[serde(rename = "pictures")]
    pub images: usize,
    /// Images of the largest class for each of the smallest; none where a class has none.
    pub imbalance: Option<f64>,
    /// Number of images of each height × width × channels.
    pub sizes: BTreeMap<String, usize>,
    /// Mean of each channel over the images that can be read, pixels scaled to 0…1; grey counts as three equal channels
    /// where others have three.
    pub mean: Vec<f64>,
    /// Standard deviation, likewise.
    pub std: Vec<f64>,
    /// One message for each image that cannot be read.
    pub damaged: Vec<String>,
}

/// Images that are there more than once, within a split or in both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Duplicates {
    /// Images that are the same as an earlier one, pixel for pixel.
    pub exact: usize,
    /// Further images that look like an earlier one.
    pub near: usize,
    /// Validation images that are the same as a training image.
    pub leaked_exact: usize,
    /// Further validation images that look like a training image.
    pub leaked_near: usize,
    /// Groups whose images have different labels.
    pub contradictions: usize,
    /// All groups.
    pub groups: usize,
    /// The groups, those in both splits first, then those with different labels, then the larger ones; the first
    /// [`SHOWN_GROUPS`](Self::SHOWN_GROUPS) of them.
    pub shown: Vec<DuplicateGroup>,
}

impl Duplicates {
    /// Most groups that are listed.
    pub const SHOWN_GROUPS: usize = 1000;
    /// Most images that are listed of a group.
    pub const SHOWN_IMAGES: usize = 8;
}

/// Images that are the same or look alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DuplicateGroup {
    /// Whether all are the same pixel for pixel.
    pub exact: bool,
    /// Whether both splits have some.
    pub leak: bool,
    /// Whether their labels differ.
    pub contradiction: bool,
    /// Number of images.
    pub size: usize,
    /// The first of them, of each split at least one.
    #[serde(rename = "pictures")]
    pub images: Vec<DuplicateImage>,
}

/// An image of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DuplicateImage {
    /// `train` or `valid`.
    pub split: &'static str,
    /// Its place in the split.
    pub index: usize,
    /// Its class.
    pub class: String,
    /// Its file, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// A small PNG as a `data:` address, for the page; empty elsewhere.
    #[serde(skip)]
    pub image: String,
}
