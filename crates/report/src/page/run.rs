//! A run in words: its row among the others, its epochs, the machine, the run file.

use toml::Value;

use super::findings::Findings;
use crate::folder::Run;
use crate::machine::Machine;
use crate::record::EpochRecord;
use crate::text::{duration, moment, speed, thousands};

/// One run as the template shows it.
pub(super) struct RunView {
    pub(super) index: usize,
    pub(super) name: String,
    pub(super) model: String,
    pub(super) dataset: String,
    pub(super) state: String,
    pub(super) params: String,
    /// Top-1 of the best epoch, and that epoch.
    pub(super) best: Option<[String; 2]>,
    /// The last epoch.
    pub(super) top1: String,
    pub(super) loss: String,
    pub(super) speed: String,
    pub(super) time: String,
    pub(super) has_ema: bool,
    pub(super) epochs: Vec<Vec<String>>,
    pub(super) findings: Option<Findings>,
    /// What is known of each process that trained.
    pub(super) machines: Vec<Vec<[String; 2]>>,
    pub(super) config: String,
}

impl RunView {
    pub(super) fn new((index, run): (usize, &Run)) -> Self {
        let setting = |section: &str, key: &str| {
            let value = run.config.get(section).and_then(|table| table.get(key));
            match value {
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => String::new(),
            }
        };
        let last = run.history.last();
        let has_ema = last.is_some_and(|record| record.ema.is_some());
        let of_last = |text: fn(&EpochRecord) -> String| last.map(text).unwrap_or_default();
        let best = best(run);
        Self {
            index,
            name: run.name.clone(),
            model: setting("model", "arch"),
            dataset: setting("data", "name"),
            state: match &run.summary {
                Some(_) => "finished".to_owned(),
                None => format!(
                    "epoch {} of {}",
                    run.history.len(),
                    setting("train", "epochs")
                ),
            },
            params: run
                .summary
                .as_ref()
                .map(|summary| thousands(summary.params as u64))
                .unwrap_or_default(),
            best: best.map(|(epoch, top1)| [format!("{top1:.2}"), epoch.to_string()]),
            top1: of_last(|record| format!("{:.2}", record.valid.top1)),
            loss: of_last(|record| format!("{:.4}", record.valid.loss)),
            speed: match &run.summary {
                Some(summary) => speed(summary.images_per_second),
                None => of_last(|record| speed(record.images_per_second)),
            },
            time: match &run.summary {
                Some(summary) => duration(summary.seconds),
                None => of_last(|record| duration(record.seconds)),
            },
            has_ema,
            epochs: run
                .history
                .iter()
                .map(|record| cells(record, has_ema))
                .collect(),
            findings: run.evaluation.as_ref().map(Findings::new),
            machines: run.machines.iter().map(machine).collect(),
            config: run.config.to_string(),
        }
    }
}

/// The epoch whose weights were kept, and its top-1: as the run says, or the highest of a run that is not over.
fn best(run: &Run) -> Option<(usize, f64)> {
    if let Some(summary) = &run.summary {
        return Some((summary.best.epoch, summary.best.valid.top1));
    }
    if let Some(evaluation) = &run.evaluation {
        return Some((evaluation.epoch, evaluation.scores.top1));
    }
    let scores = run
        .history
        .iter()
        .map(|record| (record.epoch, record.valid.top1));
    scores.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

fn cells(record: &EpochRecord, has_ema: bool) -> Vec<String> {
    let mut cells = vec![
        record.epoch.to_string(),
        format!("{:.4}", record.train.loss),
        format!("{:.2}", record.train.top1),
        format!("{:.4}", record.valid.loss),
        format!("{:.2}", record.valid.top1),
        format!("{:.2}", record.valid.top5),
    ];
    if has_ema {
        cells.push(
            record
                .ema
                .map_or(String::new(), |ema| format!("{:.2}", ema.top1)),
        );
    }
    cells.extend([
        format!("{:.3e}", record.lr),
        speed(record.images_per_second),
        duration(record.seconds),
    ]);
    cells
}

/// What is known of a machine; what is empty is not.
fn machine(machine: &Machine) -> Vec<[String; 2]> {
    let cores = match machine.cores {
        0 => String::new(),
        cores => format!(", {cores} threads"),
    };
    let version = |version: &String| match version.as_str() {
        "" => String::new(),
        version => format!("burn-zoo {version}"),
    };
    let burn = match machine.burn.as_str() {
        "" => String::new(),
        burn => format!(", Burn {burn}"),
    };
    let gib = machine.memory as f64 / f64::from(1 << 30);
    let memory = match machine.memory {
        0 => String::new(),
        _ => format!("{gib:.1} GiB"),
    };
    let rows = [
        ("started", moment(machine.started)),
        ("device", machine.device.clone()),
        ("processor", format!("{}{cores}", machine.cpu)),
        ("memory", memory),
        ("system", format!("{} {}", machine.os, machine.arch)),
        ("versions", format!("{}{burn}", version(&machine.burn_zoo))),
        ("features", machine.features.join(", ")),
    ];
    rows.into_iter()
        .filter(|(_, value)| !value.trim().is_empty())
        .map(|(name, value)| [name.to_owned(), value])
        .collect()
}
