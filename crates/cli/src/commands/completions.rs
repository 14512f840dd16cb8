//! `zoo completions`: tab completion for a shell.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};
use serde_json::json;

use crate::args::Cli;
use crate::error::CliError;
use crate::output::Output;

/// Print a completion script for a shell
///
/// For example: `zoo completions bash > ~/.local/share/bash-completion/completions/zoo`
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, output: Output) -> Result<(), CliError> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "zoo", &mut script);
    let script = String::from_utf8(script)
        .map_err(|error| CliError::Failed(format!("the completion script is not text: {error}")))?;
    let document = json!({ "shell": args.shell.to_string(), "script": script });
    output.show(&document, || script.clone())
}
