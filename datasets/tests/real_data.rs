//! The real files, where `BURN_ZOO_DATA` names a folder that has them.

use std::path::{Path, PathBuf};

use burn_zoo_data::{ImageData, Split};
use burn_zoo_datasets::{DatasetName, OpenOptions, open};

fn read(name: DatasetName, folder: &str) -> Option<ImageData> {
    let Some(root) = std::env::var_os("BURN_ZOO_DATA") else {
        eprintln!("skipped: BURN_ZOO_DATA is unset");
        return None;
    };
    let root: PathBuf = Path::new(&root).join(folder);
    if !root.is_dir() {
        eprintln!("skipped: {} is not there", root.display());
        return None;
    }
    Some(
        open(
            name,
            &OpenOptions {
                root: Some(root),
                ..OpenOptions::default()
            },
        )
        .unwrap(),
    )
}

fn counts(split: &Split, classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for index in 0..split.len() {
        counts[split.get(index).unwrap().label] += 1;
    }
    counts
}

/// Mean and std of each channel, pixels scaled to 0…1.
fn statistics(split: &Split, channels: usize) -> Vec<(f64, f64)> {
    let (mut sums, mut squares, mut pixels) = (vec![0u64; channels], vec![0u64; channels], 0u64);
    for index in 0..split.len() {
        let image = split.get(index).unwrap().image.decode().unwrap();
        pixels += (image.height * image.width) as u64;
        for (i, &value) in image.pixels.iter().enumerate() {
            sums[i % channels] += u64::from(value);
            squares[i % channels] += u64::from(value) * u64::from(value);
        }
    }
    let of = |channel: usize| {
        let mean = sums[channel] as f64 / pixels as f64;
        let std = (squares[channel] as f64 / pixels as f64 - mean * mean).sqrt();
        (mean / 255.0, std / 255.0)
    };
    (0..channels).map(of).collect()
}

fn assert_statistics(data: &ImageData, tolerance: f64) {
    for (channel, (mean, std)) in statistics(&data.train, data.info.channels)
        .into_iter()
        .enumerate()
    {
        let (stated_mean, stated_std) = (
            f64::from(data.info.mean[channel]),
            f64::from(data.info.std[channel]),
        );
        assert!(
            (mean - stated_mean).abs() < tolerance,
            "channel {channel}: mean {mean}, stated {stated_mean}"
        );
        assert!(
            (std - stated_std).abs() < tolerance,
            "channel {channel}: std {std}, stated {stated_std}"
        );
    }
}

#[test]
fn mnist() {
    let Some(data) = read(DatasetName::Mnist, "mnist") else {
        return;
    };
    assert_eq!(
        counts(&data.train, 10),
        [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    );
    assert_eq!(
        counts(&data.valid, 10),
        [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    );
    assert_statistics(&data, 1e-3);
}

#[test]
fn cifar10_binary_and_tree_hold_the_same_images() {
    let Some(binary) = read(DatasetName::Cifar10, "cifar-10-batches-bin") else {
        return;
    };
    assert_eq!(counts(&binary.train, 10), [5000; 10]);
    assert_eq!(counts(&binary.valid, 10), [1000; 10]);
    // The images were compressed with loss, so their statistics differ a little from the original's.
    assert_statistics(&binary, 4e-3);
    let Some(tree) = read(DatasetName::Cifar10, "cifar10-jpeg") else {
        return;
    };
    assert_eq!((tree.train.len(), tree.valid.len()), (50_000, 10_000));
    // The binary is shuffled, and made of the same JPEGs by PIL.
    let samples = |split: &Split| -> Vec<(usize, Vec<u8>)> {
        let mut samples: Vec<(usize, Vec<u8>)> = (0..split.len())
            .map(|index| split.get(index).unwrap())
            .map(|sample| (sample.label, sample.image.decode().unwrap().pixels))
            .collect();
        samples.sort();
        samples
    };
    assert!(samples(&tree.valid) == samples(&binary.valid));
}

#[test]
fn tiny_imagenet_cut() {
    let Some(data) = read(DatasetName::TinyImagenet, "tiny-imagenet-200") else {
        return;
    };
    let classes = data.info.classes.len();
    assert_eq!(counts(&data.train, classes), vec![500; classes]);
    assert_eq!(counts(&data.valid, classes), vec![50; classes]);
    assert_eq!(data.info.classes[0], "goldfish");
}
