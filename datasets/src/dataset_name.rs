//! Names of the data sets, as run files and the command line write them.

use std::fmt;
use std::str::FromStr;

/// A data set that can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DatasetName {
    /// Digits drawn by a procedure; embedded.
    Glyphs,
    /// Handwritten digits, LeCun, Cortes and Burges 1998.
    Mnist,
    /// Articles of clothing in MNIST's format, Xiao et al. 2017.
    FashionMnist,
    /// Animals and vehicles in ten classes, Krizhevsky 2009.
    Cifar10,
    /// A hundred classes, Krizhevsky 2009.
    Cifar100,
    /// 200 classes of ImageNet at 64×64, Stanford CS231n.
    TinyImagenet,
    /// Any folder with one folder per class.
    ImageFolder,
    /// Tar files in WebDataset's layout.
    Shards,
}

impl DatasetName {
    /// Every data set, in the order in which lists show them.
    pub const ALL: [Self; 8] = [
        Self::Glyphs,
        Self::Mnist,
        Self::FashionMnist,
        Self::Cifar10,
        Self::Cifar100,
        Self::TinyImagenet,
        Self::ImageFolder,
        Self::Shards,
    ];

    /// The name in run files and on the command line.
    pub const fn as_str(self) -> &'static str {
        NAMES[self as usize].0
    }

    /// One line about the data set: kind, size and number of its images.
    pub const fn summary(self) -> &'static str {
        NAMES[self as usize].1
    }
}

/// Name and summary of each data set, in the order of the variants.
#[rustfmt::skip] // one data set per line
const NAMES: [(&str, &str); 8] = [
    ("glyphs", "drawn digits, 32x32 grey, 10 classes, any number; embedded, nothing to download"),
    ("mnist", "handwritten digits, 28x28 grey, 10 classes, 60,000 + 10,000"),
    ("fashion_mnist", "articles of clothing, 28x28 grey, 10 classes, 60,000 + 10,000"),
    ("cifar10", "animals and vehicles, 32x32 RGB, 10 classes, 50,000 + 10,000"),
    ("cifar100", "animals, plants and things, 32x32 RGB, 100 classes, 50,000 + 10,000"),
    ("tiny_imagenet", "a subset of ImageNet, 64x64 RGB, 200 classes, 100,000 + 10,000"),
    ("image_folder", "your own images, one folder per class"),
    ("shards", "tar files in WebDataset's layout, in a folder or on a server; `zoo data pack` makes them"),
];

impl fmt::Display for DatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A name that no data set has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no data set is called \"{found}\"{} (known: {})",
    nearest.map_or(String::new(), |name| format!(": did you mean \"{name}\"?")),
    DatasetName::ALL.map(DatasetName::as_str).join(", ")
)]
pub struct UnknownDatasetName {
    /// The name that was asked for.
    pub found: String,
    /// The most similar name, where one is similar.
    pub nearest: Option<DatasetName>,
}

impl FromStr for DatasetName {
    type Err = UnknownDatasetName;

    /// Reads a name; case and `-` for `_` do not matter.
    fn from_str(text: &str) -> Result<Self, UnknownDatasetName> {
        let wanted = text.trim().to_ascii_lowercase().replace('-', "_");
        if let Some(name) = Self::ALL.into_iter().find(|name| name.as_str() == wanted) {
            return Ok(name);
        }
        let similarity = |name: &Self| strsim::jaro_winkler(&wanted, name.as_str());
        let nearest = Self::ALL
            .into_iter()
            .max_by(|a, b| similarity(a).total_cmp(&similarity(b)))
            .filter(|name| similarity(name) > 0.75);
        Err(UnknownDatasetName {
            found: text.to_owned(),
            nearest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for name in DatasetName::ALL {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        assert_eq!("Fashion-MNIST".parse(), Ok(DatasetName::FashionMnist));
    }

    #[test]
    fn a_typo_names_the_nearest() {
        let error = "cifar-1O".parse::<DatasetName>().unwrap_err();
        assert_eq!(error.nearest, Some(DatasetName::Cifar10));
        assert!(
            error.to_string().contains("did you mean \"cifar10\"?"),
            "{error}"
        );
        let error = "tinyimagenet".parse::<DatasetName>().unwrap_err();
        assert_eq!(error.nearest, Some(DatasetName::TinyImagenet));
        let error = "xyz".parse::<DatasetName>().unwrap_err();
        assert_eq!(error.nearest, None);
        assert!(error.to_string().contains("image_folder"), "{error}");
    }
}
