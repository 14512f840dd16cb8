//! Opening a data set by its name.

use std::path::{Path, PathBuf};

use burn_zoo_data::{DatasetInfo, ImageData};

use crate::dataset_name::DatasetName;
use crate::error::OpenError;
use crate::subset::LabelledSplit;
use crate::{cifar, glyphs, image_folder, mnist, shards, tiny_imagenet};

/// Location of a data set and how much of it to use.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenOptions {
    /// Folder of the data set, or the folder above it, or the URL of shards; [`default_root`] if none.
    pub root: Option<PathBuf>,
    /// Seed of everything random: the glyphs, the samples chosen under a limit, the split of a folder.
    pub seed: u64,
    /// Number of training images: that many glyphs, or at most that many of another data set, with balanced classes.
    pub train_size: Option<usize>,
    /// Number of validation images, likewise.
    pub valid_size: Option<usize>,
    /// Fraction of each class for validation, between 0 and 1, where an image folder or a folder of foreign shards has no
    /// validation split.
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

/// Folder of the data sets when none is given: `$BURN_ZOO_DATA`, else `data` in the current folder.
pub fn default_root() -> PathBuf {
    std::env::var_os("BURN_ZOO_DATA")
        .filter(|value| !value.is_empty())
        .map_or_else(|| PathBuf::from("data"), PathBuf::from)
}

/// Both splits of a data set, before they are limited to the sizes asked for.
pub(crate) struct LoadedSplits {
    pub(crate) train: LabelledSplit,
    pub(crate) valid: LabelledSplit,
    pub(crate) info: DatasetInfo,
}

/// Opens a data set.
///
/// # Errors
/// When files are missing (the message says how to get them), damaged or contradict each other, or when a size is 0.
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
    let LoadedSplits { train, valid, info } = match name {
        DatasetName::Glyphs => return Ok(glyphs::open(options)),
        DatasetName::Mnist => mnist::open(&mnist::DIGITS, &root)?,
        DatasetName::FashionMnist => mnist::open(&mnist::FASHION, &root)?,
        DatasetName::Cifar10 => cifar::open(&cifar::CIFAR10, &root)?,
        DatasetName::Cifar100 => cifar::open(&cifar::CIFAR100, &root)?,
        DatasetName::TinyImagenet => tiny_imagenet::open(&root)?,
        DatasetName::ImageFolder => image_folder::open(&root, options)?,
        DatasetName::Shards => shards::open(&root, options)?,
    };
    if valid.labels.is_empty() {
        return Err(OpenError::malformed(
            &root,
            "has one image per class: nothing is left for validation",
        ));
    }
    let train = train.capped(options.train_size, options.seed);
    let valid = valid.capped(options.valid_size, options.seed);
    Ok(ImageData {
        labels: train.labels.into(),
        shards: train.starts.map(Into::into),
        train: train.split,
        valid: valid.split,
        info,
    })
}

/// The first of `root/folders[..]` and `root` itself that `holds` the data set.
///
/// # Errors
/// [`OpenError::Missing`], with the command that downloads the data set.
pub(crate) fn find_folder(
    name: DatasetName,
    root: &Path,
    folders: &[&str],
    wanted: &str,
    holds: impl Fn(&Path) -> bool,
) -> Result<PathBuf, OpenError> {
    let mut places: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    places.push(root.to_owned());
    let found = places.iter().find(|place| holds(place)).cloned();
    found.ok_or_else(|| OpenError::Missing {
        name,
        wanted: wanted.to_owned(),
        places,
        advice: format!(
            "Download it with `zoo data fetch {name} --root {}`, or name the folder that holds it with `--root DIR` \
             (`--set data.root=DIR` when training)",
            root.display()
        ),
    })
}

/// Description of images of any size, with ImageNet's mean and std, which pretrained networks expect.
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
