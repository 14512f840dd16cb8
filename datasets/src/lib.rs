//! Image classification data sets: files on disk become samples, with their splits, statistics and class names.
//!
//! [`open`] reads a set from a folder, [`fetch`] and [`fetch_hub`] bring one there. Each module knows one set: its layout, its numbers,
//! and the addresses and checksums of its files, which live beside the reader of the same files.

mod cifar;
mod dataset_name;
mod error;
mod fetch;
mod file_list;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod glyphs;
mod http;
mod hub;
mod idx;
mod image_folder;
mod in_memory;
mod mnist;
mod open;
mod scan;
mod shards;
mod subset;
mod tiny_imagenet;

pub use dataset_name::{DatasetName, UnknownDatasetName};
pub use error::OpenError;
pub use fetch::{FetchError, FetchOptions, Phase, Progress, RemoteFile, fetch, fetch_file};
pub use glyphs::Glyphs;
pub use hub::{HubError, HubOptions, HubSet, InvalidHubSet, fetch_hub};
pub use open::{OpenOptions, default_root, open};
pub use shards::{PackError, PackOptions, PackProgress, Packed, pack};
