//! The data sets by name.

use std::fmt;
use std::str::FromStr;

/// A data set that can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DatasetName {
    /// Ten digits drawn by a procedure; embedded.
    Glyphs,
    /// Handwritten digits, LeCun, Cortes and Burges 1998.
    Mnist,
    /// Articles of clothing in MNIST's format, Xiao et al. 2017.
    FashionMnist,
    /// Ten kinds of animals and vehicles, Krizhevsky 2009.
    Cifar10,
    /// A hundred kinds, Krizhevsky 2009.
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
        match self {
            Self::Glyphs => "glyphs",
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion_mnist",
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
            Self::TinyImagenet => "tiny_imagenet",
            Self::ImageFolder => "image_folder",
            Self::Shards => "shards",
        }
    }

    /// What the set is, in one line.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Glyphs => {
                "drawn digits, 32x32 grey, 10 classes, any number; embedded, nothing to download"
            }
            Self::Mnist => "handwritten digits, 28x28 grey, 10 classes, 60,000 + 10,000",
            Self::FashionMnist => "articles of clothing, 28x28 grey, 10 classes, 60,000 + 10,000",
            Self::Cifar10 => "animals and vehicles, 32x32 RGB, 10 classes, 50,000 + 10,000",
            Self::Cifar100 => "animals, plants and things, 32x32 RGB, 100 classes, 50,000 + 10,000",
            Self::TinyImagenet => "a cut of ImageNet, 64x64 RGB, 200 classes, 100,000 + 10,000",
            Self::ImageFolder => "your own images, one folder per class",
            Self::Shards => {
                "tar files in WebDataset's layout, in a folder or on a server; `zoo data pack` makes them"
            }
        }
    }
}

impl fmt::Display for DatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A name that no data set has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownDatasetName {
    /// The name that was asked for.
    pub found: String,
    /// The most similar name, where one is similar.
    pub nearest: Option<DatasetName>,
}

impl fmt::Display for UnknownDatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no data set is called \"{}\"", self.found)?;
        if let Some(nearest) = self.nearest {
            write!(f, ": did you mean \"{nearest}\"?")?;
        }
        write!(
            f,
            " (known: {})",
            DatasetName::ALL.map(DatasetName::as_str).join(", ")
        )
    }
}

impl std::error::Error for UnknownDatasetName {}

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
