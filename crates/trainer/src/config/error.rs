//! What can be wrong with a run file, said in one sentence.

use std::path::PathBuf;

use thiserror::Error;

/// A mistake in a run file or in a `--set`.
#[derive(Debug, Error)]
pub enum RunFileError {
    /// A file that is not there or cannot be read.
    #[error("cannot read run file {}: {source}{}", path.display(), extended(by))]
    Read {
        /// The file.
        path: PathBuf,
        /// The file whose `extends` names it.
        by: Option<PathBuf>,
        /// Why.
        source: std::io::Error,
    },
    /// Text that is not TOML.
    #[error("{place}: not valid TOML: {message}")]
    Syntax {
        /// File and line, or the `--set`.
        place: String,
        /// What the parser found.
        message: String,
    },
    /// Files that extend each other.
    #[error("{}: `extends` comes back to a file already read; remove it from one of them", path.display())]
    Cycle {
        /// The file met twice.
        path: PathBuf,
    },
    /// A `--set` without `=` or with a key that cannot be one.
    #[error("--set {assignment}: expected key=value, such as optimizer.lr=0.05")]
    Assignment {
        /// What was given.
        assignment: String,
    },
    /// A key that the run file does not have.
    #[error("{place}: unknown key `{key}`; {hint}")]
    UnknownKey {
        /// File and line, or the `--set`.
        place: String,
        /// The key, dotted.
        key: String,
        /// The nearest valid key, and all valid keys.
        hint: String,
    },
    /// A value of the wrong type, an unknown choice, or a missing key.
    #[error("{place}: {message}")]
    Value {
        /// File and line, or the `--set`.
        place: String,
        /// What was found and expected.
        message: String,
    },
}

fn extended(by: &Option<PathBuf>) -> String {
    match by {
        Some(by) => format!(" (named by `extends` in {})", by.display()),
        None => String::new(),
    }
}
