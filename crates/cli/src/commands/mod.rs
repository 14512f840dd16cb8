//! The commands, one file each.

pub(crate) mod bench;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod convert;
pub(crate) mod data;
pub(crate) mod devices;
pub(crate) mod eval;
pub(crate) mod fetch;
pub(crate) mod models;
pub(crate) mod predict;
pub(crate) mod report;
pub(crate) mod summary;
pub(crate) mod sweep;
pub(crate) mod train;
#[cfg(feature = "remote")]
pub(crate) mod worker;

use crate::args::Command;
use crate::error::CliError;
use crate::output::Output;

/// Does what the command line asks.
pub(crate) fn run(command: Command, output: Output) -> Result<(), CliError> {
    match command {
        Command::Train(args) => train::run(args, output),
        Command::Sweep(args) => sweep::run(&args, output),
        Command::Report(args) => report::run(&args, output),
        Command::Eval(args) => eval::run(&args, output),
        Command::Predict(args) => predict::run(&args, output),
        Command::Models(args) => models::run(&args, output),
        Command::Summary(args) => summary::run(&args, output),
        Command::Bench(args) => bench::run(&args, output),
        Command::Import(args) => convert::import(&args, output),
        Command::Export(args) => convert::export(&args, output),
        Command::Fetch(args) => fetch::run(&args, output),
        Command::Data(args) => data::run(args, output),
        Command::Devices(args) => devices::run(&args, output),
        #[cfg(feature = "remote")]
        Command::Worker(args) => worker::run(&args, output),
        #[cfg(not(feature = "remote"))]
        Command::Worker { rest } => Err(CliError::Input(format!(
            "this zoo is built without remote devices; run it as `cargo run --release --features remote -- worker {}`",
            crate::load::shell_line(&rest)
        ))),
        Command::Config(args) => config::run(&args, output),
        Command::Completions(args) => completions::run(&args, output),
    }
}
