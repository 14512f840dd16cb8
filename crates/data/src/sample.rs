//! What a data set gives and what a network takes.

use std::path::PathBuf;
use std::sync::Arc;

use burn::data::dataset::Dataset;
use burn::tensor::{Int, Tensor};

use crate::decode::{DecodeError, decode, decode_bytes, read};

/// An 8-bit image in memory: rows top to bottom, channels interleaved (height × width × channels).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 (grey) or 3 (RGB).
    pub channels: usize,
    /// `height * width * channels` values from 0 to 255.
    pub pixels: Vec<u8>,
}

/// An image as its data set keeps it. What is not decoded yet is decoded where it is known which part of it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageSource {
    /// Pixels.
    Decoded(Image),
    /// The content of an image file: JPEG, PNG, WebP or BMP.
    Encoded {
        /// What messages call it: a path, or an archive and the name within.
        name: PathBuf,
        /// The file, whole.
        bytes: Vec<u8>,
    },
    /// An image file that has not been read.
    File(PathBuf),
}

impl ImageSource {
    /// All of the image, read and decoded where it is not yet.
    ///
    /// # Errors
    /// As [`decode`].
    pub fn decode(self) -> Result<Image, DecodeError> {
        match self {
            Self::Decoded(image) => Ok(image),
            Self::Encoded { name, bytes } => decode_bytes(&bytes, &name),
            Self::File(path) => decode(&path),
        }
    }
}

/// An image whose file, if it has one, has been read.
pub(crate) enum Loaded {
    Decoded(Image),
    Encoded { name: PathBuf, bytes: Vec<u8> },
}

impl ImageSource {
    /// Reads the file, where there is one to be read.
    pub(crate) fn read(self) -> Result<Loaded, DecodeError> {
        Ok(match self {
            Self::Decoded(image) => Loaded::Decoded(image),
            Self::Encoded { name, bytes } => Loaded::Encoded { name, bytes },
            Self::File(name) => Loaded::Encoded {
                bytes: read(&name)?,
                name,
            },
        })
    }
}

impl From<Image> for ImageSource {
    fn from(image: Image) -> Self {
        Self::Decoded(image)
    }
}

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
    /// Where each image stands in its split.
    pub indices: Vec<usize>,
}

/// Why a split cannot give any sample at the moment: its server does not answer, say. No sample is skipped for it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Unreachable(pub String);

/// One split of a data set, shared between threads.
pub type Split = Arc<dyn Dataset<Sample>>;

/// A data set ready to train on: both splits and what is known of them.
#[derive(Clone)]
pub struct ImageData {
    /// The images to learn from.
    pub train: Split,
    /// The images to validate on.
    pub valid: Split,
    /// The label of each training image, known without reading it.
    pub labels: Arc<[usize]>,
    /// Where each shard of the training images begins, and the number of them all; none where they lie on their own and
    /// may be read in any order. See [`Sampler::Shards`](crate::Sampler::Shards).
    pub shards: Option<Arc<[usize]>>,
    /// What holds for both.
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
    /// Height and width of every image, where they are all alike.
    pub size: Option<[usize; 2]>,
    /// Mean of each channel over the training split, pixels scaled to 0…1.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel over the training split, pixels scaled to 0…1.
    pub std: Vec<f32>,
}
