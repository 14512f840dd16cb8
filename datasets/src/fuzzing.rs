//! Entry points of the fuzz targets: every parser of a file format. An error is the expected result for most inputs; a panic,
//! a hang, or much more memory than the input is a bug.

use std::collections::HashMap;
use std::io::Cursor;
use std::path::Path;

use bytes::Bytes;
use flate2::bufread::GzDecoder;

use crate::{cifar, hub, idx, shards, tiny_imagenet};

/// IDX files of images and of labels, plain and gzipped.
pub fn idx(bytes: &[u8]) {
    let path = Path::new("idx");
    let _ = idx::parse::<3>(&mut &*bytes, path, "");
    let _ = idx::parse::<1>(&mut &*bytes, path, "");
    let _ = idx::parse::<3>(&mut GzDecoder::new(bytes), path, "");
}

/// Records of CIFAR-10 and CIFAR-100.
pub fn cifar(bytes: &[u8]) {
    for kind in [&cifar::CIFAR10, &cifar::CIFAR100] {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        if cifar::records(kind, bytes, &mut pixels, &mut labels).is_ok() {
            assert_eq!(pixels.len(), labels.len() * 32 * 32 * 3);
        }
    }
}

/// Text files of Tiny ImageNet: `wnids.txt`, `words.txt` and `val_annotations.txt`, separated by lines of `%`.
pub fn annotations(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut parts = text.splitn(3, "%\n");
    let [ids, words, annotations] = [(); 3].map(|()| parts.next().unwrap_or_default());
    let ids = tiny_imagenet::class_ids(ids);
    let names = tiny_imagenet::class_names(words, &ids);
    assert_eq!(names.len(), ids.len());
    let labels: HashMap<&str, usize> = ids.iter().map(String::as_str).zip(0..).collect();
    if let Ok(found) = tiny_imagenet::annotations(annotations, &labels) {
        assert!(found.iter().all(|(_, label, _)| *label < ids.len()));
    }
}

/// A tar shard, indexed by its headers.
pub fn shard(bytes: &[u8]) {
    if let Ok(index) = shards::index_of(Cursor::new(bytes), bytes.len() as u64) {
        // The text of the index parses to the same index.
        assert_eq!(shards::Index::parse(&index.text()), Ok(index));
    }
}

/// Index of a shard.
pub fn index(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = shards::Index::parse(text);
    }
}

/// A Parquet file of images and labels; every readable row is read.
pub fn parquet(bytes: &[u8]) {
    for label in [None, Some("label")] {
        if let Ok(table) = hub::Table::open(Bytes::copy_from_slice(bytes), label) {
            // A file may state any number of empty rows.
            for (_, label) in table.samples().take(1 << 16).flatten() {
                assert!(!label.is_empty() && !label.contains(['\t', '\n', '\r']));
            }
        }
    }
}

/// Manifest of shards.
pub fn manifest(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = shards::Manifest::parse(text, Path::new("dataset.json"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every file of the corpus, including inputs that once made a parser fail.
    #[test]
    fn the_corpus_is_read() {
        type Target = fn(&[u8]);
        let targets: [(&str, Target); 7] = [
            ("idx", idx),
            ("cifar", cifar),
            ("annotations", annotations),
            ("shard", shard),
            ("index", index),
            ("manifest", manifest),
            ("parquet", parquet),
        ];
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
        for (name, target) in targets {
            let files = std::fs::read_dir(corpus.join(name)).unwrap();
            let mut count = 0;
            for file in files {
                target(&std::fs::read(file.unwrap().path()).unwrap());
                count += 1;
            }
            assert!(count > 0, "{name}");
        }
    }
}
