//! Opening shards: from a folder or a URL to the two splits.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn_zoo_data::DatasetInfo;
use rayon::prelude::*;

use super::index::{Index, index_path};
use super::index_tar::index_file;
use super::location::Location;
use super::manifest::{Manifest, Shard};
use super::split::ShardSplit;
use super::{MANIFEST, write_atomic};
use crate::dataset_name::DatasetName;
use crate::error::OpenError;
use crate::open::{LoadedSplits, OpenOptions, info_for_any_size};
use crate::scan;
use crate::subset::LabelledSplit;

/// Class names of foreign shards, one per line.
pub(crate) const CLASSES: &str = "classes.txt";

const NAME_ROOT: &str = "Name the folder or the URL of the shards with `--root DIR` (`--set data.root=DIR` when training); \
                         `zoo data pack` makes shards of another data set";

/// Opens the shards at `root`, a folder or a URL.
pub(crate) fn open(root: &Path, options: &OpenOptions) -> Result<LoadedSplits, OpenError> {
    let location = Arc::new(Location::new(root));
    let manifest_path = location.name(MANIFEST);
    let manifest = location.text(MANIFEST)?;
    let manifest = manifest
        .map(|text| Manifest::parse(&text, &manifest_path))
        .transpose()?;
    let is_packed = manifest.is_some();
    let found = match (manifest, &*location) {
        (Some(manifest), _) => packed(&location, manifest)?,
        (None, Location::Folder(folder)) => foreign(&location, folder)?,
        (None, Location::Remote(_)) => {
            return Err(OpenError::Remote {
                url: manifest_path.display().to_string(),
                problem: "there is no such file, which lists the shards, since a server cannot list its files: pack a copy of the \
                          shards with `zoo data pack shards OUT --root FOLDER` and serve OUT"
                    .to_owned(),
            });
        }
    };
    // Foreign shards without a validation split are divided, as image folders are.
    let is_divided = !is_packed && found.valid.is_empty();
    let splits = [("training", &found.train), ("validation", &found.valid)];
    let missing = splits.iter().find(|(_, shards)| shards.is_empty());
    if let Some((split, _)) = missing.filter(|_| !is_divided) {
        return Err(OpenError::malformed(
            &manifest_path,
            format!(
                "names no {split} shards: pack that split into the same folder as well (`zoo data pack`)"
            ),
        ));
    }
    let labelled = |shards: &[(String, Index)]| {
        let mut split = ShardSplit::new(location.clone());
        for (name, index) in shards {
            split.push(name, index, |label| found.class_of(label))?;
        }
        let (labels, starts) = (split.labels.clone(), split.starts.clone());
        Ok::<_, OpenError>(LabelledSplit {
            starts: Some(starts),
            ..LabelledSplit::new(labels, split)
        })
    };
    let train = labelled(&found.train)?;
    let (train, valid) = match is_divided {
        false => (train, labelled(&found.valid)?),
        true => train.stratified_split(options.valid_fraction, options.seed)?,
    };
    Ok(LoadedSplits {
        train,
        valid,
        info: found.info,
    })
}

/// The shards of both splits with their indexes.
struct Found {
    train: Vec<(String, Index)>,
    valid: Vec<(String, Index)>,
    labels: Labels,
    info: DatasetInfo,
    /// Class index by class name.
    by_name: HashMap<String, usize>,
}

/// Kind of the labels in the indexes.
#[derive(Clone, Copy, PartialEq)]
enum Labels {
    /// Class indices.
    Numbers,
    /// Class names.
    Names,
    /// Class indices or class names.
    Either,
}

impl Found {
    fn new(
        train: Vec<(String, Index)>,
        valid: Vec<(String, Index)>,
        labels: Labels,
        info: DatasetInfo,
    ) -> Self {
        Self {
            by_name: info.classes.iter().cloned().zip(0..).collect(),
            train,
            valid,
            labels,
            info,
        }
    }

    /// Class index of a label.
    fn class_of(&self, text: &str) -> Result<usize, String> {
        let classes = self.info.classes.len();
        let number = text.parse().ok().filter(|&label| label < classes);
        let number = number.filter(|_| self.labels != Labels::Names);
        let name = self.by_name.get(text).copied();
        let class = number.or(name.filter(|_| self.labels != Labels::Numbers));
        class.ok_or_else(|| {
            format!(
                "has the label \"{text}\": expected a number from 0 to {} or the name of a class",
                classes - 1
            )
        })
    }
}

/// Shards with a manifest.
fn packed(location: &Location, manifest: Manifest) -> Result<Found, OpenError> {
    let indexes = |shards: &[Shard]| -> Result<Vec<_>, OpenError> {
        let index = |shard: &Shard| Ok((shard.file.clone(), index_of(location, shard)?));
        shards.par_iter().map(index).collect()
    };
    let (train, valid) = (indexes(&manifest.train)?, indexes(&manifest.valid)?);
    // A server that does not answer range requests is found now and not during training.
    if let Some(shard) = manifest.train.first().or(manifest.valid.first()) {
        check_length(location, shard)?;
    }
    let info = DatasetInfo {
        name: DatasetName::Shards.to_string(),
        classes: manifest.classes,
        channels: manifest.channels,
        size: manifest.size,
        mean: manifest.mean,
        std: manifest.std,
    };
    Ok(Found::new(train, valid, Labels::Numbers, info))
}

fn index_of(location: &Location, shard: &Shard) -> Result<Index, OpenError> {
    let file = &shard.file;
    let name = index_path(Path::new(file)).display().to_string();
    let malformed = |problem: String| OpenError::malformed(&location.name(&name), problem);
    let Some(text) = location.text(&name)? else {
        return Err(malformed(format!(
            "there is no such file: {file} cannot be read without it"
        )));
    };
    let index = Index::parse(&text).map_err(malformed)?;
    let (images, bytes) = (index.entries.len(), index.tar_bytes);
    if images != shard.samples || bytes != shard.bytes {
        return Err(malformed(format!(
            "of {images} images in {bytes} bytes, {MANIFEST} states {} in {}: one of them is another set's",
            shard.samples, shard.bytes
        )));
    }
    if let Location::Folder(_) = location {
        check_length(location, shard)?;
    }
    Ok(index)
}

fn check_length(location: &Location, shard: &Shard) -> Result<(), OpenError> {
    let (found, stated) = (location.length(&shard.file)?, shard.bytes);
    if found == stated {
        return Ok(());
    }
    let truncated = if found < stated { "truncated: " } else { "" };
    Err(OpenError::malformed(
        &location.name(&shard.file),
        format!("{truncated}{found} bytes, {MANIFEST} states {stated}"),
    ))
}

/// Foreign shards: a folder without a manifest.
fn foreign(location: &Location, folder: &Path) -> Result<Found, OpenError> {
    let missing = |advice: &str| OpenError::Missing {
        name: DatasetName::Shards,
        wanted: format!("{MANIFEST} or <name>-000000.tar"),
        places: vec![folder.to_owned()],
        advice: advice.to_owned(),
    };
    if !folder.is_dir() {
        return Err(missing(NAME_ROOT));
    }
    let (mut tars, mut compressed) = (Vec::new(), false);
    for path in scan::files(folder)? {
        let name = scan::file_name(&path).to_ascii_lowercase();
        compressed |= name.ends_with(".tar.gz") || name.ends_with(".tgz");
        if name.ends_with(".tar") {
            tars.push(path);
        }
    }
    if tars.is_empty() {
        return Err(missing(match compressed {
            true => "Compressed shards cannot be read in parts: gunzip them",
            false => NAME_ROOT,
        }));
    }
    let indexed = |path: &PathBuf| {
        let file = path.strip_prefix(folder).unwrap_or(path);
        let file = file.to_string_lossy().replace('\\', "/");
        Ok::<_, OpenError>((file, own_index(path)?))
    };
    let indexed: Vec<_> = tars.par_iter().map(indexed).collect::<Result<_, _>>()?;
    let (train, valid) = scan::in_splits(indexed, |(file, _)| file.clone());
    if train.is_empty() {
        return Err(OpenError::malformed(
            folder,
            format!(
                "holds {} shards to validate on and none to train on: shards with \"val\" or \"test\" in their names are for \
                 validation, all others for training",
                valid.len()
            ),
        ));
    }
    let (classes, labels) = match location.text(CLASSES)? {
        Some(text) => {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            (lines.map(str::to_owned).collect(), Labels::Either)
        }
        None => {
            let entries = train
                .iter()
                .chain(&valid)
                .flat_map(|(_, index)| &index.entries);
            let classes = classes_of(entries.map(|entry| entry.label.as_str()));
            let classes = classes.map_err(|problem| OpenError::malformed(folder, problem))?;
            (classes, Labels::Names)
        }
    };
    if classes.is_empty() {
        return Err(OpenError::malformed(
            &folder.join(CLASSES),
            "names 0 classes",
        ));
    }
    let info = info_for_any_size(DatasetName::Shards, classes);
    Ok(Found::new(train, valid, labels, info))
}

/// The index beside a foreign shard, made again if there is none or the shard has changed since.
fn own_index(path: &Path) -> Result<Index, OpenError> {
    let index_path = index_path(path);
    let shard = fs::metadata(path).map_err(|error| OpenError::unreadable(path, error))?;
    let known = || {
        let is_newer = fs::metadata(&index_path).ok()?.modified().ok()? > shard.modified().ok()?;
        let index = Index::parse(&fs::read_to_string(&index_path).ok()?).ok()?;
        (is_newer && index.tar_bytes == shard.len()).then_some(index)
    };
    if let Some(index) = known() {
        return Ok(index);
    }
    let index = index_file(path)?;
    // A read-only folder is indexed each time.
    let _ = write_atomic(&index_path, index.text().as_bytes());
    Ok(index)
}

/// Class names from the labels: `0` to the highest label if all are numbers, else the sorted labels.
fn classes_of<'a>(labels: impl Iterator<Item = &'a str>) -> Result<Vec<String>, String> {
    let labels: BTreeSet<&str> = labels.collect();
    let number = |label: &&str| {
        let number: usize = label.parse().ok()?;
        (number.to_string() == *label).then_some(number)
    };
    let numbers: Option<Vec<usize>> = labels.iter().map(number).collect();
    let Some(numbers) = numbers else {
        return Ok(labels.into_iter().map(str::to_owned).collect());
    };
    match numbers.into_iter().max().unwrap_or(0) {
        highest @ 0..=1_000_000 => Ok((0..=highest).map(|label| label.to_string()).collect()),
        highest => Err(format!(
            "has the label {highest}, too high for a class index: name the classes in {CLASSES}"
        )),
    }
}
