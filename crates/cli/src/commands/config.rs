//! `zoo config`: a run file with everything it extends, every `--set` and every default written out.

use std::path::PathBuf;

use burn_zoo::trainer::RunFile;
use clap::Args;

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
    output.show(&run, || run.to_toml())
}
