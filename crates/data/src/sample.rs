//! What a data set gives and what a network takes.

use std::path::PathBuf;
use std::sync::Arc;

use burn::data::dataset::Dataset;
use burn::tensor::{Int, Tensor};

use crate::decode::{DecodeError, decode, decode_bytes, read};

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

/// A picture as its data set keeps it. What is not decoded yet is decoded where it is known which part of it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// Pixels.
    Decoded(Picture),
    /// The content of a picture file: JPEG, PNG, WebP or BMP.
    Encoded {
        /// What messages call it: a path, or an archive and the name within.
        name: PathBuf,
        /// The file, whole.
        bytes: Vec<u8>,
    },
    /// A picture file that has not been read.
    File(PathBuf),
}

impl Stored {
    /// All of the picture, read and decoded where it is not yet.
    ///
    /// # Errors
    /// As [`decode`].
    pub fn decode(self) -> Result<Picture, DecodeError> {
        match self {
            Self::Decoded(picture) => Ok(picture),
            Self::Encoded { name, bytes } => decode_bytes(&bytes, &name),
            Self::File(path) => decode(&path),
        }
    }
}

/// A picture whose file, if it has one, has been read.
pub(crate) enum Loaded {
    Decoded(Picture),
    Encoded { name: PathBuf, bytes: Vec<u8> },
}

impl Stored {
    /// Reads the file, where there is one to be read.
    pub(crate) fn read(self) -> Result<Loaded, DecodeError> {
        Ok(match self {
            Self::Decoded(picture) => Loaded::Decoded(picture),
            Self::Encoded { name, bytes } => Loaded::Encoded { name, bytes },
            Self::File(name) => Loaded::Encoded {
                bytes: read(&name)?,
                name,
            },
        })
    }
}

impl From<Picture> for Stored {
    fn from(picture: Picture) -> Self {
        Self::Decoded(picture)
    }
}

/// A labelled picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The picture as stored.
    pub picture: Stored,
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

/// Why a split cannot give any sample at the moment: its server does not answer, say. No sample is skipped for it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Unreachable(pub String);

/// One split of a data set, shared between threads.
pub type Split = Arc<dyn Dataset<Sample>>;

/// A data set ready to train on: both splits and what is known of them.
#[derive(Clone)]
pub struct ImageData {
    /// The pictures to learn from.
    pub train: Split,
    /// The pictures to validate on.
    pub valid: Split,
    /// The label of each training picture, known without reading it.
    pub labels: Arc<[usize]>,
    /// Where each shard of the training pictures begins, and the number of them all; none where they lie on their own and
    /// may be read in any order. See [`Order::Shards`](crate::Order::Shards).
    pub shards: Option<Arc<[usize]>>,
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
