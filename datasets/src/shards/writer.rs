//! Writing a shard and its index.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::index::{Entry, Index, index_path};
use super::manifest::Shard;
use super::pack::{PackError, writing};
use super::{HEADER, write_atomic};

/// A shard that is being written.
pub(crate) struct Writer {
    path: PathBuf,
    part: PathBuf,
    tar: tar::Builder<BufWriter<File>>,
    index: Index,
}

impl Writer {
    pub(crate) fn new(path: &Path) -> Result<Self, PackError> {
        let part = PathBuf::from(format!("{}.part", path.display()));
        let file = File::create(&part).map_err(writing(&part))?;
        Ok(Self {
            path: path.to_owned(),
            tar: tar::Builder::new(BufWriter::with_capacity(1 << 20, file)),
            part,
            index: Index {
                tar_bytes: 0,
                entries: Vec::new(),
            },
        })
    }

    /// Appends a sample unless the shard would become larger than `most` bytes; returns whether it did. The first is always
    /// appended.
    pub(crate) fn push(
        &mut self,
        key: &str,
        extension: &str,
        bytes: &[u8],
        label: &str,
        most: u64,
    ) -> Result<bool, PackError> {
        let [image, class] = [bytes.len(), label.len()].map(|length| length as u64);
        let member = |length: u64| HEADER + length.next_multiple_of(HEADER);
        // Two blocks of zeros end the file.
        let end = self.index.tar_bytes + member(image) + member(class) + 2 * HEADER;
        if end > most && !self.index.entries.is_empty() {
            return Ok(false);
        }
        let name = format!("{key}.{extension}");
        self.index.entries.push(Entry {
            offset: self.index.tar_bytes + HEADER,
            length: image,
            label: label.to_owned(),
            name: name.clone(),
        });
        self.append(&name, bytes)?;
        self.append(&format!("{key}.cls"), label.as_bytes())?;
        self.index.tar_bytes += member(image) + member(class);
        Ok(true)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), PackError> {
        // Without times and owners, so that packing the same data set gives the same bytes.
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        self.tar
            .append_data(&mut header, name, bytes)
            .map_err(writing(&self.part))
    }

    /// Completes the shard, then its index, and gives them their names.
    pub(crate) fn finish(mut self, file: String) -> Result<Shard, PackError> {
        let part = self.part;
        let done = self.tar.into_inner().and_then(|mut buffer| {
            buffer.flush()?;
            buffer.get_ref().sync_all()?;
            Ok(buffer.get_ref().metadata()?.len())
        });
        self.index.tar_bytes = done.map_err(writing(&part))?;
        fs::rename(&part, &self.path).map_err(writing(&self.path))?;
        let index = index_path(&self.path);
        write_atomic(&index, self.index.text().as_bytes()).map_err(writing(&index))?;
        Ok(Shard {
            file,
            samples: self.index.entries.len(),
            bytes: self.index.tar_bytes,
        })
    }
}
