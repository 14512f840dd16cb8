//! Samples, batches, decoding, augmentation and a deterministic loader.

mod augment;
mod batches;
mod caught;
mod chance;
mod decode;
mod fingerprint;
mod geometry;
mod jpeg;
mod kept;
mod loader;
mod normalize;
mod order;
mod pipeline;
mod prefetch;
mod resize;
mod sample;
mod sheet;
mod sniff;

pub use augment::{Augment, AutoAugment, ColorJitter, Crop, EraseValue, Erasing, Policy};
pub use batches::Shares;
pub use caught::{caught, is_decoding, panic_message};
pub use chance::{epoch_order, sample_rng, shard_order};
pub use decode::{DecodeError, MAX_DECODED_BYTES, decode, decode_bytes};
pub use fingerprint::{Fingerprint, HASH_BITS, look_alikes};
pub use geometry::{Fit, Geometry};
pub use loader::{Loader, LoaderOptions, OnBad, Upload};
pub use normalize::Normalize;
pub use order::Order;
pub use pipeline::{Pipeline, PipelineError, Stage};
pub use sample::{Batch, DatasetInfo, ImageData, Picture, Sample, Split, Stored, Unreachable};
pub use sheet::{contact_sheet, png, save_png, thumbnail};
pub use sniff::file_extension;
