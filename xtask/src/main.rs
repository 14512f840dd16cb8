//! Repository chores: `cargo xtask tidy`, `cargo xtask gpu`.

mod gpu;
mod tidy;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::tidy::Tree;

/// Chores of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Check the repository's own rules; exit code 1 and one line for each place that breaks one
    Tidy,
    Gpu(gpu::Gpu),
}

fn main() -> ExitCode {
    match Cli::parse().chore {
        Chore::Tidy => tidy(),
        Chore::Gpu(gpu) => match gpu.run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(reason) => {
                eprintln!("error: {reason}");
                ExitCode::FAILURE
            }
        },
    }
}

fn tidy() -> ExitCode {
    let read = Tree::read().and_then(|tree| Ok((tree, tidy::read_packages()?)));
    let (tree, packages) = match read {
        Ok(read) => read,
        Err(reason) => {
            eprintln!("error: {reason}");
            return ExitCode::FAILURE;
        }
    };
    let violations = tidy::check(&tree, &packages);
    for long in tidy::long_files(&tree) {
        eprintln!("warning: {long}");
    }
    let mut out = std::io::stdout().lock();
    for violation in &violations {
        // A reader that has seen enough closes the pipe; the exit code still tells.
        let _ = writeln!(out, "{violation}");
    }
    match violations.len() {
        0 => {
            eprintln!("tidy: {} files, no rule broken", tree.len());
            ExitCode::SUCCESS
        }
        count => {
            eprintln!("tidy: {count} violations");
            ExitCode::FAILURE
        }
    }
}
