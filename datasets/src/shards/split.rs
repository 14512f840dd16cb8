//! A split of shards, whose images are read one by one at the offsets in their indexes.

use std::path::PathBuf;
use std::sync::Arc;

use burn::data::dataset::{Dataset, DatasetError};
use burn_zoo_data::{ImageSource, MAX_DECODED_BYTES, Sample, Unreachable};

use super::HEADER;
use super::index::Index;
use super::location::Location;
use crate::error::OpenError;

/// The images of some shards, one shard after the other. Takes some 30 bytes per image, and its name.
pub(super) struct ShardSplit {
    location: Arc<Location>,
    shards: Vec<File>,
    /// Index of the first image of each shard, then the number of images.
    pub(super) starts: Vec<usize>,
    offsets: Vec<u64>,
    lengths: Vec<u64>,
    pub(super) labels: Vec<usize>,
    names: Names,
}

struct File {
    name: String,
    bytes: u64,
}

/// Many short strings in one allocation.
#[derive(Default)]
struct Names {
    text: String,
    ends: Vec<usize>,
}

impl Names {
    fn push(&mut self, name: &str) {
        self.text.push_str(name);
        self.ends.push(self.text.len());
    }

    fn get(&self, index: usize) -> &str {
        let start = match index {
            0 => 0,
            _ => self.ends[index - 1],
        };
        &self.text[start..self.ends[index]]
    }
}

impl ShardSplit {
    pub(super) fn new(location: Arc<Location>) -> Self {
        Self {
            location,
            shards: Vec::new(),
            starts: vec![0],
            offsets: Vec::new(),
            lengths: Vec::new(),
            labels: Vec::new(),
            names: Names::default(),
        }
    }

    /// Adds the shard `name`; `label` converts a label in its index to a class index.
    pub(super) fn push(
        &mut self,
        name: &str,
        index: &Index,
        label: impl Fn(&str) -> Result<usize, String>,
    ) -> Result<(), OpenError> {
        for entry in &index.entries {
            let label = label(&entry.label).map_err(|problem| {
                let problem = format!("\"{}\" {problem}", entry.name);
                OpenError::malformed(&self.location.name(name), problem)
            })?;
            self.offsets.push(entry.offset);
            self.lengths.push(entry.length);
            self.labels.push(label);
            self.names.push(&entry.name);
        }
        self.starts.push(self.labels.len());
        self.shards.push(File {
            name: name.to_owned(),
            bytes: index.tar_bytes,
        });
        Ok(())
    }

    /// Name of an image for messages: its shard, then its name in the shard.
    fn name(&self, index: usize) -> PathBuf {
        let shard = &self.shards[self.shard(index)];
        self.location.name(&shard.name).join(self.names.get(index))
    }

    fn shard(&self, index: usize) -> usize {
        self.starts.partition_point(|&start| start <= index) - 1
    }

    fn bytes(&self, index: usize) -> Result<Vec<u8>, OpenError> {
        let (offset, length) = (self.offsets[index], self.lengths[index]);
        let shard = &self.shards[self.shard(index)];
        if length > MAX_DECODED_BYTES {
            let problem = format!(
                "a file of {length} bytes: more than the {} MiB allowed for one image",
                MAX_DECODED_BYTES >> 20
            );
            return Err(OpenError::malformed(&self.name(index), problem));
        }
        let (start, with_header) = (offset - HEADER, (HEADER + length) as usize);
        let mut bytes = self
            .location
            .range(&shard.name, shard.bytes, start, with_header)?;
        let content = bytes.split_off(HEADER as usize);
        let name = self.names.get(index);
        match is_header_of(&bytes, name, length) {
            true => Ok(content),
            false => Err(OpenError::malformed(
                &self.location.name(&shard.name),
                format!(
                    "its index is another file's: it states \"{name}\" with {length} bytes at byte {offset}, the shard has \
                     something else there; remove an index that `zoo data pack` did not write, and it is made again"
                ),
            )),
        }
    }
}

/// Whether `header` is the tar header of the file `name` with `length` bytes.
fn is_header_of(header: &[u8], name: &str, length: u64) -> bool {
    let mut tar = tar::Header::new_old();
    tar.as_mut_bytes().copy_from_slice(header);
    // A name that is long or not ASCII is in a header of its own before this one.
    let is_elsewhere = name.len() > 100 || !name.is_ascii();
    let is_named = is_elsewhere || *tar.path_bytes() == *name.as_bytes();
    is_named && tar.entry_size().is_ok_and(|size| size == length)
}

impl Dataset<Sample> for ShardSplit {
    /// The error names the shard, and the image where it is at fault.
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        Ok(Sample {
            image: ImageSource::Encoded {
                name: self.name(index),
                bytes: self.bytes(index).map_err(|error| match error {
                    OpenError::Remote { .. } => DatasetError::new(Unreachable(error.to_string())),
                    error => DatasetError::new(error),
                })?,
            },
            label: self.labels[index],
        })
    }

    fn len(&self) -> usize {
        self.labels.len()
    }
}
