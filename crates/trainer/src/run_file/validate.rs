//! Values that have the right type but make no sense, found before anything is built.

use super::{CropMode, FitMode, RunFile};

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
        ("data.batch_size", Some(run.data.batch_size)),
        ("data.eval_batch_size", run.data.eval_batch_size),
        ("data.train_size", run.data.train_size),
        ("data.valid_size", run.data.valid_size),
        ("data.size", run.data.size),
        ("data.resize", run.data.resize),
        ("model.num_classes", run.model.num_classes),
        ("train.epochs", Some(run.train.epochs)),
        ("checkpoint.every_steps", run.checkpoint.every_steps),
        ("checkpoint.keep", Some(run.checkpoint.keep)),
    ];
    if let Some((key, _)) = counts.iter().find(|(_, count)| *count == Some(0)) {
        return wrong(key, "1 or more");
    }
    // More than any memory holds, or any run lasts; what lies below may still be too much for a machine.
    let bounds = [
        ("data.size", run.data.size, 16_384),
        ("data.resize", run.data.resize, 32_768),
        ("data.batch_size", Some(run.data.batch_size), 1 << 20),
        ("data.eval_batch_size", run.data.eval_batch_size, 1 << 20),
        ("data.train_size", run.data.train_size, 1 << 32),
        ("data.valid_size", run.data.valid_size, 1 << 32),
        ("train.epochs", Some(run.train.epochs), 1 << 20),
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
    if run.augment.pad.is_some() && run.augment.crop != CropMode::Pad {
        return wrong("augment.pad", "left out: only crop = \"pad\" pads");
    }
    if let Some((key, expected)) = run.optimizer.invalid() {
        return wrong(&format!("optimizer.{key}"), expected);
    }
    let (key, expected) = run.schedule.invalid(run.train.epochs)?;
    wrong(&format!("schedule.{key}"), &expected)
}

fn is_folder_name(name: &str) -> bool {
    !name.trim().is_empty() && !name.contains(['/', '\\', '\0']) && name != "." && name != ".."
}
