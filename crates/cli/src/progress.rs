//! Standard error: messages, and bars that vanish where there is no terminal.

use std::fmt;
use std::io::Write;
use std::time::Duration;

use burn_zoo::datasets;
use burn_zoo::trainer::{EpochRecord, Metrics, Observer, Phase, StepReport};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::output::thousands;

/// A line on standard error.
pub(crate) fn status(message: &str) {
    // Standard error may be closed, and a message is not worth failing for.
    let _ = writeln!(anstream::stderr(), "{message}");
}

/// A bar that counts `unit`; invisible where standard error is no terminal.
pub(crate) fn bar(total: u64, unit: &str) -> ProgressBar {
    let template = format!(
        "{{msg}} {{wide_bar:.cyan/dim}} {{human_pos}}/{{human_len}} {unit} {{rate}} {{eta}}"
    );
    styled(ProgressBar::new(total), &template)
}

/// The same for bytes.
fn byte_bar(total: u64) -> ProgressBar {
    styled(
        ProgressBar::new(total),
        "{msg} {wide_bar:.cyan/dim} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
    )
}

/// Follows a fetch: one bar at a time, for the file and phase at hand.
#[derive(Default)]
pub(crate) struct FetchBar {
    current: Option<(String, datasets::Phase, ProgressBar)>,
}

impl FetchBar {
    pub(crate) fn show(&mut self, progress: &datasets::Progress<'_>) {
        let datasets::Progress {
            file,
            phase,
            done,
            total,
        } = *progress;
        let is_current = self
            .current
            .as_ref()
            .is_some_and(|(name, now, _)| name == file && *now == phase);
        if !is_current {
            self.clear();
            let (what, bar) = match phase {
                datasets::Phase::Download => ("download", byte_bar(total)),
                datasets::Phase::Verify => ("verify", byte_bar(total)),
                datasets::Phase::Unpack => ("unpack", byte_bar(total)),
                datasets::Phase::Convert => ("convert", bar(total, "images")),
                datasets::Phase::Pack => ("pack", bar(total, "images")),
            };
            bar.set_message(format!("{what} {file}"));
            self.current = Some((file.to_owned(), phase, bar));
        }
        if let Some((_, _, bar)) = &self.current {
            bar.set_length(total);
            bar.set_position(done);
        }
    }

    pub(crate) fn clear(&mut self) {
        if let Some((_, _, bar)) = self.current.take() {
            bar.finish_and_clear();
        }
    }
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    let style =
        ProgressStyle::with_template(template).expect("the templates are constants of this file");
    // The bar's own rate has four decimals.
    let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
        let _ = match state.per_sec() {
            slow @ ..10.0 => write!(out, "{slow:.1}/s"),
            fast => write!(out, "{}/s", thousands(fast as u64)),
        };
    };
    bar.with_style(style.with_key("rate", rate))
}

/// A line above the bar, or in the log where there is no bar.
fn say_above(bar: &ProgressBar, message: &str) {
    bar.suspend(|| status(message));
}

/// Follows a training: one line per epoch, and a bar for its steps.
pub(crate) struct ProgressObserver {
    bar: ProgressBar,
    phase: Option<(Phase, usize)>,
    /// Shown until the first step is done, on devices whose kernels are compiled and tuned by then.
    kernels: Option<ProgressBar>,
}

impl ProgressObserver {
    pub(crate) fn new() -> Self {
        let template = "{prefix} {wide_bar:.cyan/dim} {pos}/{len} {msg} {eta}";
        Self {
            bar: styled(ProgressBar::new(0), template),
            phase: None,
            kernels: None,
        }
    }

    /// The same for a device that compiles and tunes its kernels before the first step: no silent minute.
    pub(crate) fn with_kernels() -> Self {
        let message = "compiling and tuning kernels for the first step";
        let waiting = styled(ProgressBar::new_spinner(), "{spinner} {msg}, {elapsed}");
        waiting.set_message(message);
        waiting.enable_steady_tick(Duration::from_millis(200));
        // In a log there is no spinner.
        if waiting.is_hidden() {
            status(message);
        }
        let mut follow = Self::new();
        follow.kernels = Some(waiting);
        follow
    }

    fn kernels_are_ready(&mut self) {
        if let Some(waiting) = self.kernels.take() {
            let seconds = waiting.elapsed().as_secs_f64();
            waiting.finish_and_clear();
            status(&format!("first step after {seconds:.1} s"));
        }
    }
}

impl Observer for ProgressObserver {
    fn step(&mut self, report: &StepReport) {
        let StepReport {
            phase,
            epoch,
            epochs,
            batch,
            batches,
            loss,
            lr,
            ..
        } = *report;
        self.kernels_are_ready();
        if self.phase != Some((phase, epoch)) {
            self.phase = Some((phase, epoch));
            self.bar.reset();
            self.bar.set_length(batches as u64);
            let what = match phase {
                Phase::Train => "train",
                Phase::Valid => "valid",
            };
            self.bar
                .set_prefix(format!("epoch {epoch}/{epochs} {what}"));
            self.bar.set_message("");
        }
        if let (Some(loss), Some(lr)) = (loss, lr) {
            self.bar.set_message(format!("loss {loss:.4} lr {lr:.3e}"));
        }
        self.bar.set_position(batch as u64);
    }

    fn epoch(&mut self, record: &EpochRecord, epochs: usize) {
        self.bar.finish_and_clear();
        status(&epoch_line(record, epochs));
    }

    fn note(&mut self, message: &str) {
        say_above(&self.bar, message);
    }
}

impl Drop for ProgressObserver {
    fn drop(&mut self) {
        if let Some(waiting) = &self.kernels {
            waiting.finish_and_clear();
        }
        self.bar.finish_and_clear();
    }
}

fn epoch_line(record: &EpochRecord, epochs: usize) -> String {
    let EpochRecord {
        epoch,
        train,
        valid,
        ema,
        lr,
        images_per_second,
        seconds,
        ..
    } = record;
    let width = epochs.to_string().len();
    let average = ema.map_or(String::new(), |ema| format!("ema {}  ", scores(&ema)));
    format!(
        "epoch {epoch:>width$}/{epochs}  train loss {:.4} top-1 {:.2} %  valid {}  {average}lr {lr:.3e}  {} images/s  {seconds:.1} s",
        train.loss,
        train.top1,
        scores(valid),
        thousands(images_per_second.round() as u64),
    )
}

/// `loss 0.0512 top-1 98.40 % top-5 100.00 %`.
pub(crate) fn scores(scores: &Metrics) -> String {
    format!(
        "loss {:.4} top-1 {:.2} % top-5 {:.2} %",
        scores.loss, scores.top1, scores.top5
    )
}
