//! `zoo data`: the data sets.

mod fetch;
mod inspect;
mod list;
mod pack;
mod preview;

use clap::{Args, Subcommand};

use crate::error::CliError;
use crate::output::Output;

/// List, download, check, look at and pack data sets
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Debug, Subcommand)]
enum DataCommand {
    List(list::ListArgs),
    Fetch(fetch::FetchArgs),
    Inspect(inspect::InspectArgs),
    Preview(preview::PreviewArgs),
    Pack(pack::PackArgs),
}

pub(crate) fn run(args: DataArgs, output: Output) -> Result<(), CliError> {
    match args.command {
        DataCommand::List(args) => list::run(&args, output),
        DataCommand::Fetch(args) => fetch::run(&args, output),
        DataCommand::Inspect(args) => inspect::run(&args, output),
        DataCommand::Preview(args) => preview::run(&args, output),
        DataCommand::Pack(args) => pack::run(&args, output),
    }
}
