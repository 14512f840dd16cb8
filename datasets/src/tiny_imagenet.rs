//! Tiny ImageNet (Stanford CS231n, <http://cs231n.stanford.edu/tiny-imagenet-200.zip>): `train/<wnid>/images/…`,
//! `val/images/…` with `val/val_annotations.txt`, `wnids.txt`, `words.txt`.
//!
//! Labels follow the sorted WordNet identifiers, as with every folder-per-class reader. A subset of the classes works too.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use burn_zoo_data::DatasetInfo;

use crate::dataset_name::DatasetName;
use crate::error::OpenError;
use crate::fetch::{Archive, Source};
use crate::file_list::FileList;
use crate::open::{LoadedSplits, find_folder};
use crate::scan;
use crate::subset::LabelledSplit;

const FOLDER: &str = "tiny-imagenet-200";
/// Name, bytes and sha256.
const ARCHIVE: (&str, u64, &str) = (
    "tiny-imagenet-200.zip",
    248_100_043,
    "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
);

/// URL and checksum of the archive.
pub(crate) fn source() -> Source {
    let url = "http://cs231n.stanford.edu";
    Source::new(FOLDER, url, &[ARCHIVE], Some(Archive::Zip))
}

/// Opens the data set in `root`, or in a folder of it.
pub(crate) fn open(root: &Path) -> Result<LoadedSplits, OpenError> {
    let folders = [FOLDER, "tiny_imagenet"];
    let wanted = "wnids.txt, words.txt, train and val";
    let folder = &find_folder(
        DatasetName::TinyImagenet,
        root,
        &folders,
        wanted,
        |folder| folder.join("wnids.txt").is_file(),
    )?;
    let wnids_path = folder.join("wnids.txt");
    let wnids = class_ids(&read(&wnids_path)?);
    if wnids.is_empty() {
        return Err(OpenError::malformed(&wnids_path, "names 0 classes"));
    }
    let labels: HashMap<&str, usize> = wnids.iter().map(String::as_str).zip(0..).collect();
    let info = DatasetInfo {
        name: DatasetName::TinyImagenet.to_string(),
        classes: class_names(&read(&folder.join("words.txt"))?, &wnids),
        channels: 3,
        size: Some([64, 64]),
        mean: vec![0.4802, 0.4481, 0.3975],
        std: vec![0.2770, 0.2691, 0.2821],
    };
    Ok(LoadedSplits {
        train: train(folder, &wnids)?,
        valid: valid(folder, &labels)?,
        info,
    })
}

fn train(folder: &Path, wnids: &[String]) -> Result<LabelledSplit, OpenError> {
    let mut files = FileList::default();
    for (label, wnid) in wnids.iter().enumerate() {
        let images = folder.join("train").join(wnid).join("images");
        let paths = scan::images(&images)?;
        if paths.is_empty() {
            return Err(OpenError::malformed(&images, "holds no images"));
        }
        files.extend(paths, label);
    }
    Ok(LabelledSplit::new(files.labels.clone(), files))
}

fn valid(folder: &Path, labels: &HashMap<&str, usize>) -> Result<LabelledSplit, OpenError> {
    let path = folder.join("val").join("val_annotations.txt");
    let malformed = |problem| OpenError::malformed(&path, problem);
    let mut files = FileList::default();
    for (file, label, line) in annotations(&read(&path)?, labels).map_err(malformed)? {
        let image = folder.join("val").join("images").join(file);
        if !image.is_file() {
            let problem = format!("line {line}: {} does not exist", image.display());
            return Err(malformed(problem));
        }
        files.extend(vec![image], label);
    }
    Ok(LabelledSplit::new(files.labels.clone(), files))
}

/// File name, label and line number of every image in `text`, the content of `val_annotations.txt`.
///
/// # Errors
/// What is wrong with the file.
pub(crate) fn annotations(
    text: &str,
    labels: &HashMap<&str, usize>,
) -> Result<Vec<(String, usize, usize)>, String> {
    let mut found = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let problem = |problem: String| format!("line {number}: {problem}");
        if line.trim().is_empty() {
            continue;
        }
        let mut fields = line.split('\t');
        let (Some(file), Some(wnid)) = (fields.next(), fields.next()) else {
            return Err(problem(format!(
                "expected a file name, a tab and a class, found \"{line}\""
            )));
        };
        let Some(&label) = labels.get(wnid.trim()) else {
            return Err(problem(format!("class \"{wnid}\" is not in wnids.txt")));
        };
        if file.contains(['/', '\\']) {
            return Err(problem(format!("\"{file}\" is not a plain file name")));
        }
        found.push((file.to_owned(), label, number));
    }
    if found.is_empty() {
        return Err("names 0 images".to_owned());
    }
    Ok(found)
}

/// Class names: the first name in `words.txt`, followed by the WordNet identifier where two classes share it.
pub(crate) fn class_names(words: &str, wnids: &[String]) -> Vec<String> {
    let words: HashMap<&str, &str> = words
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .collect();
    let first = |wnid: &String| {
        let word = words.get(wnid.as_str()).map_or(wnid.as_str(), |words| {
            words.split(',').next().unwrap_or(words)
        });
        word.trim().to_owned()
    };
    let names: Vec<String> = wnids.iter().map(first).collect();
    let mut uses: HashMap<&str, usize> = HashMap::new();
    for name in &names {
        *uses.entry(name).or_default() += 1;
    }
    let unique = |(name, wnid): (&String, &String)| match uses[name.as_str()] {
        1 => name.clone(),
        _ => format!("{name} ({wnid})"),
    };
    names.iter().zip(wnids).map(unique).collect()
}

/// WordNet identifiers in `text`, the content of `wnids.txt`, in the order of the labels.
pub(crate) fn class_ids(text: &str) -> Vec<String> {
    let mut wnids: Vec<String> = text.split_whitespace().map(String::from).collect();
    wnids.sort();
    wnids.dedup();
    wnids
}

fn read(path: &Path) -> Result<String, OpenError> {
    let bytes = fs::read(path).map_err(|source| OpenError::unreadable(path, source))?;
    String::from_utf8(bytes).map_err(|_| OpenError::malformed(path, "is not UTF-8 text"))
}
