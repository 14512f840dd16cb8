//! A data set by its name.

use std::path::PathBuf;

use burn_zoo_data::{DatasetInfo, ImageData};

use crate::dataset_name::DatasetName;
use crate::error::OpenError;
use crate::subset::LabelledSplit;
use crate::{cifar, glyphs, image_folder, mnist, shards, tiny_imagenet};

/// Where a data set lies and how much of it is taken.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenOptions {
    /// The folder of the set, or one that holds it, or the address of shards; [`default_root`] where absent.
    pub root: Option<PathBuf>,
    /// Seed of whatever is drawn at random: the glyphs, the samples under a cap, the split of a folder.
    pub seed: u64,
    /// Number of training images: that many glyphs, or at most that many of another set, in balance.
    pub train_size: Option<usize>,
    /// Number of validation images, likewise.
    pub valid_size: Option<usize>,
    /// Fraction of each class that is held out for validation, between 0 and 1, where an image folder has no validation folder and a folder of
    /// somebody else's shards none to validate on.
    pub valid_fraction: f64,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            root: None,
            seed: 0,
            train_size: None,
            valid_size: None,
            valid_fraction: 0.2,
        }
    }
}

/// Where data sets are looked for and brought to when no folder is named: `$BURN_ZOO_DATA`, else `data` in the
/// current folder.
pub fn default_root() -> PathBuf {
    std::env::var_os("BURN_ZOO_DATA")
        .filter(|value| !value.is_empty())
        .map_or_else(|| PathBuf::from("data"), PathBuf::from)
}

/// What a reader knows of its set.
pub(crate) struct LoadedSplits {
    pub(crate) train: LabelledSplit,
    pub(crate) valid: LabelledSplit,
    pub(crate) info: DatasetInfo,
}

/// Opens a data set.
///
/// # Errors
/// When its files are missing (the message says what to do), damaged, or contradict each other, or when an option
/// asks for nothing.
pub fn open(name: DatasetName, options: &OpenOptions) -> Result<ImageData, OpenError> {
    for (key, size) in [
        ("train_size", options.train_size),
        ("valid_size", options.valid_size),
    ] {
        if size == Some(0) {
            return Err(OpenError::Option(format!(
                "{name}: {key} is 0: expected at least 1 image"
            )));
        }
    }
    let root = options.root.clone().unwrap_or_else(default_root);
    let opened = match name {
        DatasetName::Glyphs => return Ok(glyphs::open(options)),
        DatasetName::Mnist => mnist::open(mnist::Kind::Digits, &root)?,
        DatasetName::FashionMnist => mnist::open(mnist::Kind::Fashion, &root)?,
        DatasetName::Cifar10 => cifar::open(&cifar::CIFAR10, &root)?,
        DatasetName::Cifar100 => cifar::open(&cifar::CIFAR100, &root)?,
        DatasetName::TinyImagenet => tiny_imagenet::open(&root)?,
        DatasetName::ImageFolder => image_folder::open(&root, options)?,
        DatasetName::Shards => shards::open(&root, options)?,
    };
    let train = opened.train.capped(options.train_size, options.seed);
    let valid = opened.valid.capped(options.valid_size, options.seed);
    Ok(ImageData {
        labels: train.labels.into(),
        shards: train.starts.map(Into::into),
        train: train.split,
        valid: valid.split,
        info: opened.info,
    })
}

/// What is known of images of any size: ImageNet's statistics, which pretrained networks expect.
pub(crate) fn info_for_any_size(name: DatasetName, classes: Vec<String>) -> DatasetInfo {
    DatasetInfo {
        name: name.to_string(),
        classes,
        channels: 3,
        size: None,
        mean: vec![0.485, 0.456, 0.406],
        std: vec![0.229, 0.224, 0.225],
    }
}
