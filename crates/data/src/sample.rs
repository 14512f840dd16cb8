//! What a data set gives and what a network takes.

use std::sync::Arc;

use burn::data::dataset::Dataset;
use burn::tensor::{Int, Tensor};

use crate::image::ImageSource;

/// A labelled image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The image as stored.
    pub image: ImageSource,
    /// Class index, below the number of classes.
    pub label: usize,
}

/// A mini-batch on a device.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Normalised images, `[batch, channels, height, width]`.
    pub images: Tensor<4>,
    /// Class indices, `[batch]`.
    pub labels: Tensor<1, Int>,
    /// Index of each image in its split.
    pub indices: Vec<usize>,
}

/// One split of a data set, shared between threads.
pub type Split = Arc<dyn Dataset<Sample>>;

/// A data set ready to train on: both splits and what is known of them.
#[derive(Clone)]
pub struct ImageData {
    /// The training images.
    pub train: Split,
    /// The validation images.
    pub valid: Split,
    /// The label of each training image, known without reading it.
    pub labels: Arc<[usize]>,
    /// Index of the first training image of each shard, then the number of images; `None` where images may be read in any
    /// order at the same cost. See [`Sampler::Shards`](crate::Sampler::Shards).
    pub shards: Option<Arc<[usize]>>,
    /// What holds for both splits.
    pub info: DatasetInfo,
}

/// What is known of a data set beside its images.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetInfo {
    /// Name in run files and on the command line.
    pub name: String,
    /// Class names, in the order of the labels.
    pub classes: Vec<String>,
    /// Channels of every image: 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// Height and width of every image, if all have the same.
    pub size: Option<[usize; 2]>,
    /// Mean of each channel over the training split, pixels scaled to 0…1.
    pub mean: Vec<f32>,
    /// Std of each channel over the training split, pixels scaled to 0…1.
    pub std: Vec<f32>,
}
