//! `sweep.json`: what a sweep is made of and how far it is.

use std::path::{Path, PathBuf};

use burn_zoo::trainer::{Summary, write_atomic};
use serde::{Deserialize, Serialize};

use super::grid::Axis;
use crate::error::CliError;

const FILE: &str = "sweep.json";

/// A sweep, as its file and `--json` tell it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Sweep {
    pub(super) folder: PathBuf,
    pub(super) config: PathBuf,
    /// What all runs have in common beside the run file.
    pub(super) set: Vec<String>,
    pub(super) grid: Vec<Axis>,
    pub(super) runs: Vec<Entry>,
    /// The page.
    pub(super) report: PathBuf,
}

/// One run of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its folder below the sweep's.
    pub(super) run: String,
    /// What it does not have in common with the others.
    pub(super) set: Vec<String>,
    pub(super) state: State,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) summary: Option<Summary>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// Not begun, or not at its end.
    Pending,
    Finished,
    /// Tried again when the sweep is resumed.
    Failed,
}

impl Sweep {
    pub(super) fn write(&self) -> Result<(), CliError> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| CliError::Failed(format!("cannot write {FILE}: {error}")))?;
        Ok(write_atomic(&self.folder.join(FILE), &text)?)
    }

    pub(super) fn path(&self, entry: &Entry) -> PathBuf {
        self.folder.join(&entry.run)
    }
}

/// Whether a sweep lies in `folder`.
pub(super) fn is_there(folder: &Path) -> bool {
    folder.join(FILE).is_file()
}

/// The runs of the sweep in `folder` that have begun; none where there is no sweep.
pub(super) fn begun(folder: &Path) -> Result<Option<Vec<PathBuf>>, CliError> {
    let file = folder.join(FILE);
    if !file.is_file() {
        return Ok(None);
    }
    let failed =
        |error: String| CliError::Input(format!("cannot read {}: {error}", file.display()));
    let text = std::fs::read(&file).map_err(|error| failed(error.to_string()))?;
    let sweep: Sweep = serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))?;
    let folders = sweep.runs.iter().map(|entry| folder.join(&entry.run));
    let begun = folders.filter(|folder| folder.join("config.toml").is_file());
    Ok(Some(begun.collect()))
}
