//! MNIST (<http://yann.lecun.com/exdb/mnist/>) and Fashion-MNIST (<https://github.com/zalandoresearch/fashion-mnist>):
//! four IDX files, plain or gzipped, under either official spelling of their names.

use std::path::{Path, PathBuf};

use burn_zoo_data::DatasetInfo;

use crate::dataset_name::DatasetName;
use crate::error::OpenError;
use crate::fetch::Source;
use crate::idx::{self, Idx};
use crate::in_memory::InMemory;
use crate::open::{LoadedSplits, find_folder};
use crate::subset::LabelledSplit;

const SIZE: usize = 28;
const CLASSES: usize = 10;

/// A data set of four IDX files.
pub(crate) struct Kind {
    name: DatasetName,
    /// Folders below the root that may hold the files: ours, torchvision's.
    folders: [&'static str; 2],
    classes: [&'static str; CLASSES],
    mean: f32,
    std: f32,
    url: &'static str,
    /// Name, bytes and sha256.
    files: [(&'static str, u64, &'static str); 4],
}

#[rustfmt::skip] // tables
pub(crate) const DIGITS: Kind = Kind {
    name: DatasetName::Mnist,
    folders: ["mnist", "MNIST/raw"],
    classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    mean: 0.1307,
    std: 0.3081,
    url: "https://ossci-datasets.s3.amazonaws.com/mnist",
    files: [
        ("train-images-idx3-ubyte.gz", 9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        ("train-labels-idx1-ubyte.gz", 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        ("t10k-images-idx3-ubyte.gz", 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        ("t10k-labels-idx1-ubyte.gz", 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ],
};

#[rustfmt::skip] // tables
pub(crate) const FASHION: Kind = Kind {
    name: DatasetName::FashionMnist,
    folders: ["fashion_mnist", "FashionMNIST/raw"],
    classes: ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"],
    mean: 0.2860,
    std: 0.3530,
    url: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    files: [
        ("train-images-idx3-ubyte.gz", 26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        ("train-labels-idx1-ubyte.gz", 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        ("t10k-images-idx3-ubyte.gz", 4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        ("t10k-labels-idx1-ubyte.gz", 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    ],
};

impl Kind {
    /// URLs and checksums of the files.
    pub(crate) fn source(&self) -> Source {
        Source::new(self.folders[0], self.url, &self.files, None)
    }
}

/// Opens the data set in `root`, or in a folder of it.
pub(crate) fn open(kind: &Kind, root: &Path) -> Result<LoadedSplits, OpenError> {
    let wanted = "train-images-idx3-ubyte (or .gz) and its three companions";
    let folder = find_folder(kind.name, root, &kind.folders, wanted, |folder| {
        find(folder, "train", "images").is_some()
    })?;
    Ok(LoadedSplits {
        train: split(kind, &folder, "train")?,
        valid: split(kind, &folder, "t10k")?,
        info: DatasetInfo {
            name: kind.name.to_string(),
            classes: kind.classes.map(String::from).to_vec(),
            channels: 1,
            size: Some([SIZE, SIZE]),
            mean: vec![kind.mean],
            std: vec![kind.std],
        },
    })
}

/// A file of the data set under any of its names.
fn find(folder: &Path, split: &str, what: &str) -> Option<PathBuf> {
    let dims = if what == "images" { 3 } else { 1 };
    ["-", "."]
        .into_iter()
        .flat_map(|mark| ["", ".gz"].map(|end| format!("{split}-{what}{mark}idx{dims}-ubyte{end}")))
        .map(|file| folder.join(file))
        .find(|path| path.is_file())
}

fn split(kind: &Kind, folder: &Path, split: &str) -> Result<LabelledSplit, OpenError> {
    let required = |what| {
        find(folder, split, what).ok_or_else(|| OpenError::Missing {
            name: kind.name,
            wanted: format!("{split}-{what}-idx…-ubyte (or .gz)"),
            places: vec![folder.to_owned()],
            advice: format!(
                "Other files of {} are there: put this one beside them",
                kind.name
            ),
        })
    };
    let (images_path, labels_path) = (required("images")?, required("labels")?);
    let images: Idx<3> = idx::read(&images_path)?;
    let labels: Idx<1> = idx::read(&labels_path)?;
    let [count, height, width] = images.dims;
    let bad_images = |problem: String| Err(OpenError::malformed(&images_path, problem));
    let bad_labels = |problem: String| Err(OpenError::malformed(&labels_path, problem));
    if [height, width] != [SIZE, SIZE] {
        return bad_images(format!(
            "the images are {height}×{width}, expected {SIZE}×{SIZE}"
        ));
    }
    if count == 0 {
        return bad_images("holds 0 images".to_owned());
    }
    if labels.dims != [count] {
        return bad_labels(format!(
            "holds {} labels, {} holds {count} images",
            labels.dims[0],
            images_path.display()
        ));
    }
    let labels: Vec<usize> = labels.bytes.into_iter().map(usize::from).collect();
    if let Some(index) = labels.iter().position(|&label| label >= CLASSES) {
        return bad_labels(format!(
            "label {} of sample {index} is out of range: expected 0 to {}",
            labels[index],
            CLASSES - 1
        ));
    }
    let images = InMemory {
        height,
        width,
        channels: 1,
        pixels: images.bytes,
        labels,
    };
    Ok(LabelledSplit::new(images.labels.clone(), images))
}
