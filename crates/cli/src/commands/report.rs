//! `zoo report`: run folders become one page.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use burn_zoo::report::files::REPORT;
use burn_zoo::report::{Run, page};
use burn_zoo::trainer::{Summary, write_atomic};
use clap::Args;
use serde::Serialize;

use crate::commands::sweep;
use crate::error::CliError;
use crate::output::Output;

/// Write one self-contained HTML page that shows and compares runs
///
/// Curves, confusion matrices, the worst mistakes, what differs between the run files, machines and versions. The page asks
/// the network for nothing.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Run folders, finished or not; the folder of a sweep stands for its runs.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,

    /// The page [default: report.html in the folder, where one is named, else here]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Serialize)]
struct Written {
    file: PathBuf,
    runs: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    run: PathBuf,
    name: String,
    /// Epochs that are done.
    epochs: usize,
    /// Of a run that came to its end.
    summary: Option<Summary>,
}

pub(crate) fn run(args: &ReportArgs, output: Output) -> Result<(), CliError> {
    let mut folders = Vec::new();
    for folder in &args.runs {
        match sweep::folders(folder)? {
            Some(runs) if runs.is_empty() => {
                return Err(CliError::Input(format!(
                    "{}: no run of this sweep has begun yet; go on with `zoo sweep … --resume`",
                    folder.display()
                )));
            }
            Some(runs) => folders.extend(runs),
            None => folders.push(folder.clone()),
        }
    }
    let mut seen = BTreeSet::new();
    folders.retain(|folder| seen.insert(folder.canonicalize().unwrap_or_else(|_| folder.clone())));
    let file = match (&args.output, args.runs.as_slice()) {
        (Some(file), _) => file.clone(),
        (None, [folder]) => folder.join(REPORT),
        (None, _) => PathBuf::from(REPORT),
    };
    let runs = write(&file, &folders)?;
    let shown = folders.into_iter().zip(runs).map(|(folder, run)| Shown {
        run: folder,
        name: run.name,
        epochs: run.history.len(),
        summary: run.summary,
    });
    let written = Written {
        file,
        runs: shown.collect(),
    };
    output.show(&written, || {
        let count = match written.runs.len() {
            1 => "1 run is".to_owned(),
            count => format!("{count} runs are"),
        };
        format!("{count} in {}", written.file.display())
    })
}

/// Writes the page of the runs in `folders`.
pub(crate) fn write(file: &Path, folders: &[PathBuf]) -> Result<Vec<Run>, CliError> {
    let runs = folders.iter().map(|folder| Run::read(folder));
    let mut runs: Vec<Run> = runs.collect::<Result<_, _>>().map_err(CliError::input)?;
    let names: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
    for (run, folder) in runs.iter_mut().zip(folders) {
        // Folders of one name are told apart by where they lie.
        if names.iter().filter(|name| **name == run.name).count() > 1 {
            run.name = folder.display().to_string();
        }
    }
    write_atomic(file, page(&runs).as_bytes())?;
    Ok(runs)
}
