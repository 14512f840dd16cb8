//! Packing: whole, interrupted, refused.

use std::sync::Arc;

use burn::data::dataset::DatasetError;
use burn_zoo_data::Sample;

use super::*;

#[test]
fn what_is_packed_reads_back_file_by_file() {
    let root = tempfile::tempdir().unwrap();
    let out = packed(root.path());
    let (before, after) = (folder_set(&root.path().join("set")), read(&out).unwrap());
    assert_eq!(after.info.classes, ["ants", "bees", "cats"]);
    assert_eq!(content(&after.train), content(&before.train));
    assert_eq!(content(&after.valid), content(&before.valid));
    // Seven samples fit into a shard.
    assert_eq!(*after.shards.unwrap(), [0, 7, 14, 21, 28, 30]);
    assert_eq!(
        names(&out),
        [
            "dataset.json",
            "train-000000.tar",
            "train-000000.tar.index",
            "train-000001.tar",
            "train-000001.tar.index",
            "train-000002.tar",
            "train-000002.tar.index",
            "train-000003.tar",
            "train-000003.tar.index",
            "train-000004.tar",
            "train-000004.tar.index",
            "valid-000000.tar",
            "valid-000000.tar.index",
            "valid-000001.tar",
            "valid-000001.tar.index",
        ]
    );
    for name in names(&out).iter().filter(|name| name.ends_with(".tar")) {
        assert!(out.join(name).metadata().unwrap().len() <= small().shard_bytes);
    }
    // Shuffled: the folder's classes follow each other.
    let labels = |split: &Split| -> Vec<usize> {
        (0..split.len())
            .map(|index| split.get(index).unwrap().label)
            .collect()
    };
    assert!(labels(&before.train).is_sorted() && !labels(&after.train).is_sorted());
    // Shards are packed again as they are read.
    let again = root.path().join("again");
    pack(&read(&out).unwrap(), &again, &small(), &mut |_| {}).unwrap();
    assert_eq!(
        content(&read(&again).unwrap().train),
        content(&before.train)
    );
}

#[test]
fn a_part_in_balance_knows_its_shards() {
    let root = tempfile::tempdir().unwrap();
    let options = OpenOptions {
        root: Some(packed(root.path())),
        train_size: Some(6),
        ..OpenOptions::default()
    };
    let data = open_set(DatasetName::Shards, &options).unwrap();
    let starts = data.shards.unwrap();
    assert_eq!(starts.len(), 6);
    assert!(starts.is_sorted() && starts[0] == 0 && starts[5] == 6);
    let labels: Vec<usize> = (0..6).map(|i| data.train.get(i).unwrap().label).collect();
    assert_eq!(
        (0..3)
            .map(|class| labels.iter().filter(|l| **l == class).count())
            .collect::<Vec<_>>(),
        [2; 3]
    );
}

#[test]
fn a_manifest_that_cannot_be_read_is_not_written_over() {
    let root = tempfile::tempdir().unwrap();
    let (data, out) = (
        folder_set(&root.path().join("set")),
        root.path().join("out"),
    );
    // Latin-1, as some editor may have left it.
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("dataset.json"), b"{\"name\": \"caf\xe9\"}").unwrap();
    let error = pack(&data, &out, &small(), &mut |_| {})
        .unwrap_err()
        .to_string();
    assert!(error.contains("dataset.json"), "{error}");
    assert_eq!(names(&out), ["dataset.json"]);
}

/// A split that fails when it is asked for a sample, as a disk may.
struct Failing {
    split: Split,
    at: usize,
}

impl Dataset<Sample> for Failing {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        match index == self.at {
            true => Err(DatasetError::new(std::io::Error::other("the disk is gone"))),
            false => self.split.get(index),
        }
    }

    fn len(&self) -> usize {
        self.split.len()
    }
}

#[test]
fn an_interrupted_pack_goes_on_to_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();
    let (whole, out) = (packed(root.path()), root.path().join("resumed"));
    let data = folder_set(&root.path().join("set"));
    // The sample that comes 20th.
    let at = burn_zoo_data::epoch_order(0, 0, 30)[20];
    let failing = ImageData {
        train: Arc::new(Failing {
            split: data.train.clone(),
            at,
        }),
        ..data.clone()
    };
    let error = pack(&failing, &out, &small(), &mut |_| {})
        .unwrap_err()
        .to_string();
    assert_eq!(error, format!("train sample {at}: the disk is gone"));
    assert_eq!(
        names(&out),
        [
            ".train.pack.json",
            "train-000000.tar",
            "train-000000.tar.index",
            "train-000001.tar",
            "train-000001.tar.index",
            "train-000002.tar.part"
        ]
    );
    let other = PackOptions { seed: 1, ..small() };
    let refused = pack(&data, &out, &other, &mut |_| {})
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("unfinished pack of the train split with other settings"),
        "{refused}"
    );
    // A shard without its index was not finished.
    std::fs::remove_file(out.join("train-000001.tar.index")).unwrap();
    let mut begun = None;
    pack(&data, &out, &small(), &mut |progress| {
        begun.get_or_insert(progress.done);
    })
    .unwrap();
    assert_eq!(begun, Some(7));
    assert_eq!(names(&out), names(&whole));
    for name in names(&out) {
        let read = |folder: &Path| std::fs::read(folder.join(&name)).unwrap();
        assert!(read(&out) == read(&whole), "{name}");
    }
}

#[test]
fn a_split_may_follow_and_nothing_is_overwritten() {
    let root = tempfile::tempdir().unwrap();
    let (set, out) = (
        folder_set(&root.path().join("set")),
        root.path().join("out"),
    );
    let only = |train| PackOptions {
        train,
        valid: !train,
        ..small()
    };
    let message = |data: &ImageData, options: &PackOptions| {
        pack(data, &out, options, &mut |_| {})
            .unwrap_err()
            .to_string()
    };
    pack(&set, &out, &only(true), &mut |_| {}).unwrap();
    assert!(refusal(&out).contains("names no validation shards"));
    pack(&set, &out, &only(false), &mut |_| {}).unwrap();
    assert_eq!(read(&out).unwrap().valid.len(), 10);
    assert!(message(&set, &small()).contains("holds the train split already"));
    let glyphs = open_set(
        DatasetName::Glyphs,
        &OpenOptions {
            train_size: Some(4),
            valid_size: Some(4),
            ..OpenOptions::default()
        },
    )
    .unwrap();
    let refused = message(&glyphs, &small());
    assert!(
        refused.contains("holds shards of another set (image_folder, 3 classes)"),
        "{refused}"
    );
    std::fs::remove_file(out.join("dataset.json")).unwrap();
    assert!(message(&set, &small()).contains("holds train-000000.tar and no dataset.json"));
    let lock = std::fs::File::create(out.join(".pack.lock")).unwrap();
    lock.lock().unwrap();
    assert!(message(&set, &small()).contains("another pack into this folder is running"));
}

#[test]
fn decoded_images_become_png_and_what_is_no_image_is_named() {
    let root = tempfile::tempdir().unwrap();
    let (options, out) = (
        OpenOptions {
            train_size: Some(12),
            valid_size: Some(3),
            ..OpenOptions::default()
        },
        root.path().join("glyphs"),
    );
    let glyphs = open_set(DatasetName::Glyphs, &options).unwrap();
    pack(&glyphs, &out, &PackOptions::default(), &mut |_| {}).unwrap();
    let after = read(&out).unwrap();
    assert_eq!((after.info.size, after.info.channels), (Some([32, 32]), 1));
    assert_eq!(after.info.mean, glyphs.info.mean);
    let decoded = |data: &ImageData| -> Vec<_> {
        let mut all: Vec<_> = (0..12)
            .map(|index| {
                let sample = data.train.get(index).unwrap();
                (sample.label, sample.image.decode().unwrap().pixels)
            })
            .collect();
        all.sort();
        all
    };
    assert_eq!(decoded(&after), decoded(&glyphs));

    let set = root.path().join("set");
    folder_set(&set);
    let text = set.join("train/ants/000.png");
    std::fs::write(&text, "text, no image").unwrap();
    let data = folder_set_as_it_is(&set);
    let error = pack(&data, &root.path().join("out"), &small(), &mut |_| {});
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains(&text.display().to_string()) && error.ends_with("text, not an image"),
        "{error}"
    );
}

fn folder_set_as_it_is(root: &Path) -> ImageData {
    let options = OpenOptions {
        root: Some(root.to_owned()),
        ..OpenOptions::default()
    };
    open_set(DatasetName::ImageFolder, &options).unwrap()
}
