//! `zoo train`: a run file becomes a run folder.

mod batch_size;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Device;
use burn::train::Interrupter;
use burn_zoo::report::files::REPORT;
use burn_zoo::trainer::{
    BatchSize, Best, DevicesSection, EpochRecord, Existing, Observer, Outcome, RunFile, StepReport,
    Summary, has_checkpoint, train,
};
use clap::Args;
use serde::Serialize;

use crate::args::DeviceArg;
#[cfg(feature = "tui")]
use crate::dashboard::DashboardObserver;
use crate::device_group::DeviceGroup;
use crate::devices::has_own_memory;
use crate::error::CliError;
use crate::load;
use crate::output::{Output, thousands};
use crate::prepare::{PreparedRun, RunOptions, stop_on_signal};
use crate::progress::{ProgressObserver, scores};
#[cfg(feature = "remote")]
use crate::remote::TokenArg;
use crate::terminal::Terminal;

/// Train a network as a run file says
///
/// Writes a run folder: config.toml, metrics.jsonl, metrics.csv, events for TensorBoard, checkpoints/, best.bpk,
/// evaluation.json, machine.json, summary.json, and report.html to look at. Ctrl-C finishes the step, writes a checkpoint and prints the command that goes on from there; a second Ctrl-C quits at once.
#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// The run file.
    config: PathBuf,

    /// Override a key of the run file, as in optimizer.lr=0.05; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,

    #[command(flatten)]
    device: DeviceArg,

    #[cfg(feature = "remote")]
    #[command(flatten)]
    token: TokenArg,

    /// The run folder [default: runs/NAME, the run's name]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Go on with the run in the folder.
    #[arg(long, conflicts_with = "overwrite")]
    resume: bool,

    /// Remove the run in the folder and start afresh.
    #[arg(long)]
    overwrite: bool,

    /// Print lines instead of showing the dashboard on a terminal.
    #[arg(long)]
    plain: bool,

    /// Stop when so many batches are done, as Ctrl-C would.
    #[arg(long, hide = true, value_name = "BATCHES")]
    stop_after: Option<usize>,
}

#[derive(Serialize)]
struct Report {
    run: PathBuf,
    report: PathBuf,
    #[serde(flatten)]
    summary: Summary,
}

pub(crate) fn run(args: TrainArgs, output: Output) -> Result<(), CliError> {
    let mut run = RunFile::load(&args.config, &args.set)?;
    load::model_of(&run)?;
    #[allow(unused_mut, reason = "only remote devices are watched")]
    let mut devices = DeviceGroup::open(
        &run.devices,
        &args.device,
        #[cfg(feature = "remote")]
        &args.token,
    )?;
    let data = load::data_of(&run)?;
    let name = run.run_name();
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("runs").join(&name));
    if run.data.batch_size == BatchSize::Auto {
        run.data.batch_size =
            batch_size(&args, &run.devices, &devices.first, data.train.len(), &out)?;
    }
    let prepared = PreparedRun::new(run, data)?;
    let existing = match (args.resume, args.overwrite) {
        (true, _) => Existing::Resume,
        (_, true) => Existing::Overwrite,
        _ => Existing::Refuse,
    };
    let interrupter = Interrupter::new();
    let lines = || -> Box<dyn Observer> {
        Box::new(match devices.compiles_kernels() {
            true => ProgressObserver::with_kernels(),
            false => ProgressObserver::new(),
        })
    };
    #[cfg(feature = "tui")]
    let (terminal, observer) = match wants_dashboard(&args, output) {
        true => {
            let dashboard: Box<dyn Observer> = Box::new(DashboardObserver::new(&interrupter, name));
            let terminal = Arc::new(Terminal::keep_interrupt_key());
            (Some(terminal), dashboard)
        }
        false => (None, lines()),
    };
    #[cfg(not(feature = "tui"))]
    let (terminal, observer): (Option<Arc<Terminal>>, _) = (None, lines());
    let observer = match args.stop_after {
        Some(left) => Box::new(StopAfter {
            left,
            interrupter: interrupter.clone(),
            observer,
        }),
        None => observer,
    };
    stop_on_signal(&interrupter, terminal.clone())?;
    let resume = resume_command(&args);
    #[cfg(feature = "remote")]
    devices.watch({
        let (out, resume) = (out.clone(), resume.clone());
        move |lost| end_run(lost, &out, &resume, terminal.as_deref(), output)
    });
    let options = RunOptions {
        out: out.clone(),
        existing,
        observer,
        interrupter,
    };
    let trained = prepared
        .request(options, &devices)
        .and_then(|request| Ok(train(request)?));
    #[cfg(feature = "remote")]
    crate::remote::over(trained.is_err());
    match trained? {
        Outcome::Finished(summary) => {
            let report = Report {
                report: out.join(REPORT),
                run: out,
                summary,
            };
            output.show(&report, || text(&report))
        }
        Outcome::Interrupted { epochs, steps } => Err(CliError::Interrupted(format!(
            "stopped after {epochs} epochs and {steps} steps; go on with\n  {resume}"
        ))),
    }
}

/// Ends the process, since a worker is lost.
#[cfg(feature = "remote")]
fn end_run(lost: &str, out: &Path, resume: &str, terminal: Option<&Terminal>, output: Output) {
    if let Some(terminal) = terminal {
        terminal.restore();
    }
    let kept = match has_checkpoint(out) {
        true => "the last checkpoint is kept",
        false => "there was no checkpoint yet (checkpoint.every_steps writes them within an epoch)",
    };
    let failure = CliError::Failed(format!(
        "{lost}; {kept}: go on, with this worker or others (devices.remote), with\n  {resume}"
    ));
    output.fail(&failure);
    // As after a kill: whatever Burn waits for does not come.
    std::process::exit(failure.exit_code().into());
}

/// The batch size behind `"auto"`: that of the run in `out` where it goes on, or as many of `images` as fit.
fn batch_size(
    args: &TrainArgs,
    named: &DevicesSection,
    device: &Device,
    images: usize,
    out: &Path,
) -> Result<BatchSize, CliError> {
    if args.resume
        && has_checkpoint(out)
        && let Some(size) = batch_size::of_run(out)?
    {
        return Ok(BatchSize::Of(size));
    }
    if !named.remote.is_empty() || named.local.len() > 1 {
        return Err(CliError::Input(
            "run file, key `data.batch_size`: \"auto\" is for one device of this machine: expected a number, such as 256"
                .into(),
        ));
    }
    if !has_own_memory(device) {
        return Err(CliError::Input(
            "run file, key `data.batch_size`: \"auto\" is for GPUs; a CPU's memory is everyone's, and running out of it \
             ends more than the run: expected a number, such as 128"
                .into(),
        ));
    }
    batch_size::find(args, images).map(BatchSize::Of)
}

/// Stops a run after so many batches, and passes on to another observer.
struct StopAfter {
    left: usize,
    interrupter: Interrupter,
    observer: Box<dyn Observer>,
}

impl Observer for StopAfter {
    fn step(&mut self, report: &StepReport) {
        self.observer.step(report);
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.interrupter.stop(Some("enough steps"));
        }
    }

    fn epoch(&mut self, record: &EpochRecord, epochs: usize) {
        self.observer.epoch(record, epochs);
    }

    fn note(&mut self, message: &str) {
        self.observer.note(message);
    }
}

fn text(report: &Report) -> String {
    let Report {
        run,
        report,
        summary,
    } = report;
    let average = summary.best_ema.map_or(String::new(), |best| {
        let Best { epoch, valid } = best;
        format!("\nbest averaged in epoch {epoch}: {}", scores(&valid))
    });
    format!(
        "{}: {} on {}, {} epochs, {} parameters\nvalid {}\nbest in epoch {}: {}{average}\n{} images/s, {:.1} s\nreport: {}",
        run.display(),
        summary.model,
        summary.dataset,
        summary.epochs,
        thousands(summary.params as u64),
        scores(&summary.valid),
        summary.best.epoch,
        scores(&summary.best.valid),
        thousands(summary.images_per_second.round() as u64),
        summary.seconds,
        report.display(),
    )
}

/// Whether the dashboard is shown: on a terminal, unless lines or JSON are wanted.
#[cfg(feature = "tui")]
fn wants_dashboard(args: &TrainArgs, output: Output) -> bool {
    use std::io::IsTerminal;

    let is_terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    is_terminal && !args.plain && !output.is_json()
}

fn resume_command(args: &TrainArgs) -> String {
    let mut words = vec![
        "zoo".to_owned(),
        "train".to_owned(),
        args.config.display().to_string(),
    ];
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
