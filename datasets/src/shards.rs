//! Shards: tar files in WebDataset's layout (<https://github.com/webdataset/webdataset>), in a folder or on a server. Files
//! `train-000000.tar`, … have samples of an image `000000.jpg` and a label `000000.cls`.
//!
//! `zoo data pack` writes them with an index beside each ([`index`]) and a manifest, `dataset.json` ([`manifest`]). The
//! index allows to read any image alone, from a file or with a range request, so a split of shards is a data set like every
//! other. It is read nearly in sequence, because the order of an epoch keeps the images of a shard together.
//!
//! Foreign shards, those without a manifest, are indexed when they are first opened. Their classes are in `classes.txt`, one
//! per line, or else those of the labels. A server must have the indexes and the manifest, since its files cannot be listed.

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

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

pub(crate) use manifest::Manifest;
pub(crate) use open::{CLASSES, open};
pub use pack::{PackError, PackOptions, PackProgress, Packed, pack};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use {index::Index, index_tar::index_of};
pub(crate) use {pack::writing, writer::Writer};

/// Bytes of the header before each file in a tar file.
const HEADER: u64 = 512;
/// Name of the manifest.
pub(crate) const MANIFEST: &str = "dataset.json";

/// Writes a temporary file and renames it to `path`, so that the file is never seen half written. The name of the temporary
/// file has the process id: several processes may index the same shards at once.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let part = PathBuf::from(format!("{}.{}.part", path.display(), std::process::id()));
    let mut file = File::create(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&part, path)
}
