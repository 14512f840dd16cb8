//! What a data set gives and what a network takes.

use std::sync::Arc;

use burn::data::dataset::Dataset;
use burn::tensor::{Int, Tensor};

/// An 8-bit picture in memory: rows top to bottom, channels interleaved (height × width × channels).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// `height * width * channels` values from 0 to 255.
    pub pixels: Vec<u8>,
}

/// A labelled picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The picture as stored.
    pub picture: Picture,
    /// Class index, below the number of classes.
    pub label: usize,
}

/// A mini-batch on a device.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Normalised pictures, `[batch, channels, height, width]`.
    pub images: Tensor<4>,
    /// Class indices, `[batch]`.
    pub labels: Tensor<1, Int>,
    /// Where each picture stands in its split.
    pub indices: Vec<usize>,
}

/// One split of a data set, shared between threads.
pub type Split = Arc<dyn Dataset<Sample>>;

/// A data set ready to train on: both splits and what is known of them.
#[derive(Clone)]
pub struct ImageData {
    /// The pictures to learn from.
    pub train: Split,
    /// The pictures to validate on.
    pub valid: Split,
    /// What holds for both.
    pub info: DatasetInfo,
}

/// What is known of a data set beside its pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetInfo {
    /// Name in run files and on the command line.
    pub name: String,
    /// Class names, in the order of the labels.
    pub classes: Vec<String>,
    /// Channels of every picture: 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// Height and width of every picture, where they are all alike.
    pub size: Option<[usize; 2]>,
    /// Mean of each channel over the training split, pixels scaled to 0…1.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel over the training split, pixels scaled to 0…1.
    pub std: Vec<f32>,
}
