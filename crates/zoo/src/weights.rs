//! Weights from a file into a network.

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::RecordError;
use thiserror::Error;

use crate::Model;

/// Why weights cannot be loaded.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// The file cannot be opened.
    #[error("{}: the weights cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file holds something else, or is cut short.
    #[error("{}: not a whole burnpack file, which `zoo train` writes as best.bpk: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        reason: String,
    },
    /// The weights belong to another network.
    #[error("{}: the weights do not fit {model}: {difference}; load them into the model, classes and channels they were trained with", path.display())]
    OtherNetwork {
        /// The file.
        path: PathBuf,
        /// Name of the model.
        model: String,
        /// The first differences.
        difference: String,
    },
}

/// Loads the burnpack file at `path` into `model`, which is called `name` in messages. All of the weights must fit.
///
/// # Errors
/// [`WeightsError`]: a file that is missing, damaged, or of another network.
pub fn load_weights(model: Model, name: &str, path: &Path) -> Result<Model, WeightsError> {
    let unreadable = |source| WeightsError::Unreadable {
        path: path.to_owned(),
        source,
    };
    // Burn's own message does not say which file it could not open.
    let file = std::fs::File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
    }
    model.try_load_file(path).map_err(|error| match error {
        RecordError::Io(reason) => WeightsError::Malformed {
            path: path.to_owned(),
            reason: reason.trim_start_matches("Validation error: ").to_owned(),
        },
        RecordError::Validation(reason) => WeightsError::OtherNetwork {
            path: path.to_owned(),
            model: name.to_owned(),
            difference: shortened(&reason),
        },
    })
}

/// Burn lists every tensor; the first few say what is the matter.
fn shortened(reason: &str) -> String {
    const LENGTH: usize = 240;
    match reason.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{} …", &reason[..end]),
        None => reason.to_owned(),
    }
}
