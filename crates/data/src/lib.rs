#![doc = include_str!("../README.md")]

mod decode;
mod error;
mod image;
mod loader;
mod rng;
mod sample;
mod tools;
mod transforms;

pub use decode::{
    MAX_DECODED_BYTES, catch_panics, decode, decode_bytes, file_extension, is_decoding,
    panic_message,
};
pub use error::{DecodeError, DecodeErrorKind, PipelineError, Unreachable};
pub use image::{Image, ImageSource};
pub use loader::{Epoch, Loader, LoaderOptions, OnBad, Sampler, ShardedEpoch, Transfer};
pub use rng::{epoch_order, sample_rng};
pub use sample::{Batch, DatasetInfo, ImageData, Sample, Split};
pub use tools::{Fingerprint, contact_sheet, near_duplicates, png, save_png, thumbnail};
pub use transforms::geometry::{Geometry, ResizeMode};
pub use transforms::normalize::Normalize;
pub use transforms::pipeline::{Pipeline, Stage};
pub use transforms::{Augment, AutoAugment, ColorJitter, Crop, EraseValue, Erasing, Policy};
