#![doc = include_str!("../README.md")]

mod figure;
mod summary;
mod trace;

pub use figure::figure;
pub use summary::{Layer, Summary, summarize};
