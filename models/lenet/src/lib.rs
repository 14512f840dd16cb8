#![doc = include_str!("../README.md")]
//!
//! LeNet-5: [Gradient-Based Learning Applied to Document Recognition](http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf),
//! LeCun, Bottou, Bengio and Haffner 1998.
//!
//! Twice: as published ([`Variant::Published`], read `published.rs` beside section II.B), and as taught today
//! ([`Variant::Modern`]). Both take images of 32×32.
//!
//! # Deviations from the paper
//! - Scores are the negated squared distances of the output units, so that the largest wins and their softmax is the
//!   paper's posterior. Cross-entropy on them is its discriminative criterion (9) without the constant j.
//! - The bitmaps of the output units are read off the paper's Fig. 3.
//! - More channels than one, and another number of classes than ten, are ours; see [`LeNetConfig`].

mod bitmaps;
mod model;
mod modern;
mod published;
mod table;
mod variants;

pub use burn_zoo_blocks::Classifier;
pub use model::LeNet;
pub use modern::Modern;
pub use published::{Published, SubSampling};
pub use table::TableConv;
pub use variants::{LeNetConfig, Output, Variant};
