//! The index of a shard: where each image lies in the tar file and what its label is, so that an image can be read
//! without the ones before it. Readers of WebDataset pass it over.
//!
//! A text file beside the shard, `<shard>.tar.index`: a line `burn-zoo-shard-index 1 <bytes of the tar> <images>`, then
//! for each image `<offset> <bytes> <label> <name>`, separated by tabs. NVIDIA DALI's index knows no labels, which
//! would take a read for each image to find.

use std::fmt::Write;

/// What the name of a shard is followed by.
pub(crate) const ENDING: &str = ".index";
const MAGIC: &str = "burn-zoo-shard-index 1 ";

/// An image in a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// First byte of the image in the tar file; its header is the 512 bytes before.
    pub(crate) offset: u64,
    /// Bytes of the image.
    pub(crate) length: u64,
    /// Its label, as its file says: a number or the name of a class.
    pub(crate) label: String,
    /// Its name in the tar file.
    pub(crate) name: String,
}

/// What an index says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Index {
    /// Length of the tar file that it belongs to.
    pub(crate) tar_bytes: u64,
    pub(crate) entries: Vec<Entry>,
}

impl Index {
    /// Reads the content of an index file.
    ///
    /// # Errors
    /// What is wrong with it, without the file's name.
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
    fn an_index_reads_back() {
        assert_eq!(Index::parse(&index().text()), Ok(index()));
    }

    #[test]
    fn what_is_no_index_is_refused() {
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
