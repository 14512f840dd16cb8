//! Shards that are packed here, made by Python, damaged, and served by a local server.

mod damage;
mod http;
mod packing;
mod python;
mod server;

use std::path::Path;

use burn::data::dataset::Dataset;
use burn_zoo_data::{Image, ImageData, ImageSource, Split, png};

use super::*;
use crate::dataset_name::DatasetName;
use crate::error::OpenError;
use crate::open::{OpenOptions, open as open_set};

/// An image whose pixels tell its number.
fn image(number: usize) -> Vec<u8> {
    let image = Image {
        height: 2,
        width: 3,
        channels: 1,
        pixels: vec![number as u8; 6],
    };
    png(&image).unwrap()
}

/// Two splits of image files in `root`, of 30 and 10 images in three classes.
fn folder_set(root: &Path) -> ImageData {
    for (split, count) in [("train", 30), ("val", 10)] {
        for number in 0..count {
            let class = ["ants", "bees", "cats"][number % 3];
            let path = root.join(format!("{split}/{class}/{number:03}.png"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let number = if split == "val" { 100 + number } else { number };
            std::fs::write(path, image(number)).unwrap();
        }
    }
    let options = OpenOptions {
        root: Some(root.to_owned()),
        ..OpenOptions::default()
    };
    open_set(DatasetName::ImageFolder, &options).unwrap()
}

/// Options that make several shards of [`folder_set`].
fn small() -> PackOptions {
    PackOptions {
        // An image and its label take 2 KiB, the end of a shard 1 KiB.
        shard_bytes: 15 << 10,
        ..PackOptions::default()
    }
}

/// [`folder_set`] packed into `out` below `root`.
fn packed(root: &Path) -> std::path::PathBuf {
    let (set, out) = (root.join("set"), root.join("out"));
    pack(&folder_set(&set), &out, &small(), &mut |_| {}).unwrap();
    out
}

fn read(root: &Path) -> Result<ImageData, OpenError> {
    let options = OpenOptions {
        root: Some(root.to_owned()),
        ..OpenOptions::default()
    };
    open_set(DatasetName::Shards, &options)
}

/// Why the set at `root` cannot be opened; one sentence.
fn refusal(root: &Path) -> String {
    let message = read(root).err().expect("a refusal").to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

/// File and label of every sample, sorted.
fn content(split: &Split) -> Vec<(Vec<u8>, usize)> {
    let mut all: Vec<_> = (0..split.len())
        .map(|index| {
            let sample = split.get(index).unwrap();
            let bytes = match sample.image {
                ImageSource::Encoded { bytes, .. } => bytes,
                ImageSource::File(path) => std::fs::read(path).unwrap(),
                ImageSource::Decoded(_) => panic!("not decoded"),
            };
            (bytes, sample.label)
        })
        .collect();
    all.sort();
    all
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
