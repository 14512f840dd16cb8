//! `zoo sweep`: one run for each point of a grid, in turn, and a page that compares them.

mod grid;
mod plan;
mod show;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use burn::train::Interrupter;
use burn_zoo::data::ImageData;
use burn_zoo::report::files::{REPORT, SUMMARY};
use burn_zoo::trainer::{
    BatchSize, DataSection, Existing, Outcome, RunFile, Summary, check_unchanged, has_checkpoint,
    train,
};
use clap::Args;

use self::grid::Point;
use self::plan::{Entry, State, Sweep};
use self::show::{failures, heading, text};
use crate::args::DeviceArg;
use crate::commands::report;
use crate::device_group::DeviceGroup;
use crate::error::CliError;
use crate::load;
use crate::output::Output;
use crate::prepare::{PreparedRun, RunOptions, stop_on_signal};
use crate::progress::{ProgressObserver, status};
#[cfg(feature = "remote")]
use crate::remote::TokenArg;

/// Train one run for each combination of settings, in turn, and compare them on one page
///
/// Every run has its folder below the sweep's, named by its settings. A run that fails is noted and the sweep goes on. Ctrl-C
/// finishes the step, writes a checkpoint and prints the command that goes on from there; so does --resume after a kill.
#[derive(Debug, Args)]
pub(crate) struct SweepArgs {
    /// The run file.
    config: PathBuf,

    /// A key and its values, as in optimizer.lr=0.01,0.1; several keys are combined, the last one changes fastest.
    #[arg(long, value_name = "KEY=VALUE,…", required = true)]
    grid: Vec<String>,

    /// Override a key of the run file in all runs; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,

    #[command(flatten)]
    device: DeviceArg,

    #[cfg(feature = "remote")]
    #[command(flatten)]
    token: TokenArg,

    /// The sweep's folder [default: runs/NAME-sweep, the run file's name]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Go on with the sweep in the folder: finished runs stay, the others go on or begin.
    #[arg(long, conflicts_with = "overwrite")]
    resume: bool,

    /// Start every run afresh.
    #[arg(long)]
    overwrite: bool,
}

/// The runs of a sweep's folder that have begun; none where it is the folder of no sweep.
pub(crate) fn folders(folder: &Path) -> Result<Option<Vec<PathBuf>>, CliError> {
    plan::begun(folder)
}

pub(crate) fn run(args: &SweepArgs, output: Output) -> Result<(), CliError> {
    let axes = grid::parse(&args.grid)?;
    let points = grid::points(&axes)?;
    let runs: Vec<RunFile> = points
        .iter()
        .map(|point| load(args, point))
        .collect::<Result<_, _>>()?;
    let folder = folder(args, &runs[0]);
    let occupied = || {
        let runs = points.iter().map(|point| folder.join(&point.name));
        plan::is_there(&folder) || runs.into_iter().any(|run| run.exists())
    };
    if !args.resume && !args.overwrite && occupied() {
        return Err(CliError::Input(format!(
            "{} already holds a sweep; add --resume to go on with it, --overwrite to start afresh, or --out DIR to write \
             elsewhere",
            folder.display()
        )));
    }
    if let Some(other) = runs.iter().find(|run| run.devices != runs[0].devices) {
        return Err(CliError::Input(format!(
            "--grid: a run names the devices {:?}, another one {:?}: the runs of a sweep share their devices",
            other.devices, runs[0].devices
        )));
    }
    #[allow(unused_mut, reason = "only remote devices are watched")]
    let mut devices = DeviceGroup::open(
        &runs[0].devices,
        &args.device,
        #[cfg(feature = "remote")]
        &args.token,
    )?;
    let mut images = Images::default();
    // Nothing is trained before every run is known to be possible.
    for (run, point) in runs.iter().zip(&points) {
        let ready = PreparedRun::new(run.clone(), images.of(run)?)?;
        let out = folder.join(&point.name);
        if args.resume {
            check_unchanged(&out, run)?;
        }
        if !(args.resume && has_checkpoint(&out)) {
            ready.started(&devices.first)?;
        }
    }

    let mut sweep = Sweep {
        config: args.config.clone(),
        set: args.set.clone(),
        grid: axes,
        runs: points
            .into_iter()
            .map(|Point { name, set }| Entry {
                run: name,
                set,
                state: State::Pending,
                error: None,
                summary: None,
            })
            .collect(),
        report: folder.join(REPORT),
        folder,
    };
    std::fs::create_dir_all(&sweep.folder).map_err(|error| {
        CliError::Input(format!("cannot create {}: {error}", sweep.folder.display()))
    })?;
    if args.resume {
        take_up(&mut sweep)?;
    } else {
        unfinish(&sweep)?;
    }
    sweep.write()?;
    let interrupter = Interrupter::new();
    stop_on_signal(&interrupter, None)?;
    #[cfg(feature = "remote")]
    devices.watch({
        let resume = resume_command(args);
        move |lost| {
            let failure = CliError::Failed(format!("{lost}; go on with\n  {resume}"));
            output.fail(&failure);
            std::process::exit(failure.exit_code().into());
        }
    });
    for (index, run) in runs.into_iter().enumerate() {
        if sweep.runs[index].state == State::Finished {
            status(&format!("{} is finished already", heading(&sweep, index)));
            continue;
        }
        status(&heading(&sweep, index));
        let outcome = match interrupter.should_stop() {
            true => None,
            false => one(
                args,
                &sweep,
                index,
                run,
                &mut images,
                &devices,
                &interrupter,
            ),
        };
        let Some(outcome) = outcome else {
            sweep.write()?;
            write_report(&sweep)?;
            return Err(CliError::Interrupted(format!(
                "stopped in {}; go on with\n  {}",
                heading(&sweep, index),
                resume_command(args)
            )));
        };
        let entry = &mut sweep.runs[index];
        match outcome {
            Ok(summary) => {
                entry.state = State::Finished;
                entry.summary = Some(summary);
            }
            Err(message) => {
                status(&format!("{} failed: {message}", entry.run));
                entry.state = State::Failed;
                entry.error = Some(message);
            }
        }
        sweep.write()?;
        write_report(&sweep)?;
    }
    write_report(&sweep)?;
    output.show(&sweep, || text(&sweep))?;
    failures(&sweep)
}

/// The run file at a point of the grid.
fn load(args: &SweepArgs, point: &Point) -> Result<RunFile, CliError> {
    let set: Vec<String> = args.set.iter().chain(&point.set).cloned().collect();
    let run = RunFile::load(&args.config, &set).map_err(|error| {
        let mut message = error.to_string();
        for assignment in &point.set {
            // Nobody wrote this --set.
            message = message.replace(
                &format!("--set {assignment}"),
                &format!("--grid {assignment}"),
            );
        }
        CliError::Input(message)
    })?;
    if run.data.batch_size == BatchSize::Auto {
        return Err(CliError::Input(
            "run file, key `data.batch_size`: \"auto\" would give each run of a sweep a size of its own: expected a number, \
             such as 128"
                .into(),
        ));
    }
    Ok(run)
}

fn folder(args: &SweepArgs, first: &RunFile) -> PathBuf {
    let default = || {
        let stem = args
            .config
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy();
        let name = first.name.clone().unwrap_or_else(|| stem.into_owned());
        PathBuf::from("runs").join(format!("{name}-sweep"))
    };
    args.out.clone().unwrap_or_else(default)
}

/// Notes which runs a sweep before has finished.
fn take_up(sweep: &mut Sweep) -> Result<(), CliError> {
    for index in 0..sweep.runs.len() {
        let path = sweep.path(&sweep.runs[index]).join(SUMMARY);
        let Ok(text) = std::fs::read(&path) else {
            continue;
        };
        let summary: Summary = serde_json::from_slice(&text).map_err(|error| {
            CliError::Input(format!(
                "{}: {error}; remove the file to let its run end once more",
                path.display()
            ))
        })?;
        sweep.runs[index].state = State::Finished;
        sweep.runs[index].summary = Some(summary);
    }
    Ok(())
}

/// Lets every run count as not finished, so that resuming a sweep that is killed while it starts afresh takes none of the
/// old runs for its own.
fn unfinish(sweep: &Sweep) -> Result<(), CliError> {
    for entry in &sweep.runs {
        let path = sweep.path(entry).join(SUMMARY);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(CliError::Input(format!(
                    "cannot remove {}: {error}",
                    path.display()
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Trains one run: its summary, or why it failed; none where it was stopped.
fn one(
    args: &SweepArgs,
    sweep: &Sweep,
    index: usize,
    run: RunFile,
    images: &mut Images,
    devices: &DeviceGroup,
    interrupter: &Interrupter,
) -> Option<Result<Summary, String>> {
    let out = sweep.path(&sweep.runs[index]);
    let options = RunOptions {
        existing: match (args.overwrite, out.exists()) {
            (true, _) => Existing::Overwrite,
            (false, true) => Existing::Resume,
            (false, false) => Existing::Refuse,
        },
        out,
        observer: Box::new(ProgressObserver::new()),
        interrupter: interrupter.clone(),
    };
    let outcome = images
        .of(&run)
        .and_then(|data| PreparedRun::new(run, data))
        .and_then(|prepared| prepared.request(options, devices))
        .and_then(|request| Ok(train(request)?));
    match outcome {
        Ok(Outcome::Finished(summary)) => Some(Ok(summary)),
        Ok(Outcome::Interrupted { .. }) => None,
        Err(failure) => Some(Err(failure.to_string())),
    }
}

/// The images of the run at hand, kept for the next one where it wants the same.
#[derive(Default)]
struct Images(Option<(DataSection, u64, ImageData)>);

impl Images {
    fn of(&mut self, run: &RunFile) -> Result<ImageData, CliError> {
        match &self.0 {
            Some((section, seed, data)) if *section == run.data && *seed == run.seed => {
                Ok(data.clone())
            }
            _ => {
                // Two data sets at once may be more than the memory holds.
                self.0 = None;
                let data = load::data_of(run)?;
                self.0 = Some((run.data.clone(), run.seed, data.clone()));
                Ok(data)
            }
        }
    }
}

/// The page of all runs that have begun.
fn write_report(sweep: &Sweep) -> Result<(), CliError> {
    let begun = plan::begun(&sweep.folder)?.unwrap_or_default();
    if !begun.is_empty() {
        report::write(&sweep.report, &begun)?;
    }
    Ok(())
}

fn resume_command(args: &SweepArgs) -> String {
    let mut words = vec![
        "zoo".to_owned(),
        "sweep".to_owned(),
        args.config.display().to_string(),
    ];
    for grid in &args.grid {
        words.extend(["--grid".to_owned(), grid.clone()]);
    }
    for assignment in &args.set {
        words.extend(["--set".to_owned(), assignment.clone()]);
    }
    words.extend(args.device.words());
    #[cfg(feature = "remote")]
    words.extend(args.token.words());
    if let Some(out) = &args.out {
        words.extend(["--out".to_owned(), out.display().to_string()]);
    }
    words.push("--resume".to_owned());
    load::shell_line(&words)
}
