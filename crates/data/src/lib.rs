//! Samples, batches, decoding, augmentation and a deterministic loader.

mod sample;

pub use sample::{Batch, DatasetInfo, ImageData, Picture, Sample, Split};
