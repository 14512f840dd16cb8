//! Image folders and Tiny ImageNet.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn_zoo_data::{Image, ImageData, Split, save_png};
use burn_zoo_datasets::{DatasetName, OpenError, OpenOptions, open};

fn read(name: DatasetName, root: &Path) -> Result<ImageData, OpenError> {
    open(
        name,
        &OpenOptions {
            root: Some(root.to_owned()),
            ..OpenOptions::default()
        },
    )
}

fn refusal(root: &Path) -> String {
    read(DatasetName::ImageFolder, root)
        .err()
        .expect("it is refused")
        .to_string()
}

/// Writes an image of one grey level, making the folders above it.
fn paint(path: &Path, grey: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    save_png(
        &Image {
            height: 2,
            width: 2,
            channels: 1,
            pixels: vec![grey; 4],
        },
        path,
    )
    .unwrap();
}

/// Label and grey level of every sample.
fn contents(split: &Split) -> Vec<(usize, u8)> {
    (0..split.len())
        .map(|index| {
            let sample = split.get(index).unwrap();
            (sample.label, sample.image.decode().unwrap().pixels[0])
        })
        .collect()
}

#[test]
fn classes_are_the_sorted_folders_and_images_may_lie_deeper() {
    let root = tempfile::tempdir().unwrap();
    paint(&root.path().join("train/犬 größe/b.PNG"), 1);
    paint(&root.path().join("train/Zebra/deep/er/a.png"), 2);
    paint(&root.path().join("train/apple/x.png"), 3);
    fs::write(root.path().join("train/apple/notes.txt"), "not counted").unwrap();
    fs::write(root.path().join("train/apple/.hidden.png"), "not counted").unwrap();
    fs::create_dir(root.path().join("train/.cache")).unwrap();
    for (grey, class) in (4..).zip(["apple", "Zebra", "犬 größe"]) {
        paint(&root.path().join("val").join(class).join("v.png"), grey);
    }
    let data = read(DatasetName::ImageFolder, root.path()).unwrap();
    assert_eq!(data.info.classes, ["Zebra", "apple", "犬 größe"]);
    assert_eq!(contents(&data.train), [(0, 2), (1, 3), (2, 1)]);
    assert_eq!(contents(&data.valid), [(0, 5), (1, 4), (2, 6)]);
    assert_eq!((data.info.size, data.info.channels), (None, 3));
}

#[test]
fn every_name_of_a_validation_folder_is_known() {
    for name in ["val", "valid", "validation", "test"] {
        let root = tempfile::tempdir().unwrap();
        for split in ["train", name] {
            paint(&root.path().join(split).join("a/1.png"), 1);
            paint(&root.path().join(split).join("b/1.png"), 2);
        }
        assert_eq!(
            read(DatasetName::ImageFolder, root.path())
                .unwrap()
                .valid
                .len(),
            2
        );
    }
}

#[test]
fn a_flat_folder_is_split_by_class_and_seed() {
    let root = tempfile::tempdir().unwrap();
    for i in 0..50 {
        paint(&root.path().join(format!("common/{i}.png")), i);
        if i < 10 {
            paint(&root.path().join(format!("rare/{i}.png")), 100 + i);
        }
    }
    let split = |seed, valid_fraction| {
        let options = OpenOptions {
            root: Some(root.path().to_owned()),
            seed,
            valid_fraction,
            ..OpenOptions::default()
        };
        let data = open(DatasetName::ImageFolder, &options).unwrap();
        (contents(&data.train), contents(&data.valid))
    };
    let (train, valid) = split(1, 0.2);
    let count =
        |split: &[(usize, u8)], class| split.iter().filter(|(label, _)| *label == class).count();
    assert_eq!(
        [
            count(&train, 0),
            count(&train, 1),
            count(&valid, 0),
            count(&valid, 1)
        ],
        [40, 8, 10, 2]
    );
    let mut all = [train.clone(), valid.clone()].concat();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 60, "no image is in both");
    assert_eq!(split(1, 0.2), (train.clone(), valid.clone()));
    assert_ne!(split(2, 0.2), (train, valid));
    let (train, valid) = split(1, 0.999);
    assert!(
        count(&train, 1) == 1 && count(&valid, 1) == 9,
        "every class still trains"
    );
    for fraction in [0.0, 1.0, f64::NAN] {
        let options = OpenOptions {
            root: Some(root.path().to_owned()),
            valid_fraction: fraction,
            ..OpenOptions::default()
        };
        let message = open(DatasetName::ImageFolder, &options)
            .err()
            .unwrap()
            .to_string();
        assert!(message.contains("valid_fraction"), "{message}");
    }
}

#[test]
fn a_train_folder_alone_is_split_too() {
    let root = tempfile::tempdir().unwrap();
    for i in 0..5 {
        paint(&root.path().join(format!("train/a/{i}.png")), i);
        paint(&root.path().join(format!("train/b/{i}.png")), i);
    }
    let data = read(DatasetName::ImageFolder, root.path()).unwrap();
    assert_eq!((data.train.len(), data.valid.len()), (8, 2));
    assert_eq!(data.info.classes, ["a", "b"]);
}

#[test]
fn caps_keep_the_balance() {
    let root = tempfile::tempdir().unwrap();
    for i in 0..20 {
        paint(&root.path().join(format!("train/a/{i}.png")), i);
        paint(&root.path().join(format!("val/a/{i}.png")), i);
    }
    for i in 0..5 {
        paint(&root.path().join(format!("train/b/{i}.png")), i);
        paint(&root.path().join(format!("val/b/{i}.png")), i);
    }
    let options = |train_size| OpenOptions {
        root: Some(root.path().to_owned()),
        train_size: Some(train_size),
        valid_size: Some(1000),
        ..OpenOptions::default()
    };
    let data = open(DatasetName::ImageFolder, &options(8)).unwrap();
    let mut counts = BTreeMap::new();
    for (label, _) in contents(&data.train) {
        *counts.entry(label).or_insert(0) += 1;
    }
    assert_eq!(counts, BTreeMap::from([(0, 4), (1, 4)]));
    assert_eq!(data.valid.len(), 25, "a cap above the size takes all");
    let message = open(DatasetName::ImageFolder, &options(0))
        .err()
        .unwrap()
        .to_string();
    assert!(message.contains("train_size is 0"), "{message}");
}

#[test]
fn folders_that_make_no_data_set_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let nowhere = root.path().join("nowhere");
    assert!(
        refusal(&nowhere).contains("nowhere"),
        "{}",
        refusal(&nowhere)
    );
    assert!(refusal(root.path()).contains("0 images in 0 class folders"));
    fs::create_dir_all(root.path().join("a")).unwrap();
    fs::create_dir_all(root.path().join("b")).unwrap();
    assert!(refusal(root.path()).contains("0 images in 2 class folders"));
    paint(&root.path().join("a/1.png"), 1);
    let message = refusal(root.path());
    assert!(message.contains("/b: a class without images"), "{message}");
    fs::remove_dir(root.path().join("b")).unwrap();
    assert!(refusal(root.path()).contains("one class folder, \"a\""));
}

#[test]
fn classes_of_the_splits_must_match() {
    let root = tempfile::tempdir().unwrap();
    for path in [
        "train/cat/1.png",
        "train/dog/1.png",
        "val/cat/1.png",
        "val/hound/1.png",
    ] {
        paint(&root.path().join(path), 1);
    }
    let message = refusal(root.path());
    for part in [
        "train",
        "val",
        "only in the first: \"dog\"",
        "only in the second: \"hound\"",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_bad_image_is_met_when_it_is_loaded() {
    let root = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        for split in ["train", "val"] {
            paint(&root.path().join(split).join(class).join("1.png"), 1);
        }
    }
    let whole = fs::read(root.path().join("train/a/1.png")).unwrap();
    fs::write(root.path().join("train/a/2.png"), &whole[..whole.len() / 2]).unwrap();
    fs::write(root.path().join("train/b/2.jpg"), "just text").unwrap();
    let data = read(DatasetName::ImageFolder, root.path()).unwrap();
    let messages: Vec<String> = (0..data.train.len())
        .filter_map(|i| data.train.get(i).unwrap().image.decode().err())
        .map(|e| e.to_string())
        .collect();
    assert_eq!(messages.len(), 2);
    assert!(
        messages[0].contains("a/2.png: a damaged PNG"),
        "{messages:?}"
    );
    assert!(
        messages[1].contains("b/2.jpg: text, not an image"),
        "{messages:?}"
    );
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_circles_end() {
    use std::os::unix::fs::symlink;

    let root = tempfile::tempdir().unwrap();
    paint(&root.path().join("store/1.png"), 7);
    paint(&root.path().join("set/train/b/1.png"), 1);
    paint(&root.path().join("set/val/b/1.png"), 1);
    for split in ["train", "val"] {
        let class = root.path().join("set").join(split).join("a");
        symlink(root.path().join("store"), &class).unwrap();
    }
    symlink("..", root.path().join("set/train/b/circle")).unwrap();
    symlink(
        "/nowhere/at.png",
        root.path().join("set/val/b/dangling.png"),
    )
    .unwrap();
    let data = read(DatasetName::ImageFolder, &root.path().join("set")).unwrap();
    assert_eq!(data.info.classes, ["a", "b"]);
    assert_eq!(contents(&data.train)[0].1, 7);
    let dangling = data.valid.get(2).unwrap().image;
    let message = dangling.decode().unwrap_err().to_string();
    assert!(
        message.contains("dangling.png: cannot be read"),
        "{message}"
    );
}

fn tiny(root: &Path) {
    fs::write(root.join("wnids.txt"), "n02\nn01\nn03\n").unwrap();
    fs::write(
        root.join("words.txt"),
        "n01\tcrane, a bird\nn02\tgoldfish, Carassius\nn03\tcrane\nn04\tunused\n",
    )
    .unwrap();
    for (grey, wnid) in (1..).zip(["n01", "n02", "n03"]) {
        paint(
            &root.join(format!("train/{wnid}/images/{wnid}_0.PNG")),
            grey,
        );
    }
    fs::write(
        root.join("train/n01/n01_boxes.txt"),
        "n01_0.JPEG\t0\t0\t9\t9\n",
    )
    .unwrap();
    paint(&root.join("val/images/val_0.png"), 10);
    paint(&root.join("val/images/val_1.png"), 11);
    fs::write(
        root.join("val/val_annotations.txt"),
        "val_1.png\tn03\t0\t0\t1\t1\nval_0.png\tn02\t0\t0\t1\t1\n",
    )
    .unwrap();
}

#[test]
fn tiny_imagenet_is_read_with_readable_names() {
    let root = tempfile::tempdir().unwrap();
    tiny(root.path());
    let data = read(DatasetName::TinyImagenet, root.path()).unwrap();
    assert_eq!(
        data.info.classes,
        ["crane (n01)", "goldfish", "crane (n03)"]
    );
    assert_eq!(contents(&data.train), [(0, 1), (1, 2), (2, 3)]);
    assert_eq!(contents(&data.valid), [(2, 11), (1, 10)]);
}

#[test]
fn broken_annotations_are_named_by_line() {
    let root = tempfile::tempdir().unwrap();
    tiny(root.path());
    let annotations = root.path().join("val/val_annotations.txt");
    for (content, expected) in [
        (
            "val_0.png n02\n",
            "line 1: expected a file name, a tab and a class",
        ),
        (
            "val_0.png\tn02\nval_1.png\tn99\n",
            "line 2: class \"n99\" is not in wnids.txt",
        ),
        ("val_9.png\tn02\n", "val_9.png does not exist"),
        ("../val_0.png\tn02\n", "not a plain file name"),
        ("\n", "names 0 images"),
    ] {
        fs::write(&annotations, content).unwrap();
        let message = read(DatasetName::TinyImagenet, root.path())
            .err()
            .unwrap()
            .to_string();
        assert!(
            message.contains("val_annotations.txt") && message.contains(expected),
            "{message}"
        );
    }
    fs::write(&annotations, [0xff, 0xfe, 0x00]).unwrap();
    let message = read(DatasetName::TinyImagenet, root.path())
        .err()
        .unwrap()
        .to_string();
    assert!(message.contains("not UTF-8"), "{message}");
    fs::remove_dir_all(root.path().join("train/n03")).unwrap();
    let message = read(DatasetName::TinyImagenet, root.path())
        .err()
        .unwrap()
        .to_string();
    assert!(
        message.contains("train/n03/images: cannot be read"),
        "{message}"
    );
}
