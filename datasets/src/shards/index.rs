//! Index of a shard: offset and label of each image in the tar file, so that an image can be read without the ones before
//! it. WebDataset's own readers ignore it.
//!
//! A text file beside the shard, `<shard>.tar.index`: a line `burn-zoo-shard-index 1 <bytes of the tar> <images>`, then
//! for each image `<offset> <bytes> <label> <name>`, separated by tabs. NVIDIA DALI's index has no labels, so
//! finding them would take a read per image.

use std::fmt::Write;
use std::path::{Path, PathBuf};

const MAGIC: &str = "burn-zoo-shard-index 1 ";

/// Path of the index of the shard at `path`.
pub(crate) fn index_path(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}.index", path.display()))
}

/// An image in a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// First byte of the image in the tar file, after its header of 512 bytes.
    pub(crate) offset: u64,
    /// Bytes of the image.
    pub(crate) length: u64,
    /// Its label: a class index or a class name.
    pub(crate) label: String,
    /// Its name in the tar file.
    pub(crate) name: String,
}

/// Index of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Index {
    /// Length of the tar file in bytes.
    pub(crate) tar_bytes: u64,
    pub(crate) entries: Vec<Entry>,
}

impl Index {
    /// Parses the content of an index file.
    ///
    /// # Errors
    /// What is wrong with it, without the name of the file.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let head = lines.next().unwrap_or_default();
        let numbers = head.strip_prefix(MAGIC).and_then(|numbers| {
            let (bytes, images) = numbers.split_once(' ')?;
            Some((bytes.parse().ok()?, images.parse().ok()?))
        });
        let Some((tar_bytes, images)): Option<(u64, usize)> = numbers else {
            return Err(format!(
                "not the index of a shard: expected \"{MAGIC}<bytes> <images>\" in line 1"
            ));
        };
        let mut entries = Vec::new();
        for (number, line) in lines.enumerate() {
            let entry = parse_entry(line).filter(|entry| {
                let end = entry.offset.checked_add(entry.length);
                entry.offset >= super::HEADER && end.is_some_and(|end| end <= tar_bytes)
            });
            let Some(entry) = entry else {
                return Err(format!(
                    "line {}: expected an offset, a number of bytes within the {tar_bytes} of the shard, a label and a name, \
                     separated by tabs",
                    number + 2
                ));
            };
            entries.push(entry);
        }
        if entries.len() != images || !text.ends_with('\n') {
            return Err(format!(
                "truncated: line 1 states {images} images, {} whole lines follow",
                text.matches('\n').count().saturating_sub(1)
            ));
        }
        Ok(Self { tar_bytes, entries })
    }

    /// The content of an index file.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{MAGIC}{} {}\n", self.tar_bytes, self.entries.len());
        for entry in &self.entries {
            let Entry {
                offset,
                length,
                label,
                name,
            } = entry;
            writeln!(text, "{offset}\t{length}\t{label}\t{name}").expect("a string takes all");
        }
        text
    }
}

fn parse_entry(line: &str) -> Option<Entry> {
    let mut fields = line.splitn(4, '\t');
    let offset = fields.next()?.parse().ok()?;
    let length = fields.next()?.parse().ok()?;
    let (label, name) = (fields.next()?, fields.next()?);
    let is_whole = !label.is_empty() && !name.is_empty();
    is_whole.then(|| Entry {
        offset,
        length,
        label: label.to_owned(),
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> Index {
        let entry = |offset, label: &str| Entry {
            offset,
            length: 100,
            label: label.to_owned(),
            name: format!("a/{offset} b.jpg"),
        };
        Index {
            tar_bytes: 10_240,
            entries: vec![entry(512, "3"), entry(2048, "tabby cat")],
        }
    }

    #[test]
    fn an_index_is_parsed_from_its_own_text() {
        assert_eq!(Index::parse(&index().text()), Ok(index()));
    }

    #[test]
    fn other_content_is_refused() {
        let good = index().text();
        let cut = &good[..good.rfind("2048\t").expect("the second line")];
        assert!(
            Index::parse(cut)
                .expect_err("cut")
                .contains("2 images, 1 whole lines follow")
        );
        for (from, to, part) in [
            ("index 1", "index 2", "line 1"),
            ("512\t100", "512\t99999", "line 2"),
            ("512\t100", "18446744073709551615\t100", "line 2"),
            ("512\t100", "0\t100", "line 2"),
            ("2048\t", "2048 ", "line 3"),
        ] {
            let error = Index::parse(&good.replace(from, to)).expect_err(to);
            assert!(error.contains(part), "{to}: {error}");
        }
        assert!(Index::parse("").is_err());
    }
}
