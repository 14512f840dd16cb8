//! Values that have the right type but make no sense, found before anything is built.

use super::{FitMode, RunFile, SamplingMode};

/// The first such value: its dotted key, and what it must be.
pub(super) fn invalid(run: &RunFile) -> Option<(String, String)> {
    let wrong = |key: &str, expected: &str| Some((key.to_string(), expected.to_string()));
    if run
        .name
        .as_deref()
        .is_some_and(|name| !is_folder_name(name))
    {
        return wrong(
            "name",
            "a name for a folder: not empty, without / or \\, not . or ..",
        );
    }
    let counts = [
        ("data.batch_size", run.data.batch_size.number()),
        ("data.eval_batch_size", run.data.eval_batch_size),
        ("data.train_size", run.data.train_size),
        ("data.valid_size", run.data.valid_size),
        ("data.size", run.data.size),
        ("data.resize", run.data.resize),
        ("data.prefetch_mib", Some(run.data.prefetch_mib)),
        ("data.shuffle_window", Some(run.data.shuffle_window)),
        ("model.num_classes", run.model.num_classes),
        ("train.epochs", Some(run.train.epochs)),
        ("checkpoint.every_steps", run.checkpoint.every_steps),
        ("checkpoint.keep", Some(run.checkpoint.keep)),
        ("checkpoint.keep_best", run.checkpoint.keep_best),
        ("train.accumulate", Some(run.train.accumulate)),
        ("train.early_stop", run.train.early_stop),
    ];
    if let Some((key, _)) = counts.iter().find(|(_, count)| *count == Some(0)) {
        return wrong(key, "1 or more");
    }
    // More than any memory holds, or any run lasts; what lies below may still be too much for a machine.
    let bounds = [
        ("data.size", run.data.size, 16_384),
        ("data.resize", run.data.resize, 32_768),
        ("data.batch_size", run.data.batch_size.number(), 1 << 20),
        ("data.eval_batch_size", run.data.eval_batch_size, 1 << 20),
        ("data.prefetch_mib", Some(run.data.prefetch_mib), 1 << 20),
        ("data.train_size", run.data.train_size, 1 << 32),
        ("data.valid_size", run.data.valid_size, 1 << 32),
        ("train.epochs", Some(run.train.epochs), 1 << 20),
        ("train.accumulate", Some(run.train.accumulate), 1 << 20),
    ];
    for (key, value, most) in bounds {
        if value.is_some_and(|value| value > most) {
            return wrong(key, &format!("at most {most}"));
        }
    }
    if run.data.workers > 256 {
        return wrong("data.workers", "at most 256");
    }
    if run
        .model
        .in_channels
        .is_some_and(|channels| channels != 1 && channels != 3)
    {
        return wrong("model.in_channels", "1 (grey) or 3 (RGB)");
    }
    if run.data.resize.is_some() && run.data.fit != FitMode::Resize {
        return wrong("data.resize", "left out: only fit = \"resize\" resizes");
    }
    if !run.data.class_weights.is_empty() && run.data.sampling != SamplingMode::Balanced {
        return wrong(
            "data.class_weights",
            "left out: only sampling = \"balanced\" has it",
        );
    }
    let weights = &run.data.class_weights;
    let bad = weights
        .iter()
        .find(|(_, weight)| !(weight.is_finite() && **weight >= 0.0));
    if let Some((class, _)) = bad {
        return wrong(
            &format!("data.class_weights.{class}"),
            "a finite number, 0 or above",
        );
    }
    if let Some((key, expected)) = run.augment.invalid() {
        return wrong(&format!("augment.{key}"), expected);
    }
    if let Some((key, expected)) = step(run) {
        return wrong(key, expected);
    }
    if let Some((key, expected)) = run.devices.invalid() {
        return wrong(&format!("devices.{key}"), expected);
    }
    if let Some((key, expected)) = run.param_groups.invalid() {
        return wrong(&format!("param_groups.{key}"), expected);
    }
    if let Some((key, expected)) = run.optimizer.invalid() {
        return wrong(&format!("optimizer.{key}"), expected);
    }
    let (key, expected) = run.schedule.invalid(run.train.epochs)?;
    wrong(&format!("schedule.{key}"), &expected)
}

/// What `[train]` and `[ema]` say of a step.
fn step(run: &RunFile) -> Option<(&'static str, &'static str)> {
    let train = &run.train;
    // Tensors hold them in 32 bits.
    let above = |value: f64| (value as f32).is_finite() && value as f32 > 0.0;
    let number = "a finite number above 0";
    let checks = [
        (
            "train.label_smoothing",
            (0.0..1.0).contains(&train.label_smoothing),
            "at least 0 and below 1",
        ),
        ("train.clip_norm", train.clip_norm.is_none_or(above), number),
        (
            "train.clip_value",
            train.clip_value.is_none_or(above),
            number,
        ),
        (
            "train.clip_value",
            train.clip_norm.is_none() || train.clip_value.is_none(),
            "left out where clip_norm is given",
        ),
        (
            "ema.decay",
            run.ema.is_none_or(|ema| (0.0..1.0).contains(&ema.decay)),
            "at least 0 and below 1",
        ),
    ];
    let wrong = checks.into_iter().find(|(_, right, _)| !right);
    wrong.map(|(key, _, expected)| (key, expected))
}

fn is_folder_name(name: &str) -> bool {
    !name.trim().is_empty() && !name.contains(['/', '\\', '\0']) && name != "." && name != ".."
}
