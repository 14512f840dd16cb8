//! A run's folder: `config.toml`, `metrics.jsonl`, `checkpoints/`, `best.bpk`, `summary.json`.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::ModuleSnapshot;
use burn::store::burn_pack::Writer;

use crate::checkpoint::Checkpoints;
use crate::files::{remove_staging, write_atomic};
use crate::record::{EpochRecord, Summary};
use crate::{RunFile, TrainError};

/// What to do with a folder that holds a run already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Leave it alone and say so.
    Refuse,
    /// Go on from its newest checkpoint, or start where there is none yet.
    Resume,
    /// Remove the old run's files and start afresh.
    Overwrite,
}

/// An open run folder. No other process can open it meanwhile.
pub(crate) struct RunDir {
    root: PathBuf,
    /// Locked until dropped; the operating system lets go of it when the process dies.
    _lock: File,
}

const CONFIG: &str = "config.toml";
const METRICS: &str = "metrics.jsonl";
pub(crate) const CHECKPOINTS: &str = "checkpoints";
/// The best weights so far.
pub(crate) const BEST: &str = "best.bpk";
/// The best averaged weights so far.
pub(crate) const BEST_EMA: &str = "best_ema.bpk";
const KEPT: &str = "best";
const SUMMARY: &str = "summary.json";

impl RunDir {
    /// Opens the folder `root` for `run`, creating it where needed.
    pub(crate) fn open(root: &Path, run: &RunFile, existing: Existing) -> Result<Self, TrainError> {
        let holds_run = root.join(CONFIG).exists();
        let occupied =
            holds_run || fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_some());
        if occupied && existing == Existing::Refuse {
            return Err(TrainError::Exists {
                path: root.to_path_buf(),
            });
        }
        fs::create_dir_all(root).map_err(TrainError::io("create", root))?;
        let lock = lock(root)?;
        let dir = Self {
            root: root.to_path_buf(),
            _lock: lock,
        };
        remove_staging(root)?;
        match existing {
            Existing::Overwrite => dir.clear()?,
            Existing::Resume if holds_run => dir.check_unchanged(run)?,
            Existing::Resume | Existing::Refuse => {}
        }
        write_atomic(&dir.root.join(CONFIG), run.to_toml().as_bytes())?;
        Ok(dir)
    }

    pub(crate) fn checkpoints(&self, keep: usize) -> Result<Checkpoints, TrainError> {
        Checkpoints::open(self.root.join(CHECKPOINTS), keep)
    }

    /// Writes the lines of all epochs so far.
    pub(crate) fn write_metrics(&self, history: &[EpochRecord]) -> Result<(), TrainError> {
        let mut lines = String::new();
        for record in history {
            lines += &serde_json::to_string(record).expect("numbers and names are always JSON");
            lines.push('\n');
        }
        write_atomic(&self.root.join(METRICS), lines.as_bytes())
    }

    /// Writes weights into the file `name` of the folder, with what they say of themselves.
    pub(crate) fn write_weights<M: Module>(
        &self,
        name: &str,
        model: &M,
        metadata: &[(String, String)],
    ) -> Result<(), TrainError> {
        let path = self.root.join(name);
        let mut writer = Writer::new(model.collect(None, None, false));
        for (key, value) in metadata {
            writer = writer.with_metadata(key, value);
        }
        let bytes = writer.into_bytes().map_err(|error| TrainError::Io {
            doing: "write",
            path: path.clone(),
            source: std::io::Error::other(error.to_string()),
        })?;
        write_atomic(&path, &bytes)
    }

    /// Brings `best/` to the weights of the epochs `kept`; `model` has those of epoch `epoch`, which may be one of them.
    pub(crate) fn keep_best<M: Module>(
        &self,
        epoch: usize,
        kept: &[usize],
        model: &M,
        metadata: &[(String, String)],
    ) -> Result<(), TrainError> {
        let folder = self.root.join(KEPT);
        fs::create_dir_all(&folder).map_err(TrainError::io("create", &folder))?;
        remove_staging(&folder)?;
        let name = |epoch: usize| format!("epoch-{epoch:04}.bpk");
        if kept.contains(&epoch) {
            self.write_weights(&format!("{KEPT}/{}", name(epoch)), model, metadata)?;
        }
        let names: Vec<String> = kept.iter().map(|&epoch| name(epoch)).collect();
        for entry in fs::read_dir(&folder).map_err(TrainError::io("read", &folder))? {
            let entry = entry.map_err(TrainError::io("read", &folder))?;
            let file = entry.file_name().to_string_lossy().into_owned();
            let is_ours = file.starts_with("epoch-") && file.ends_with(".bpk");
            if is_ours && !names.contains(&file) {
                let path = entry.path();
                fs::remove_file(&path).map_err(TrainError::io("remove", &path))?;
            }
        }
        Ok(())
    }

    pub(crate) fn write_summary(&self, summary: &Summary) -> Result<(), TrainError> {
        let text = serde_json::to_vec_pretty(summary).expect("numbers and names are always JSON");
        write_atomic(&self.root.join(SUMMARY), &text)
    }

    /// Removes a run's own files, and nothing else that may lie in the folder.
    fn clear(&self) -> Result<(), TrainError> {
        // The configuration goes last: a kill in between leaves something that still counts as a run.
        for name in [SUMMARY, BEST, BEST_EMA, KEPT, METRICS, CHECKPOINTS, CONFIG] {
            let path = self.root.join(name);
            let removed = match name {
                CHECKPOINTS | KEPT => fs::remove_dir_all(&path),
                _ => fs::remove_file(&path),
            };
            match removed {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(TrainError::io("remove", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Refuses to resume with settings that would give other numbers.
    fn check_unchanged(&self, run: &RunFile) -> Result<(), TrainError> {
        let path = self.root.join(CONFIG);
        let before = fs::read_to_string(&path).map_err(TrainError::io("read", &path))?;
        let before: toml::Table =
            before
                .parse()
                .map_err(|error: toml::de::Error| TrainError::Io {
                    doing: "read",
                    path: path.clone(),
                    source: std::io::Error::other(error.message().to_string()),
                })?;
        let now = toml::Table::try_from(run).expect("a run file has only types that TOML has");
        match first_difference("", &before, &now) {
            None => Ok(()),
            Some((key, before, now)) => Err(TrainError::Changed {
                path,
                key,
                before,
                now,
            }),
        }
    }
}

/// Keys that do not change what is learnt in an epoch: they may differ when a run goes on.
const FREE: [&str; 7] = [
    "model.weights",
    "name",
    "data.root",
    "data.workers",
    "data.eval_batch_size",
    "checkpoint.every_steps",
    "checkpoint.keep",
];

fn first_difference(
    prefix: &str,
    before: &toml::Table,
    now: &toml::Table,
) -> Option<(String, String, String)> {
    let mut keys: Vec<&String> = before.keys().chain(now.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter().find_map(|key| {
        let dotted = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        match (before.get(key), now.get(key)) {
            _ if FREE.contains(&dotted.as_str()) => None,
            (Some(toml::Value::Table(before)), Some(toml::Value::Table(now))) => {
                first_difference(&dotted, before, now)
            }
            (before, now) if before == now => None,
            (before, now) => {
                let text = |value: Option<&toml::Value>| {
                    value.map_or("its default".to_string(), ToString::to_string)
                };
                Some((dotted, text(before), text(now)))
            }
        }
    })
}

fn lock(root: &Path) -> Result<File, TrainError> {
    let path = root.join(".lock");
    let file = File::create(&path).map_err(TrainError::io("write", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(TrainError::Locked {
            path: root.to_path_buf(),
        }),
        Err(TryLockError::Error(error)) => Err(TrainError::io("lock", &path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> toml::Table {
        text.parse().unwrap()
    }

    #[test]
    fn a_changed_setting_is_found_and_a_harmless_one_is_not() {
        let before = table("seed = 1\n[data]\nname = 'mnist'\nworkers = 1\n[optimizer]\nlr = 0.1");
        let same = table(
            "seed = 1\nname = 'x'\n[data]\nname = 'mnist'\nworkers = 4\n[optimizer]\nlr = 0.1",
        );
        assert_eq!(first_difference("", &before, &same), None);
        let other = table("seed = 1\n[data]\nname = 'mnist'\n[optimizer]\nlr = 0.2");
        let difference = first_difference("", &before, &other).unwrap();
        assert_eq!(
            difference,
            ("optimizer.lr".into(), "0.1".into(), "0.2".into())
        );
    }
}
