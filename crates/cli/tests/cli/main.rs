//! The command line, through its real binary.

mod bench;
mod common;
mod data;
mod eval;
mod models;
mod refusals;
mod run_files;
mod train;
mod usage;
mod weights;
