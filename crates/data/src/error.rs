//! Everything that can go wrong between an image file and a batch.

use std::path::PathBuf;

use crate::decode::MAX_DECODED_BYTES;

/// An image file that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {kind}", path.display())]
pub struct DecodeError {
    /// The file, or an archive and the name within.
    pub path: PathBuf,
    /// What is wrong with it.
    pub kind: DecodeErrorKind,
}

/// What is wrong with an image file.
#[derive(Debug, thiserror::Error)]
pub enum DecodeErrorKind {
    /// The file could not be opened or read.
    #[error("cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// The file has another type; the message says which.
    #[error("{0}")]
    NotAnImage(&'static str),
    /// The file begins as an image but is cut short or damaged.
    #[error("a damaged {format}: {reason}")]
    Damaged {
        /// JPEG, PNG, WebP or BMP.
        format: &'static str,
        /// What the decoder said.
        reason: String,
    },
    /// Decoding would take more than [`MAX_DECODED_BYTES`]; width × height where known, else the size of the file.
    #[error("{0} needs more than the {mib} MiB allowed for one image", mib = MAX_DECODED_BYTES >> 20)]
    TooLarge(String),
}

/// Why an image cannot become an input.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PipelineError {
    /// The image cannot be read; the message names its file.
    #[error("{0}")]
    Unreadable(String),
    /// The image has another size than the input and is not resized, or is too large to be padded.
    #[error("the image is {}×{} (height × width), the input is {}×{}: set data.fit = \"resize\", or \"pad\" for smaller images", found[0], found[1], expected[0], expected[1])]
    Size {
        /// Height and width of the image.
        found: [usize; 2],
        /// Height and width of the input.
        expected: [usize; 2],
    },
    /// The resized image is smaller than the part to cut out of it.
    #[error("images are resized to a shorter side of {shorter}, too short to cut {}×{} out of them: raise data.resize, or augment.shorter for crop = \"scale_jitter\"", size[0], size[1])]
    Shorter {
        /// Length of the shorter side.
        shorter: usize,
        /// Height and width of the input.
        size: [usize; 2],
    },
    /// The image is so long and thin that resizing its shorter side takes more memory than an image may.
    #[error("the image is {}×{} (height × width): resized to {}×{} it takes more than the {} MiB allowed for one image", found[0], found[1], size[0], size[1], MAX_DECODED_BYTES >> 20)]
    Elongated {
        /// Height and width of the image.
        found: [usize; 2],
        /// Height and width after resizing.
        size: [usize; 2],
    },
    /// Mean or std do not have one value per channel.
    #[error("mean and std have {found} values, the images have {channels} channels")]
    Statistics {
        /// Number of values.
        found: usize,
        /// Number of channels.
        channels: usize,
    },
    /// The buffer for the normalised image has another length.
    #[error("the buffer holds {found} values, the image has {expected}")]
    Buffer {
        /// Values in the buffer.
        found: usize,
        /// Values of the image.
        expected: usize,
    },
    /// A setting is out of its range; the message names its key in a run file.
    #[error("{0}")]
    Setting(String),
}

impl From<DecodeError> for PipelineError {
    fn from(error: DecodeError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// [`PipelineError::Setting`] with `message`, unless the setting `is_valid`.
pub(crate) fn ensure(
    is_valid: bool,
    message: impl FnOnce() -> String,
) -> Result<(), PipelineError> {
    match is_valid {
        true => Ok(()),
        false => Err(PipelineError::Setting(message())),
    }
}

/// Why a split cannot give any sample at the moment, a server that does not answer for example. `OnBad::Skip` does not
/// apply: no sample is skipped for it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Unreachable(pub String);

/// Why an epoch cannot go on.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("the batch size is 0: set data.batch_size to at least 1")]
    BatchSize,
    #[error(
        "the split has {samples} samples, fewer than one batch of {batch_size}, and an incomplete batch is dropped: \
         set data.batch_size to at most {samples}"
    )]
    TooFew { samples: usize, batch_size: usize },
    #[error(
        "{found} weights for {samples} samples: expected one each, finite, none below 0 and not all 0"
    )]
    Weights { found: usize, samples: usize },
    #[error(
        "the starts of the shards do not fit {samples} samples: expected 0 first, ascending, and {samples} last"
    )]
    Shards { samples: usize },
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    #[error("{0}")]
    Sample(String),
    #[error("none of the {skipped} samples can be loaded; the first: {first}")]
    NothingLeft { skipped: usize, first: String },
    #[error("a loader thread could not be started: {0}")]
    Thread(String),
}
