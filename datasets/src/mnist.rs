//! MNIST (<http://yann.lecun.com/exdb/mnist/>) and Fashion-MNIST (<https://github.com/zalandoresearch/fashion-mnist>):
//! four IDX files, plain or gzipped, under either official spelling of their names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn_zoo_data::DatasetInfo;

use crate::dataset_name::DatasetName;
use crate::error::OpenError;
use crate::fetch::{RemoteFile, Source};
use crate::idx::{self, Idx};
use crate::in_memory::InMemory;
use crate::open::LoadedSplits;
use crate::subset::LabelledSplit;

const SIZE: usize = 28;
const CLASSES: usize = 10;

/// Which of the sets in this format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Digits,
    Fashion,
}

impl Kind {
    fn name(self) -> DatasetName {
        match self {
            Self::Digits => DatasetName::Mnist,
            Self::Fashion => DatasetName::FashionMnist,
        }
    }

    /// Folders below the root that may hold the files: ours, torchvision's.
    fn folders(self) -> [&'static str; 2] {
        match self {
            Self::Digits => ["mnist", "MNIST/raw"],
            Self::Fashion => ["fashion_mnist", "FashionMNIST/raw"],
        }
    }

    fn info(self) -> DatasetInfo {
        let (classes, mean, std): ([&str; CLASSES], f32, f32) = match self {
            Self::Digits => (
                ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
                0.1307,
                0.3081,
            ),
            Self::Fashion => (
                [
                    "T-shirt/top",
                    "Trouser",
                    "Pullover",
                    "Dress",
                    "Coat",
                    "Sandal",
                    "Shirt",
                    "Sneaker",
                    "Bag",
                    "Ankle boot",
                ],
                0.2860,
                0.3530,
            ),
        };
        DatasetInfo {
            name: self.name().to_string(),
            classes: classes.map(String::from).to_vec(),
            channels: 1,
            size: Some([SIZE, SIZE]),
            mean: vec![mean],
            std: vec![std],
        }
    }

    /// Where the files come from.
    pub(crate) fn source(self) -> Source {
        let (base, files): (_, [(&str, u64, &str); 4]) = match self {
            Self::Digits => (
                "https://ossci-datasets.s3.amazonaws.com/mnist",
                [
                    (
                        "train-images-idx3-ubyte.gz",
                        9_912_422,
                        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                    ),
                    (
                        "train-labels-idx1-ubyte.gz",
                        28_881,
                        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                    ),
                    (
                        "t10k-images-idx3-ubyte.gz",
                        1_648_877,
                        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                    ),
                    (
                        "t10k-labels-idx1-ubyte.gz",
                        4_542,
                        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                    ),
                ],
            ),
            Self::Fashion => (
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
                [
                    (
                        "train-images-idx3-ubyte.gz",
                        26_421_880,
                        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                    ),
                    (
                        "train-labels-idx1-ubyte.gz",
                        29_515,
                        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                    ),
                    (
                        "t10k-images-idx3-ubyte.gz",
                        4_422_102,
                        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                    ),
                    (
                        "t10k-labels-idx1-ubyte.gz",
                        5_148,
                        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                    ),
                ],
            ),
        };
        let files = files.map(|(file, bytes, sha256)| RemoteFile {
            url: format!("{base}/{file}"),
            file: file.to_owned(),
            bytes: Some(bytes),
            sha256: sha256.to_owned(),
        });
        Source {
            folder: self.folders()[0].to_owned(),
            files: files.to_vec(),
            archive: None,
        }
    }
}

/// Opens the set in `root`, or in a folder of it.
pub(crate) fn open(kind: Kind, root: &Path) -> Result<LoadedSplits, OpenError> {
    let mut places: Vec<PathBuf> = kind
        .folders()
        .iter()
        .map(|folder| root.join(folder))
        .collect();
    places.push(root.to_owned());
    let Some(folder) = places
        .iter()
        .find(|place| find(place, "train", "images").is_some())
    else {
        let name = kind.name();
        return Err(OpenError::Missing {
            name,
            wanted: "train-images-idx3-ubyte (or .gz) and its three companions".into(),
            places,
            advice: format!("Run `zoo data fetch {name} --root {}`", root.display()),
        });
    };
    Ok(LoadedSplits {
        train: split(kind, folder, "train")?,
        valid: split(kind, folder, "t10k")?,
        info: kind.info(),
    })
}

/// A file of the set under any of its names.
fn find(folder: &Path, split: &str, what: &str) -> Option<PathBuf> {
    let dims = if what == "images" { 3 } else { 1 };
    ["-", "."]
        .into_iter()
        .flat_map(|mark| ["", ".gz"].map(|end| format!("{split}-{what}{mark}idx{dims}-ubyte{end}")))
        .map(|file| folder.join(file))
        .find(|path| path.is_file())
}

fn split(kind: Kind, folder: &Path, split: &str) -> Result<LabelledSplit, OpenError> {
    let required = |what| {
        find(folder, split, what).ok_or_else(|| OpenError::Missing {
            name: kind.name(),
            wanted: format!("{split}-{what}-idx…-ubyte (or .gz)"),
            places: vec![folder.to_owned()],
            advice: format!(
                "Other files of {} are there: put this one beside them",
                kind.name()
            ),
        })
    };
    let (images_path, labels_path) = (required("images")?, required("labels")?);
    let images: Idx<3> = idx::read(&images_path)?;
    let labels: Idx<1> = idx::read(&labels_path)?;
    let [count, height, width] = images.dims;
    if [height, width] != [SIZE, SIZE] {
        return Err(OpenError::malformed(
            &images_path,
            format!("the images are {height}×{width}, expected {SIZE}×{SIZE}"),
        ));
    }
    if count == 0 {
        return Err(OpenError::malformed(&images_path, "holds 0 images"));
    }
    if labels.dims != [count] {
        let found = labels.dims[0];
        return Err(OpenError::malformed(
            &labels_path,
            format!(
                "holds {found} labels, {} holds {count} images",
                images_path.display()
            ),
        ));
    }
    if let Some(at) = labels
        .bytes
        .iter()
        .position(|&label| usize::from(label) >= CLASSES)
    {
        let label = labels.bytes[at];
        return Err(OpenError::malformed(
            &labels_path,
            format!(
                "label {label} of sample {at} is out of range: expected 0 to {}",
                CLASSES - 1
            ),
        ));
    }
    let labels: Vec<usize> = labels.bytes.into_iter().map(usize::from).collect();
    let memory = InMemory {
        size: [SIZE, SIZE],
        channels: 1,
        pixels: images.bytes,
        labels: labels.clone(),
    };
    Ok(LabelledSplit::new(Arc::new(memory), labels))
}
