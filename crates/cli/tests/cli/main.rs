//! The command line, through its real binary.

mod bench;
mod browser;
mod common;
mod data;
mod eval;
mod hub;
mod models;
mod refusals;
mod report;
mod run_files;
mod sweep;
mod tensorboard;
mod train;
mod usage;
mod weights;
#[cfg(feature = "remote")]
mod workers;
