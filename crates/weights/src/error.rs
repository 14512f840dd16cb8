//! What a file of weights and a network have and have not in common.

use std::fmt::{self, Write};
use std::path::PathBuf;

use serde::Serialize;
use thiserror::Error;

/// Why weights cannot be loaded or saved.
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
    /// The file is of no known format.
    #[error("{}: found {found}, expected weights: a PyTorch checkpoint (.pt, .pth, .th), safetensors, or burnpack, which `zoo train` writes as best.bpk", path.display())]
    NotWeights {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: &'static str,
    },
    /// The file begins as one of a known format, but is cut short or damaged.
    #[error("{}: not a whole {format} file: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// "burnpack", "safetensors", "PyTorch".
        format: &'static str,
        /// What the reader said.
        reason: String,
    },
    /// A pickle that would run a program in Python.
    #[error("{}: refused: the pickle calls {call}, which a checkpoint has no need of; nothing of it was run", path.display())]
    Malicious {
        /// The file.
        path: PathBuf,
        /// The function, as in `os.system`.
        call: String,
    },
    /// The file says itself that it belongs to another model.
    #[error("{}: these are weights of {found}, not of {expected}", path.display())]
    OtherModel {
        /// The file.
        path: PathBuf,
        /// The model that the file names.
        found: String,
        /// The model that was asked for.
        expected: &'static str,
    },
    /// The tensors are not those of the network.
    #[error("{}: the weights do not fit {model}: {report}; load them into the model that they were trained with, or as many as fit with --partial", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// Name of the model.
        model: String,
        /// All differences.
        report: Box<LoadReport>,
    },
    /// The file to be written exists.
    #[error("{}: exists already; choose another name, or --overwrite it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The ending of a file to be written is of no format that can be written.
    #[error("{}: the ending says how weights are written: expected .bpk (burnpack) or .safetensors", path.display())]
    Ending {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("{}: the weights cannot be written: {reason}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the writer said.
        reason: String,
    },
}

/// How a file of weights went into a network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LoadReport {
    /// Tensors that were loaded.
    pub loaded: usize,
    /// What stood before every key of the file (`state_dict.module.`).
    pub prefix: String,
    /// Tensors that were loaded in another shape than the file's: kernels for other channels, a flattened map.
    pub adapted: Vec<String>,
    /// Tensors of the network that the file has not.
    pub missing: Vec<String>,
    /// Tensors of the file that the network has not.
    pub unexpected: Vec<String>,
    /// Tensors of both that differ in shape or kind.
    pub wrong: Vec<WrongTensor>,
    /// Tensors of auxiliary heads in the file, for a network without them: evaluation has no use for them.
    pub unused_aux: usize,
}

/// A tensor that has another shape, or holds no floating-point values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WrongTensor {
    /// Its key.
    pub name: String,
    /// Shape (and kind, where that is the matter) in the file.
    pub found: String,
    /// Shape in the network.
    pub expected: String,
}

impl LoadReport {
    /// Whether every tensor found its place.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.wrong.is_empty()
    }
}

/// Tensors that a message names one by one; `zoo import --json` has all of them.
const NAMED: usize = 8;

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wrong: Vec<String> = self
            .wrong
            .iter()
            .map(|tensor| {
                let WrongTensor {
                    name,
                    found,
                    expected,
                } = tensor;
                format!("{name} is {found} in the file, {expected} in the network")
            })
            .collect();
        let parts = [
            ("wrong shape", &wrong),
            ("missing in the file", &self.missing),
            ("unexpected in the file", &self.unexpected),
        ];
        let mut text = String::new();
        for (what, names) in parts.into_iter().filter(|(_, names)| !names.is_empty()) {
            let shown: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
            let separator = if text.is_empty() { "" } else { "; " };
            write!(
                text,
                "{separator}{} {what}: {}",
                names.len(),
                shown.join(", ")
            )?;
            if let Some(more) = names.len().checked_sub(NAMED).filter(|more| *more > 0) {
                write!(text, ", … and {more} more")?;
            }
        }
        f.write_str(&text)
    }
}
