//! Checkpoints: everything a killed run needs to end with the numbers it would have had.
//!
//! One is a folder `checkpoints/epoch-EEEE-batch-BBBBBB/` with `model.bpk`, `optimizer.bpk`, `state.json` and, with
//! averaged weights, `ema.bpk`, named by
//! the position at which training goes on and renamed into place whole. The schedule, the order of the samples, the
//! augmentation and the dropout are functions of the seed and of that position, so no generator needs saving.

use std::fs;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::store::ModuleRecord;
use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::files::{remove_staging, write_folder_atomic};
use crate::record::{Best, EpochRecord};
use crate::scores::Totals;

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Position {
    /// The epoch to go on with, counted from 0.
    pub(crate) epoch: usize,
    /// Its first batch that has not been trained on.
    pub(crate) batch: usize,
    /// Optimizer steps made in all.
    pub(crate) step: usize,
    /// The current epoch's training sums.
    pub(crate) totals: Totals,
    /// The epochs that are done.
    pub(crate) history: Vec<EpochRecord>,
    /// The best of them.
    pub(crate) best: Option<Best>,
    /// The best of the averaged weights.
    #[serde(default)]
    pub(crate) best_ema: Option<Best>,
    /// Seconds trained in earlier processes and in this one.
    pub(crate) seconds: f64,
}

/// The folder of a run's checkpoints.
pub(crate) struct Checkpoints {
    folder: PathBuf,
    keep: usize,
}

impl Checkpoints {
    /// Opens (and where needed creates) `folder`, and clears what a kill left half-written.
    pub(crate) fn open(folder: PathBuf, keep: usize) -> Result<Self, TrainError> {
        fs::create_dir_all(&folder).map_err(TrainError::io("create", &folder))?;
        remove_staging(&folder)?;
        Ok(Self { folder, keep })
    }

    /// Saves a checkpoint and removes those beyond the newest `keep`. The same position twice is written once.
    pub(crate) fn save<M: Module>(
        &self,
        model: &M,
        optimizer: &ModuleOptimizer,
        average: Option<&M>,
        position: &Position,
    ) -> Result<PathBuf, TrainError> {
        let name = format!("epoch-{:04}-batch-{:06}", position.epoch, position.batch);
        let path = self.folder.join(name);
        if path.exists() {
            return Ok(path);
        }
        let damaged = |reason: String| TrainError::Checkpoint {
            path: path.clone(),
            reason,
        };
        // `valid` also brings the batch norms' running statistics up to date, which Burn keeps one update behind.
        let bytes = |network: M| {
            let bytes = network.into_record().into_bytes();
            bytes.map_err(|e| damaged(e.to_string()))
        };
        let model = bytes(model.valid())?;
        let average = average.map(|average| bytes(average.clone())).transpose()?;
        let optimizer = optimizer
            .to_record()
            .into_bytes()
            .map_err(|e| damaged(e.to_string()))?;
        let state = serde_json::to_vec_pretty(position).map_err(|e| damaged(e.to_string()))?;
        let mut files: Vec<(&str, &[u8])> = vec![
            ("model.bpk", &model),
            ("optimizer.bpk", &optimizer),
            ("state.json", &state),
        ];
        if let Some(average) = &average {
            files.push(("ema.bpk", average));
        }
        write_folder_atomic(&path, &files)?;
        for old in self.list()?.iter().rev().skip(self.keep) {
            fs::remove_dir_all(old).map_err(TrainError::io("remove", old))?;
        }
        Ok(path)
    }

    /// The newest checkpoint's folder.
    pub(crate) fn newest(&self) -> Result<Option<PathBuf>, TrainError> {
        Ok(self.list()?.pop())
    }

    /// All checkpoints, oldest first.
    fn list(&self) -> Result<Vec<PathBuf>, TrainError> {
        let entries = fs::read_dir(&self.folder).map_err(TrainError::io("read", &self.folder))?;
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(TrainError::io("read", &self.folder))?;
            if let Some(position) = position_of(&entry.file_name().to_string_lossy()) {
                found.push((position, entry.path()));
            }
        }
        found.sort();
        Ok(found.into_iter().map(|(_, path)| path).collect())
    }
}

/// Epoch and batch in the name of a checkpoint.
fn position_of(name: &str) -> Option<(usize, usize)> {
    let (epoch, batch) = name.strip_prefix("epoch-")?.split_once("-batch-")?;
    Some((epoch.parse().ok()?, batch.parse().ok()?))
}

/// Reads a checkpoint into a model and an optimizer of the same kinds as those saved.
pub(crate) fn load<M: Module>(
    path: &Path,
    model: M,
    optimizer: ModuleOptimizer,
) -> Result<(M, ModuleOptimizer, Position), TrainError> {
    let damaged = |reason: String| TrainError::Checkpoint {
        path: path.to_path_buf(),
        reason,
    };
    let state =
        fs::read(path.join("state.json")).map_err(|e| damaged(format!("state.json: {e}")))?;
    let position: Position =
        serde_json::from_slice(&state).map_err(|e| damaged(format!("state.json: {e}")))?;
    let model = network(path, "model.bpk", model)?;
    let record = OptimizerRecord::load(path.join("optimizer.bpk"))
        .map_err(|e| damaged(format!("optimizer.bpk: {e}")))?;
    Ok((model, optimizer.load_record(record), position))
}

/// Reads the averaged network of a checkpoint.
pub(crate) fn load_average<M: Module>(path: &Path, average: M) -> Result<M, TrainError> {
    network(path, "ema.bpk", average)
}

fn network<M: Module>(path: &Path, file: &str, into: M) -> Result<M, TrainError> {
    let damaged = |reason: String| TrainError::Checkpoint {
        path: path.to_path_buf(),
        reason: format!("{file}: {reason}"),
    };
    let record = ModuleRecord::load(path.join(file)).map_err(|e| damaged(e.to_string()))?;
    into.try_load_record(record)
        .map_err(|e| damaged(e.to_string()))
}
