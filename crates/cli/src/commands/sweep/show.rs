//! What a sweep says of its runs.

use super::plan::Sweep;
use crate::error::CliError;
use crate::output::{table, thousands};

/// A run's place and name.
pub(super) fn heading(sweep: &Sweep, index: usize) -> String {
    format!(
        "run {}/{}: {}",
        index + 1,
        sweep.runs.len(),
        sweep.runs[index].run
    )
}

/// The table of the runs.
pub(super) fn text(sweep: &Sweep) -> String {
    let rows: Vec<_> = sweep
        .runs
        .iter()
        .map(|entry| match &entry.summary {
            Some(summary) => [
                entry.run.clone(),
                thousands(summary.params as u64),
                format!("{:.2} %", summary.best.valid.top1),
                summary.best.epoch.to_string(),
                format!("{:.4}", summary.valid.loss),
                thousands(summary.images_per_second.round() as u64),
                format!("{:.1} s", summary.seconds),
            ],
            None => {
                let mut row: [String; 7] = Default::default();
                row[0].clone_from(&entry.run);
                row[1] = "failed".to_owned();
                row
            }
        })
        .collect();
    let table = table(
        [
            "run",
            "parameters",
            "best top-1",
            "in epoch",
            "last loss",
            "images/s",
            "time",
        ],
        [false, true, true, true, true, true, true],
        &rows,
    );
    format!("{table}\n\nreport: {}", sweep.report.display())
}

/// Exit code 1 where a run failed, which is named; the result is written already.
pub(super) fn failures(sweep: &Sweep) -> Result<(), CliError> {
    let failed = sweep.runs.iter().filter_map(|entry| {
        let error = entry.error.as_ref()?;
        Some(format!("\n  {}: {error}", entry.run))
    });
    let failed: Vec<String> = failed.collect();
    match failed.len() {
        0 => Ok(()),
        count => Err(CliError::Reported(format!(
            "{count} of {} runs failed; --resume tries them again:{}",
            sweep.runs.len(),
            failed.concat()
        ))),
    }
}
