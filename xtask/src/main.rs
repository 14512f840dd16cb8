//! Repository chores: `cargo xtask tidy`, `cargo xtask keys`, `cargo xtask gpu`.

mod gpu;
mod keys;
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
    /// Write the table of every key of a run file into docs/run-files.md
    Keys,
    Gpu(gpu::Gpu),
}

fn main() -> ExitCode {
    match Cli::parse().chore {
        Chore::Tidy => tidy(),
        Chore::Keys => done(write_keys()),
        Chore::Gpu(gpu) => done(gpu.run()),
    }
}

fn done(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn write_keys() -> Result<(), String> {
    let tree = Tree::read()?;
    for (path, text) in [
        (keys::DOCUMENT, keys::document(&tree)?),
        (keys::LIST, keys::defaults(&tree)?),
    ] {
        let full = tidy::root()?.join(path);
        std::fs::write(full, text).map_err(|error| format!("cannot write {path}: {error}"))?;
    }
    Ok(())
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
