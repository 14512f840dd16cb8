//! Tar shards in WebDataset's layout (<https://github.com/webdataset/webdataset>), in a folder or on a server: files
//! `train-000000.tar`, … of samples `000000.jpg` with `000000.cls`.
//!
//! `zoo data pack` writes them with an index beside each ([`index`]) and a manifest, `dataset.json` ([`manifest`]). The
//! index lets any image be read by itself, from a file or with a range request, so a split of shards is a data set like
//! every other; it is read nearly in sequence because the order of an epoch keeps the images of a shard together.
//!
//! A folder of somebody else's shards is indexed when it is first opened. Its classes are those of `classes.txt`, one a
//! line, or what its labels say. On a server shards need their indexes and manifest, since nothing there can be listed.

mod index;
mod index_tar;
mod location;
mod manifest;
mod open;
mod pack;
mod remote;
mod split;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use manifest::Manifest;
pub(crate) use open::{CLASSES, open, write_whole};
pub use pack::{PackError, PackOptions, PackProgress, Packed, pack};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use {index::Index, index_tar::index_of};
pub(crate) use {pack::writing, writer::Writer};

/// Bytes of a member's header in a tar file.
const HEADER: u64 = 512;
/// The manifest of a set of shards.
pub(crate) const MANIFEST: &str = "dataset.json";
