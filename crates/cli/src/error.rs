//! What goes wrong, as an exit code and one sentence.

use std::fmt;

use burn_zoo::trainer::{RunFileError, TrainError};

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum CliError {
    /// Bad usage or bad input, which the user can put right: exit code 2.
    Input(String),
    /// Anything else: exit code 1.
    Failed(String),
    /// The same, of which the result that is written already tells.
    Reported(String),
    /// The user stopped it: exit code 130, as shells report a SIGINT.
    Interrupted(String),
    /// Whoever read standard output closed it: no failure at all.
    OutputClosed,
}

impl CliError {
    /// Whether standard output has its document already.
    pub(crate) fn is_reported(&self) -> bool {
        matches!(self, Self::Reported(_))
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::OutputClosed => 0,
            Self::Failed(_) | Self::Reported(_) => 1,
            Self::Input(_) => 2,
            Self::Interrupted(_) => 130,
        }
    }

    /// Whether something went wrong, as opposed to being called off.
    pub(crate) fn is_error(&self) -> bool {
        matches!(self, Self::Input(_) | Self::Failed(_) | Self::Reported(_))
    }

    /// Bad input, from an error that is a full sentence already.
    pub(crate) fn input(error: impl fmt::Display) -> Self {
        Self::Input(error.to_string())
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(message)
            | Self::Failed(message)
            | Self::Reported(message)
            | Self::Interrupted(message) => f.write_str(message),
            Self::OutputClosed => f.write_str("standard output was closed"),
        }
    }
}

impl From<RunFileError> for CliError {
    fn from(error: RunFileError) -> Self {
        Self::input(error)
    }
}

impl From<TrainError> for CliError {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Diverged { .. } | TrainError::OutOfMemory { .. } => {
                Self::Failed(error.to_string())
            }
            _ => Self::input(error),
        }
    }
}

impl From<burn_zoo::UnknownModel> for CliError {
    fn from(error: burn_zoo::UnknownModel) -> Self {
        Self::input(error)
    }
}

impl From<burn_zoo::CreateError> for CliError {
    fn from(error: burn_zoo::CreateError) -> Self {
        Self::input(error)
    }
}
