//! A run's folder: the files that are written into it, and who may open it.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::ModuleSnapshot;
use burn::store::burn_pack::Writer;
use burn_zoo_report::files::{CONFIG, CSV, EVALUATION, EVENTS, MACHINE, METRICS, REPORT, SUMMARY};
use burn_zoo_report::{EpochRecord, EvaluationRecord, Machine, Run, Summary, page};

use self::atomic_write::remove_staging;
use self::logs::Logs;
use crate::{RunFile, TrainError};

mod atomic_write;
mod checkpoint;
mod logs;

pub use atomic_write::write_atomic;
pub use checkpoint::has_checkpoint;
pub(crate) use checkpoint::{Checkpoints, Progress, ResumeState, load_checkpoint};

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
    logs: Logs,
    /// Locked until dropped; the operating system lets go of it when the process dies.
    _lock: File,
}

pub(crate) const CHECKPOINTS: &str = "checkpoints";
/// The best weights so far.
pub(crate) const BEST: &str = "best.bpk";
/// The best averaged weights so far.
pub(crate) const BEST_EMA: &str = "best_ema.bpk";
const KEPT: &str = "best";

impl RunDir {
    /// Opens the folder `root` for `run`, creating it where needed, and notes the machine that goes on there.
    pub(crate) fn open(
        root: &Path,
        run: &RunFile,
        existing: Existing,
        machine: Machine,
    ) -> Result<Self, TrainError> {
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
        remove_staging(root)?;
        match existing {
            Existing::Overwrite => clear(root)?,
            Existing::Resume if holds_run => check_unchanged(root, run)?,
            Existing::Resume | Existing::Refuse => {}
        }
        write_atomic(&root.join(CONFIG), run.to_toml().as_bytes())?;
        Ok(Self {
            root: root.to_path_buf(),
            logs: Logs {
                section: run.logs,
                started: note_machine(root, machine)?,
            },
            _lock: lock,
        })
    }

    pub(crate) fn checkpoints(&self, keep: usize) -> Result<Checkpoints, TrainError> {
        Checkpoints::open(self.root.join(CHECKPOINTS), keep)
    }

    /// Writes the lines of all epochs so far, in every form.
    pub(crate) fn write_metrics(&self, history: &[EpochRecord]) -> Result<(), TrainError> {
        self.logs.write(&self.root, history)
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

    pub(crate) fn write_evaluation(&self, record: &EvaluationRecord) -> Result<(), TrainError> {
        let text = serde_json::to_vec(record).expect("numbers and names are always JSON");
        write_atomic(&self.root.join(EVALUATION), &text)
    }

    /// Shows what the folder holds as a page.
    pub(crate) fn write_report(&self) -> Result<(), TrainError> {
        let run = Run::read(&self.root)?;
        write_atomic(&self.root.join(REPORT), page(&[run]).as_bytes())
    }
}

/// Adds this process to `machine.json`; gives the time when the first one started.
fn note_machine(root: &Path, machine: Machine) -> Result<f64, TrainError> {
    let path = root.join(MACHINE);
    // What cannot be read says nothing any more, and is not worth a run.
    let known = fs::read(&path).ok();
    let known = known.and_then(|text| serde_json::from_slice(&text).ok());
    let mut machines: Vec<Machine> = known.unwrap_or_default();
    machines.push(machine);
    let text = serde_json::to_vec_pretty(&machines).expect("numbers and names are always JSON");
    write_atomic(&path, &text)?;
    Ok(machines[0].started)
}

/// Removes a run's own files, and nothing else that may lie in the folder.
fn clear(root: &Path) -> Result<(), TrainError> {
    // The configuration goes last: a kill in between leaves something that still counts as a run.
    for name in [
        SUMMARY,
        REPORT,
        EVALUATION,
        BEST,
        BEST_EMA,
        KEPT,
        CSV,
        EVENTS,
        METRICS,
        MACHINE,
        CHECKPOINTS,
        CONFIG,
    ] {
        let path = root.join(name);
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

/// Refuses to go on with the run in the folder `root` with settings that would give other numbers. A folder without a run
/// refuses nothing.
///
/// # Errors
/// [`TrainError::Changed`] names the first key that differs, [`TrainError::Io`] a file that cannot be read.
pub fn check_unchanged(root: &Path, run: &RunFile) -> Result<(), TrainError> {
    let path = root.join(CONFIG);
    if !path.exists() {
        return Ok(());
    }
    let before = fs::read_to_string(&path).map_err(TrainError::io("read", &path))?;
    let before: toml::Table = before
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

/// Keys that do not change what is learnt in an epoch: they may differ when a run goes on.
const RESUMABLE_KEYS: [&str; 10] = [
    "model.weights",
    "name",
    "data.root",
    "data.workers",
    "data.prefetch_mib",
    "data.eval_batch_size",
    "checkpoint.every_steps",
    "checkpoint.keep",
    // Sections as a whole: older run folders have no logs, and a batch is the same on any number of devices.
    "logs",
    "devices",
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
            _ if RESUMABLE_KEYS.contains(&dotted.as_str()) => None,
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
