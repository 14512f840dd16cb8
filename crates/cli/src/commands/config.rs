//! `zoo config`: a run file with everything it extends, every `--set` and every default written out.

use std::path::PathBuf;

use burn_zoo::trainer::RunFile;
use clap::Args;
use serde_json::Value;

use crate::error::CliError;
use crate::output::Output;

/// Print a run file as `train` understands it: with its bases, overrides and defaults
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// The run file.
    config: PathBuf,

    /// Override a key of the run file, as in optimizer.lr=0.05; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

pub(crate) fn run(args: &ConfigArgs, output: Output) -> Result<(), CliError> {
    let run = RunFile::load(&args.config, &args.set)?;
    crate::load::model_of(&run)?;
    crate::load::data_name(&run.data.name)?;
    output.show(&run, || run.to_toml() + &unset(&run))
}

/// Every key with its default, from the schema.
const KEYS: &str = include_str!("config/keys.txt");

/// The keys that `run` leaves at defaults which TOML does not show, as comments.
fn unset(run: &RunFile) -> String {
    let table = serde_json::to_value(run).expect("a run file has only types that JSON has");
    let has = |key: &str| {
        let mut parts = key.split('.');
        parts
            .try_fold(&table, |value, part| value.get(part))
            .is_some()
    };
    let mut text = String::from("\n# Not set, with what holds then:\n");
    for (key, default) in KEYS.lines().filter_map(|line| line.split_once(' ')) {
        // A section that is not there needs its required keys.
        let default = match default {
            "required" => "off",
            default => default,
        };
        if !has(key) {
            text += &format!("# {key}: {default}\n");
        }
    }
    text
}
