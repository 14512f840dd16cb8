//! The metrics of a run in every form that its run file asks for.

use std::path::Path;

use burn_zoo_report::files::{CSV, EVENTS, METRICS};
use burn_zoo_report::{EpochRecord, csv, events};

use super::atomic_write::{write_atomic, write_growing};
use crate::TrainError;
use crate::config::LogsSection;

/// What is written beside `metrics.jsonl`.
pub(crate) struct Logs {
    pub(crate) section: LogsSection,
    /// When the run began, in seconds since 1970.
    pub(crate) started: f64,
}

impl Logs {
    /// Brings every file in `root` to the epochs of `history`, whatever it holds: more epochs, fewer, or a torn one.
    pub(crate) fn write(&self, root: &Path, history: &[EpochRecord]) -> Result<(), TrainError> {
        let mut lines = String::new();
        for record in history {
            lines += &serde_json::to_string(record).expect("numbers and names are always JSON");
            lines.push('\n');
        }
        write_atomic(&root.join(METRICS), lines.as_bytes())?;
        if self.section.csv {
            write_growing(&root.join(CSV), &csv(history))?;
        }
        if self.section.tensorboard {
            write_growing(&root.join(EVENTS), &events(self.started, history))?;
        }
        Ok(())
    }
}
