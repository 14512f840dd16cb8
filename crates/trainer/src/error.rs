//! What can end a run early, said in one sentence.

use std::path::{Path, PathBuf};

use burn::data::dataset::DatasetError;
use thiserror::Error;

/// Why a training or an evaluation did not come to its end.
#[derive(Debug, Error)]
pub enum TrainError {
    /// A file or folder that cannot be read or written: missing, read-only, disk full.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// "read", "write", "create".
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A sample that cannot be read, with the name of its file.
    #[error("{0}")]
    Sample(#[from] DatasetError),
    /// Model, data set and run file that do not fit together.
    #[error("{0}")]
    Mismatch(String),
    /// A run folder that is not to be written over.
    #[error(
        "{} already holds a run; add --resume to go on with it, --overwrite to start afresh, or --out DIR to write elsewhere",
        path.display()
    )]
    Exists {
        /// The run folder.
        path: PathBuf,
    },
    /// A run folder that another process trains in.
    #[error("{} is in use by another training; wait for it to end or choose another --out", path.display())]
    Locked {
        /// The run folder.
        path: PathBuf,
    },
    /// A run folder made with other settings.
    #[error(
        "{} was made with `{key}` = {before}, the run file now says {now}; use the old value to resume, or --overwrite to start afresh",
        path.display()
    )]
    Changed {
        /// The run folder's `config.toml`.
        path: PathBuf,
        /// The dotted key.
        key: String,
        /// Its value in the run folder.
        before: String,
        /// Its value now.
        now: String,
    },
    /// A checkpoint that is damaged or of another network.
    #[error("cannot resume from {}: {reason}; remove that folder to go on from the checkpoint before it", path.display())]
    Checkpoint {
        /// The checkpoint's folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A loss that became NaN or infinite.
    #[error(
        "the loss became {loss} at step {step} (epoch {epoch}); the last checkpoint is kept, lower optimizer.lr or add schedule.warmup_epochs"
    )]
    Diverged {
        /// NaN or infinity.
        loss: f32,
        /// The optimizer step, counted from 1.
        step: usize,
        /// The epoch, counted from 1.
        epoch: usize,
    },
    /// Gradients that are too large for float16 whatever the loss is multiplied with.
    #[error(
        "the gradients overflow at step {step} with any scale of the loss; the last checkpoint is kept, set train.precision to \"bf16\" or \"f32\" or lower optimizer.lr"
    )]
    Overflow {
        /// The optimizer step, counted from 1.
        step: usize,
    },
    /// A run folder that its report cannot be made of.
    #[error("{0}")]
    Report(#[from] burn_zoo_report::ReportError),
    /// The device has no memory left.
    #[error(
        "the device ran out of memory at step {step}, with batches of {batch_size} images ({reason}); the last checkpoint is kept: \
         --set data.batch_size={} --set train.accumulate={} makes the same steps of smaller batches, train.gradient_checkpointing = true keeps less of each",
        batch_size.div_ceil(2), accumulate * 2
    )]
    OutOfMemory {
        /// Images of a batch, `data.batch_size`.
        batch_size: usize,
        /// Batches of a step, `train.accumulate`.
        accumulate: usize,
        /// The optimizer step, counted from 1.
        step: usize,
        /// What the driver said.
        reason: String,
    },
}

impl TrainError {
    /// Wraps an I/O error with what was being done and where.
    pub(crate) fn io<'a>(
        doing: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(std::io::Error) -> Self + 'a {
        move |source| Self::Io {
            doing,
            path: path.to_path_buf(),
            source,
        }
    }
}
