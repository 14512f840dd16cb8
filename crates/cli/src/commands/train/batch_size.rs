//! `data.batch_size = "auto"`: the largest power of two that the device's memory holds.
//!
//! Each size is tried on the run itself, in a process of its own that stops after two steps: a device that ran out of
//! memory serves its process no longer.

use std::path::Path;
use std::process::{Command, Stdio};

use burn_zoo::trainer::RunFile;
use serde_json::Value;

use super::TrainArgs;
use crate::error::CliError;
use crate::progress::status;

/// The first size that is tried.
const FIRST: usize = 16;
/// More images in a step than this are left to `train.accumulate` and to whoever asks for them.
const MOST: usize = 1024;
/// The second step has the optimizer's memory of the first.
const STEPS: &str = "2";

/// Finds it for a data set of `images` training images.
pub(super) fn find(args: &TrainArgs, images: usize) -> Result<usize, CliError> {
    let size = largest(FIRST, MOST.min(images), |size| {
        let fits = fits(args, size)?;
        let answer = if fits { "fits" } else { "does not fit" };
        status(&format!("data.batch_size = {size} {answer}"));
        Ok(fits)
    })?;
    size.ok_or_else(|| {
        CliError::Failed(
            "not even batches of one image fit the device's memory: choose a smaller network, or smaller images \
             (data.size)"
                .into(),
        )
    })
}

/// The number that the run in `folder` was begun with.
pub(super) fn of_run(folder: &Path) -> Result<Option<usize>, CliError> {
    let run = RunFile::load(&folder.join("config.toml"), &[])?;
    Ok(run.data.batch_size.number())
}

/// The largest power of two up to `most` that `fits`, doubling or halving from `first` on.
fn largest(
    first: usize,
    most: usize,
    mut fits: impl FnMut(usize) -> Result<bool, CliError>,
) -> Result<Option<usize>, CliError> {
    let mut size = first;
    while size > most {
        size /= 2;
    }
    let begin = size;
    while size > 0 && !fits(size)? {
        size /= 2;
    }
    if size < begin {
        return Ok((size > 0).then_some(size));
    }
    while 2 * size <= most && fits(2 * size)? {
        size *= 2;
    }
    Ok(Some(size))
}

/// Whether two steps with batches of `size` fit.
fn fits(args: &TrainArgs, size: usize) -> Result<bool, CliError> {
    let failed =
        |error: std::io::Error| CliError::Failed(format!("cannot try a batch size: {error}"));
    let folder = tempfile::tempdir().map_err(failed)?;
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command.arg("train").arg(&args.config);
    for assignment in &args.set {
        command.args(["--set", assignment]);
    }
    command.args(["--set", &format!("data.batch_size={size}")]);
    let output = command
        .args(args.device.words())
        .args(["--stop-after", STEPS, "--json", "--overwrite", "--out"])
        .arg(folder.path())
        .stdin(Stdio::null())
        .output()
        .map_err(failed)?;
    let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let error = document["error"].as_str().unwrap_or_default();
    match output.status.code() {
        // Done, or stopped as asked.
        Some(0 | 130) => Ok(true),
        _ if error.contains(OUT_OF_MEMORY) => Ok(false),
        // Killed, as systems do with whoever takes too much.
        None => Ok(false),
        Some(2) => Err(CliError::Input(error.to_owned())),
        Some(_) => Err(CliError::Failed(error.to_owned())),
    }
}

/// How the message of a want of memory begins.
const OUT_OF_MEMORY: &str = "the device ran out of memory";

#[cfg(test)]
mod tests {
    use burn_zoo::trainer::TrainError;

    use super::*;

    fn found(first: usize, most: usize, limit: usize) -> (Option<usize>, Vec<usize>) {
        let mut tried = Vec::new();
        let size = largest(first, most, |size| {
            tried.push(size);
            Ok(size <= limit)
        });
        (size.expect("no failure"), tried)
    }

    #[test]
    fn sizes_are_doubled_while_they_fit_and_halved_until_they_do() {
        assert_eq!(found(16, 1024, 100), (Some(64), vec![16, 32, 64, 128]));
        assert_eq!(found(16, 1024, 5), (Some(4), vec![16, 8, 4]));
        assert_eq!(found(16, 1024, 0), (None, vec![16, 8, 4, 2, 1]));
        assert_eq!(found(16, 50, 9999), (Some(32), vec![16, 32]));
        assert_eq!(found(16, 10, 9999), (Some(8), vec![8]));
    }

    #[test]
    fn a_want_of_memory_is_known_by_its_message() {
        let error = TrainError::OutOfMemory {
            batch_size: 64,
            accumulate: 1,
            step: 3,
            reason: "wgpu error: Out of Memory".into(),
        };
        let message = error.to_string();
        assert!(message.starts_with(OUT_OF_MEMORY), "{message}");
        let advice = "--set data.batch_size=32 --set train.accumulate=2";
        assert!(message.contains(advice), "{message}");
    }
}
