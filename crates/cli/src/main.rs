//! `zoo`: train, evaluate and inspect the classic CNNs from the command line.
//!
//! The only place that names a device ([`devices`]) or prints ([`output`], [`progress`]).

#[cfg(not(any(
    feature = "flex",
    feature = "wgpu",
    feature = "vulkan",
    feature = "metal",
    feature = "webgpu",
    feature = "cuda",
    feature = "rocm",
    feature = "cpu",
    feature = "ndarray"
)))]
compile_error!(
    "zoo was built without a backend and could compute nothing: add `--features flex` (any CPU), `wgpu`, `vulkan`, \
     `metal`, `cuda` or `rocm` (GPU), for example `cargo run --release --no-default-features --features wgpu -- devices`"
);

mod args;
mod commands;
#[cfg(feature = "tui")]
mod dashboard;
mod device_group;
mod devices;
mod error;
mod load;
mod machine;
mod memory;
mod output;
mod panics;
mod prepare;
mod progress;
#[cfg(feature = "remote")]
mod remote;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;
use crate::error::CliError;
use crate::output::Output;

fn main() -> ExitCode {
    memory::keep();
    #[cfg(feature = "warm")]
    devices::keep_kernels();
    panics::guard(run)
}

fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => return output::finish_parse(&answer),
    };
    let output = Output::new(cli.json);
    match commands::run(cli.command, output) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough: `zoo models | head -1`.
        Err(CliError::OutputClosed) => ExitCode::SUCCESS,
        Err(failure) => output.fail(&failure),
    }
}
