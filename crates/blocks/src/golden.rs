//! Comparing a network with PyTorch's answers, kept in golden files that hold no weights.
//!
//! `xtask/golden/make_golden.py` makes the files. Parameters and images are filled from a formula that it states for
//! PyTorch as [`fill`] does here. Every value depends on its tensor's PyTorch key and on its index there, so equal
//! answers also prove that the parameters carry PyTorch's names, shapes and order.

mod check;
mod fill;
mod key;

pub use check::assert_matches;
pub use fill::{fill, tensor};
