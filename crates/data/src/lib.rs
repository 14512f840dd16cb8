//! Samples, batches, decoding, augmentation and a deterministic loader.

mod decode;
mod loader;
mod rng;
mod sample;
mod tools;
mod transforms;

pub use decode::{
    DecodeError, MAX_DECODED_BYTES, catch_panics, decode, decode_bytes, file_extension,
    is_decoding, panic_message,
};
pub use loader::{Epoch, Loader, LoaderOptions, OnBad, Sampler, ShardedEpoch, Transfer};
pub use rng::{epoch_order, sample_rng, shard_order};
pub use sample::{Batch, DatasetInfo, Image, ImageData, ImageSource, Sample, Split, Unreachable};
pub use tools::{Fingerprint, HASH_BITS, contact_sheet, near_duplicates, png, save_png, thumbnail};
pub use transforms::geometry::{Geometry, ResizeMode};
pub use transforms::normalize::Normalize;
pub use transforms::pipeline::{Pipeline, PipelineError, Stage};
pub use transforms::{Augment, AutoAugment, ColorJitter, Crop, EraseValue, Erasing, Policy};
