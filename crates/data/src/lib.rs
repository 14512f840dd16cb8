//! Samples, batches, decoding, augmentation and a deterministic loader.

mod augment;
mod caught;
mod chance;
mod decode;
mod epoch;
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
pub use caught::{caught, is_decoding, panic_message};
pub use chance::{epoch_order, sample_rng, shard_order};
pub use decode::{DecodeError, MAX_DECODED_BYTES, decode, decode_bytes};
pub use epoch::{Epoch, ShardedEpoch};
pub use fingerprint::{Fingerprint, HASH_BITS, near_duplicates};
pub use geometry::{Geometry, ResizeMode};
pub use loader::{Loader, LoaderOptions, OnBad, Transfer};
pub use normalize::Normalize;
pub use order::Sampler;
pub use pipeline::{Pipeline, PipelineError, Stage};
pub use sample::{Batch, DatasetInfo, Image, ImageData, ImageSource, Sample, Split, Unreachable};
pub use sheet::{contact_sheet, png, save_png, thumbnail};
pub use sniff::file_extension;
