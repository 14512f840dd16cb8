//! CIFAR-10 and CIFAR-100 (Krizhevsky 2009, <https://www.cs.toronto.edu/~kriz/cifar.html>): the official binary
//! layout, or a tree of images `{train,test}/<class>/…`. CIFAR-100 has its fine labels.

use std::fs;
use std::path::{Path, PathBuf};

use burn_zoo_data::{DatasetInfo, Image};

use crate::dataset_name::DatasetName;
use crate::error::OpenError;
use crate::fetch::{Archive, Source};
use crate::image_folder::difference;
use crate::in_memory::InMemory;
use crate::open::{LoadedSplits, find_folder};
use crate::scan;
use crate::subset::LabelledSplit;

const SIDE: usize = 32;
const CHANNELS: usize = 3;
const PIXELS: usize = SIDE * SIDE * CHANNELS;

/// One of the two data sets.
pub(crate) struct Kind {
    name: DatasetName,
    folder: &'static str,
    train: &'static [&'static str],
    test: &'static str,
    /// Label bytes before the pixels of a record; the last is the fine label.
    label_bytes: usize,
    mean: [f32; CHANNELS],
    std: [f32; CHANNELS],
    /// Name, bytes and sha256.
    archive: (&'static str, u64, &'static str),
    classes: &'static [&'static str],
}

#[rustfmt::skip] // tables
pub(crate) const CIFAR10: Kind = Kind {
    name: DatasetName::Cifar10,
    folder: "cifar-10-batches-bin",
    train: &["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"],
    test: "test_batch.bin",
    label_bytes: 1,
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.2470, 0.2435, 0.2616],
    archive: ("cifar-10-binary.tar.gz", 170_052_171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),
    classes: &["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
};

#[rustfmt::skip] // tables
pub(crate) const CIFAR100: Kind = Kind {
    name: DatasetName::Cifar100,
    folder: "cifar-100-binary",
    train: &["train.bin"],
    test: "test.bin",
    label_bytes: 2,
    mean: [0.5071, 0.4865, 0.4409],
    std: [0.2673, 0.2564, 0.2762],
    archive: ("cifar-100-binary.tar.gz", 168_513_733, "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"),
    classes: &[
        "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
        "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
        "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur",
        "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard",
        "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain",
        "mouse", "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree",
        "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket",
        "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider",
        "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor",
        "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm",
    ],
};

impl Kind {
    /// URL and checksum of the archive.
    pub(crate) fn source(&self) -> Source {
        let url = "https://www.cs.toronto.edu/~kriz";
        Source::new(self.folder, url, &[self.archive], Some(Archive::TarGz))
    }
}

/// Opens the data set in `root`, or in a folder of it.
pub(crate) fn open(kind: &Kind, root: &Path) -> Result<LoadedSplits, OpenError> {
    let [train, test] = [kind.train[0], kind.test];
    let wanted = format!("{train} and {test}, or {{train,test}}/<class>/<images>,");
    let is_binary = |folder: &Path| folder.join(test).is_file() || folder.join(train).is_file();
    let is_tree = |folder: &Path| {
        ["train", "test"]
            .iter()
            .all(|split| folder.join(split).is_dir())
    };
    let folders = [kind.folder, kind.name.as_str()];
    let folder = find_folder(kind.name, root, &folders, &wanted, |folder| {
        is_binary(folder) || is_tree(folder)
    })?;
    let (train, valid) = if is_binary(&folder) {
        let train: Vec<PathBuf> = kind.train.iter().map(|file| folder.join(file)).collect();
        (binary(kind, &train)?, binary(kind, &[folder.join(test)])?)
    } else {
        (
            images(kind, &folder.join("train"))?,
            images(kind, &folder.join("test"))?,
        )
    };
    Ok(LoadedSplits {
        train,
        valid,
        info: DatasetInfo {
            name: kind.name.to_string(),
            classes: kind.classes.iter().map(ToString::to_string).collect(),
            channels: CHANNELS,
            size: Some([SIDE, SIDE]),
            mean: kind.mean.to_vec(),
            std: kind.std.to_vec(),
        },
    })
}

fn binary(kind: &Kind, paths: &[PathBuf]) -> Result<LabelledSplit, OpenError> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for path in paths {
        let bytes = fs::read(path).map_err(|source| OpenError::unreadable(path, source))?;
        records(kind, &bytes, &mut pixels, &mut labels)
            .map_err(|problem| OpenError::malformed(path, problem))?;
    }
    Ok(in_memory(pixels, labels))
}

/// Appends the images and labels of the records in one file.
///
/// # Errors
/// What is wrong with the file.
pub(crate) fn records(
    kind: &Kind,
    bytes: &[u8],
    pixels: &mut Vec<u8>,
    labels: &mut Vec<usize>,
) -> Result<(), String> {
    let record = kind.label_bytes + PIXELS;
    if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
        return Err(format!(
            "truncated or of another format: expected a multiple of {record} bytes ({} for the labels, {PIXELS} for the \
             pixels), found {} = {} × {record} + {}",
            kind.label_bytes,
            bytes.len(),
            bytes.len() / record,
            bytes.len() % record,
        ));
    }
    for (index, record) in bytes.chunks_exact(record).enumerate() {
        let label = usize::from(record[kind.label_bytes - 1]);
        if label >= kind.classes.len() {
            return Err(format!(
                "label {label} of record {index} is out of range: expected 0 to {}",
                kind.classes.len() - 1
            ));
        }
        labels.push(label);
        // Red, green and blue planes become interleaved pixels.
        let planes = &record[kind.label_bytes..];
        let plane = SIDE * SIDE;
        pixels
            .extend((0..plane).flat_map(|i| [planes[i], planes[plane + i], planes[2 * plane + i]]));
    }
    Ok(())
}

fn images(kind: &Kind, folder: &Path) -> Result<LabelledSplit, OpenError> {
    let folders = scan::class_folders(folder)?;
    let found: Vec<&str> = folders.iter().map(|(name, _)| name.as_str()).collect();
    if let Some(difference) = difference(
        &found,
        kind.classes,
        ["found but not expected", "expected but not found"],
    ) {
        return Err(OpenError::malformed(
            folder,
            format!("not the class folders of {}: {difference}", kind.name),
        ));
    }
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for (label, class) in kind.classes.iter().enumerate() {
        let class_folder = folder.join(class);
        let paths = scan::images(&class_folder)?;
        if paths.is_empty() {
            return Err(OpenError::malformed(&class_folder, "holds no images"));
        }
        for (image, path) in scan::decode_all(&paths)?.into_iter().zip(&paths) {
            let Image {
                height,
                width,
                channels,
                pixels: values,
            } = image;
            if [height, width] != [SIDE, SIDE] {
                let problem = format!("{height}×{width} pixels, expected {SIDE}×{SIDE}");
                return Err(OpenError::malformed(path, problem));
            }
            // A grey image has the same value in all three channels.
            let copies = CHANNELS / channels;
            pixels.extend(
                values
                    .into_iter()
                    .flat_map(|value| std::iter::repeat_n(value, copies)),
            );
            labels.push(label);
        }
    }
    Ok(in_memory(pixels, labels))
}

fn in_memory(pixels: Vec<u8>, labels: Vec<usize>) -> LabelledSplit {
    let images = InMemory {
        height: SIDE,
        width: SIDE,
        channels: CHANNELS,
        pixels,
        labels,
    };
    LabelledSplit::new(images.labels.clone(), images)
}
