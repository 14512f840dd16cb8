//! Checkpoints: everything a killed run needs to end with the metrics and weights it would have had.
//!
//! One is a folder `checkpoints/epoch-EEEE-batch-BBBBBB/` with `model.bpk`, `optimizer.bpk`, `state.json` and, with
//! averaged weights, `ema.bpk`, named by
//! the position at which training goes on and renamed into place whole. The schedule, the order of the samples, the
//! augmentation and the dropout are functions of the seed and of that position, so no generator needs saving.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::store::ModuleRecord;
use serde::{Deserialize, Serialize};

use super::CHECKPOINTS;
use super::atomic_write::{remove_staging, write_folder_atomic};
use crate::TrainError;
use crate::eval::MetricSums;
use crate::precision::LossScale;
use burn_zoo_report::{Best, EpochRecord};

const MODEL: &str = "model.bpk";
const OPTIMIZER: &str = "optimizer.bpk";
const EMA: &str = "ema.bpk";
const STATE: &str = "state.json";

/// What a run starts from: fresh, or read from a checkpoint.
pub(crate) struct ResumeState<M> {
    pub(crate) model: M,
    /// The exponential moving average of the weights, on the plain device.
    pub(crate) ema: Option<M>,
    pub(crate) optimizer: ModuleOptimizer,
    pub(crate) progress: Progress,
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    /// The epoch to go on with, counted from 0.
    pub(crate) epoch: usize,
    /// Its first batch that has not been trained on.
    pub(crate) batch: usize,
    /// Optimizer steps made in all.
    pub(crate) step: usize,
    /// The current epoch's training sums.
    #[serde(rename = "totals")]
    pub(crate) sums: MetricSums,
    /// The epochs that are done.
    pub(crate) history: Vec<EpochRecord>,
    /// The best of them.
    pub(crate) best: Option<Best>,
    /// The best of the averaged weights.
    #[serde(default)]
    pub(crate) best_ema: Option<Best>,
    /// Where the loss is scaled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) loss_scale: Option<LossScale>,
    /// Seconds trained in earlier processes and in this one.
    pub(crate) seconds: f64,
}

impl Progress {
    /// Validation loss of every epoch that is done.
    pub(crate) fn valid_losses(&self) -> Vec<f64> {
        self.history
            .iter()
            .map(|record| record.valid.loss)
            .collect()
    }
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
        ema: Option<&M>,
        progress: &Progress,
    ) -> Result<PathBuf, TrainError> {
        let name = format!("epoch-{:04}-batch-{:06}", progress.epoch, progress.batch);
        let path = self.folder.join(name);
        if path.exists() {
            return Ok(path);
        }
        // `valid` also brings the batch norms' running statistics up to date, which Burn keeps one update behind.
        let bytes = |network: M, file| {
            let bytes = network.into_record().into_bytes();
            bytes.map_err(|error| damaged(&path, file, error))
        };
        let model = bytes(model.valid(), MODEL)?;
        let ema = ema.map(|ema| bytes(ema.clone(), EMA)).transpose()?;
        let optimizer = optimizer
            .to_record()
            .into_bytes()
            .map_err(|error| damaged(&path, OPTIMIZER, error))?;
        let state =
            serde_json::to_vec_pretty(progress).map_err(|error| damaged(&path, STATE, error))?;
        let mut files: Vec<(&str, &[u8])> =
            vec![(MODEL, &model), (OPTIMIZER, &optimizer), (STATE, &state)];
        if let Some(ema) = &ema {
            files.push((EMA, ema));
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

/// Whether the run in `folder` has a checkpoint to go on from.
pub fn has_checkpoint(folder: &Path) -> bool {
    let is_checkpoint = |entry: std::io::Result<fs::DirEntry>| {
        entry.is_ok_and(|entry| position_of(&entry.file_name().to_string_lossy()).is_some())
    };
    fs::read_dir(folder.join(CHECKPOINTS)).is_ok_and(|mut entries| entries.any(is_checkpoint))
}

/// Epoch and batch in the name of a checkpoint.
fn position_of(name: &str) -> Option<(usize, usize)> {
    let (epoch, batch) = name.strip_prefix("epoch-")?.split_once("-batch-")?;
    Some((epoch.parse().ok()?, batch.parse().ok()?))
}

/// Reads a checkpoint into a model, an optimizer and, where there is one, a moving average of the same kinds as those
/// saved.
pub(crate) fn load_checkpoint<M: Module>(
    path: &Path,
    into: ResumeState<M>,
) -> Result<ResumeState<M>, TrainError> {
    let state = fs::read(path.join(STATE)).map_err(|error| damaged(path, STATE, error))?;
    let progress = serde_json::from_slice(&state).map_err(|error| damaged(path, STATE, error))?;
    let network = |file, into: M| {
        let record = ModuleRecord::load(path.join(file));
        let loaded = record.and_then(|record| into.try_load_record(record));
        loaded.map_err(|error| damaged(path, file, error))
    };
    let record = OptimizerRecord::load(path.join(OPTIMIZER))
        .map_err(|error| damaged(path, OPTIMIZER, error))?;
    Ok(ResumeState {
        model: network(MODEL, into.model)?,
        ema: into.ema.map(|ema| network(EMA, ema)).transpose()?,
        optimizer: into.optimizer.load_record(record),
        progress,
    })
}

fn damaged(path: &Path, file: &str, error: impl Display) -> TrainError {
    TrainError::Checkpoint {
        path: path.to_path_buf(),
        reason: format!("{file}: {error}"),
    }
}
