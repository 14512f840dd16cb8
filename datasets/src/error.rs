//! Errors of opening a data set.

use std::path::{Path, PathBuf};

use burn_zoo_data::DecodeError;

use crate::dataset_name::DatasetName;

/// Why a data set cannot be opened. Each message names the file or folder, what was found and what was expected.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The files of the data set are missing.
    #[error(
        "{name} was not found: looked for {wanted} in {}. {advice}",
        list(places)
    )]
    Missing {
        /// The data set.
        name: DatasetName,
        /// The expected files or folders.
        wanted: String,
        /// The folders that were searched.
        places: Vec<PathBuf>,
        /// What to do.
        advice: String,
    },
    /// A file or folder does not have the expected format.
    #[error("{}: {problem}", path.display())]
    Malformed {
        /// The file or folder.
        path: PathBuf,
        /// What was found and what was expected.
        problem: String,
    },
    /// A file or folder could not be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// A request to a server failed.
    #[error("{url}: {problem}")]
    Remote {
        /// The URL.
        url: String,
        /// What happened.
        problem: String,
    },
    /// An image of a data set that is kept in memory could not be decoded.
    #[error(transparent)]
    Image(#[from] DecodeError),
    /// The two splits do not have the same classes.
    #[error("the classes of {} and {} differ: {difference}", train.display(), valid.display())]
    Classes {
        /// Folder of the training split.
        train: PathBuf,
        /// Folder of the validation split.
        valid: PathBuf,
        /// Which classes only one of them has.
        difference: String,
    },
    /// An option has an invalid value.
    #[error("{0}")]
    Option(String),
}

impl OpenError {
    pub(crate) fn malformed(path: &Path, problem: impl Into<String>) -> Self {
        Self::Malformed {
            path: path.to_owned(),
            problem: problem.into(),
        }
    }

    pub(crate) fn unreadable(path: &Path, source: std::io::Error) -> Self {
        Self::Unreadable {
            path: path.to_owned(),
            source,
        }
    }
}

fn list(places: &[PathBuf]) -> String {
    places
        .iter()
        .map(|place| place.display().to_string())
        .collect::<Vec<_>>()
        .join(", ")
}
