//! From a folder or an address to the two splits of a set of shards.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn_zoo_data::DatasetInfo;

use super::MANIFEST;
use super::index::{ENDING, Index};
use super::index_tar::index_file;
use super::location::Location;
use super::manifest::{Manifest, Shard};
use super::split::ShardSplit;
use crate::dataset_name::DatasetName;
use crate::error::OpenError;
use crate::open::{LoadedSplits, OpenOptions, info_for_any_size};
use crate::scan;
use crate::subset::{LabelledSplit, ONE_IMAGE_PER_CLASS};

/// Names of the classes of somebody else's shards, one a line.
pub(crate) const CLASSES: &str = "classes.txt";

/// Opens the set at `root`, a folder or an address.
pub(crate) fn open(root: &Path, options: &OpenOptions) -> Result<LoadedSplits, OpenError> {
    let location = Arc::new(Location::of(root));
    let manifest = match location.text(MANIFEST)? {
        Some(text) => Some(Manifest::parse(&text, &location.name(MANIFEST))?),
        None => None,
    };
    let is_packed = manifest.is_some();
    let found = match (manifest, &*location) {
        (Some(manifest), _) => packed(&location, manifest)?,
        (None, Location::Folder(folder)) => foreign(&location, folder)?,
        (None, Location::Remote(_)) => {
            return Err(OpenError::Remote {
                url: location.name(MANIFEST).display().to_string(),
                problem: "there is no such file, which names the shards, and a server cannot be asked for the files that it \
                          has: pack a copy of the shards (`zoo data pack shards OUT --root FOLDER`) and serve OUT, which \
                          holds it and an index of each shard"
                    .to_owned(),
            });
        }
    };
    // Shards of others that all train validate in part, as folders of images do.
    let is_shared = !is_packed && found.valid.is_empty();
    let missing = [("training", &found.train), ("validation", &found.valid)];
    let missing = missing.iter().find(|(_, shards)| shards.is_empty());
    if let Some((split, _)) = missing.filter(|_| !is_shared) {
        return Err(OpenError::malformed(
            &location.name(MANIFEST),
            format!(
                "names no {split} shards: pack that split into the same folder as well (`zoo data pack`)"
            ),
        ));
    }
    let info = &found.info;
    let classes = info.classes.len();
    let names: HashMap<&str, usize> = info.classes.iter().map(String::as_str).zip(0..).collect();
    let label = |text: &str| {
        let number = text.parse().ok().filter(|&label| label < classes);
        let label = match found.labels {
            Labels::Numbers => number,
            Labels::Names => names.get(text).copied(),
            Labels::Either => number.or_else(|| names.get(text).copied()),
        };
        label.ok_or_else(|| {
            format!(
                "has the label \"{text}\": expected a number from 0 to {} or the name of a class",
                classes - 1
            )
        })
    };
    let labelled = |shards: &[(String, Index)]| {
        let mut split = ShardSplit::new(location.clone());
        for (name, index) in shards {
            split.push(name, index, label)?;
        }
        let (labels, starts) = (split.labels.clone(), split.starts.clone());
        Ok::<_, OpenError>(LabelledSplit::new(Arc::new(split), labels).in_shards(starts))
    };
    let (train, valid) = match is_shared {
        false => (labelled(&found.train)?, labelled(&found.valid)?),
        true => labelled(&found.train)?.stratified_split(options.valid_fraction, options.seed)?,
    };
    if valid.labels.is_empty() {
        return Err(OpenError::malformed(root, ONE_IMAGE_PER_CLASS));
    }
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
}

/// What the labels of a set are.
#[derive(Clone, Copy)]
enum Labels {
    /// Places in the list of classes.
    Numbers,
    /// Names in it.
    Names,
    /// The one or the other.
    Either,
}

/// A set with its manifest.
fn packed(location: &Location, manifest: Manifest) -> Result<Found, OpenError> {
    let indexes = |shards: &[Shard]| {
        scan::on_all_cores(shards, |shard| {
            Ok::<_, OpenError>((shard.file.clone(), index_of(location, shard)?))
        })
    };
    let (train, valid) = (indexes(&manifest.train)?, indexes(&manifest.valid)?);
    // A server that gives no parts of files is met here and not in the middle of a training.
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
    Ok(Found {
        train,
        valid,
        labels: Labels::Numbers,
        info,
    })
}

fn index_of(location: &Location, shard: &Shard) -> Result<Index, OpenError> {
    let name = format!("{}{ENDING}", shard.file);
    let path = location.name(&name);
    let Some(text) = location.text(&name)? else {
        return Err(OpenError::malformed(
            &path,
            format!(
                "there is no such file: {} cannot be read without it",
                shard.file
            ),
        ));
    };
    let index = Index::parse(&text).map_err(|problem| OpenError::malformed(&path, problem))?;
    if index.entries.len() != shard.samples || index.tar_bytes != shard.bytes {
        return Err(OpenError::malformed(
            &path,
            format!(
                "of {} images in {} bytes, {MANIFEST} states {} in {}: one of them is another set's",
                index.entries.len(),
                index.tar_bytes,
                shard.samples,
                shard.bytes
            ),
        ));
    }
    if let Location::Folder(_) = location {
        check_length(location, shard)?;
    }
    Ok(index)
}

fn check_length(location: &Location, shard: &Shard) -> Result<(), OpenError> {
    let found = location.length(&shard.file)?;
    if found == shard.bytes {
        return Ok(());
    }
    let what = if found < shard.bytes {
        "truncated: "
    } else {
        ""
    };
    Err(OpenError::malformed(
        &location.name(&shard.file),
        format!("{what}{found} bytes, {MANIFEST} states {}", shard.bytes),
    ))
}

/// Somebody else's shards in a folder.
fn foreign(location: &Location, folder: &Path) -> Result<Found, OpenError> {
    let missing = |advice: &str| OpenError::Missing {
        name: DatasetName::Shards,
        wanted: format!("{MANIFEST} or <name>-000000.tar"),
        places: vec![folder.to_owned()],
        advice: advice.to_owned(),
    };
    if !folder.is_dir() {
        return Err(missing(
            "Name the folder or the address of the shards as `root`; `zoo data pack` makes them",
        ));
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
            false => {
                "Name the folder or the address of the shards as `root`; `zoo data pack` makes them"
            }
        }));
    }
    let indexed = scan::on_all_cores(&tars, |path| {
        let file = path.strip_prefix(folder).unwrap_or(path);
        let file = file.to_string_lossy().replace('\\', "/");
        Ok::<_, OpenError>((file, own_index(path)?))
    })?;
    let (train, valid) = scan::in_splits(indexed, |(file, _)| file.clone());
    if train.is_empty() {
        return Err(OpenError::malformed(
            folder,
            format!(
                "holds {} shards to validate on and none to train on: those with \"val\" or \"test\" in their names validate, \
                 all others train",
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
            let all = train.iter().chain(&valid);
            let labels =
                all.flat_map(|(_, index)| index.entries.iter().map(|entry| entry.label.as_str()));
            let classes = classes_of(labels);
            let classes = classes.map_err(|problem| OpenError::malformed(folder, problem))?;
            (classes, Labels::Names)
        }
    };
    let info = info_for_any_size(DatasetName::Shards, classes);
    if info.classes.is_empty() {
        return Err(OpenError::malformed(
            &folder.join(CLASSES),
            "names 0 classes",
        ));
    }
    Ok(Found {
        train,
        valid,
        labels,
        info,
    })
}

/// The index beside a shard, made anew where there is none or the shard has changed since.
fn own_index(path: &Path) -> Result<Index, OpenError> {
    let beside = PathBuf::from(format!("{}{ENDING}", path.display()));
    let unreadable = |error| OpenError::unreadable(path, error);
    let shard = std::fs::metadata(path).map_err(unreadable)?;
    let known = || {
        let younger = std::fs::metadata(&beside).ok()?.modified().ok()? > shard.modified().ok()?;
        let index = Index::parse(&std::fs::read_to_string(&beside).ok()?).ok()?;
        (younger && index.tar_bytes == shard.len()).then_some(index)
    };
    if let Some(index) = known() {
        return Ok(index);
    }
    let index = index_file(path)?;
    // A folder that may not be written to is indexed each time.
    let _ = write_whole(&beside, index.text().as_bytes());
    Ok(index)
}

/// Writes a file beside its place, and renames it. The place beside is this process's own: several runs may index the same
/// shards at once.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let part = PathBuf::from(format!("{}.{}.part", path.display(), std::process::id()));
    let mut file = std::fs::File::create(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&part, path)
}

/// The classes that labels name: numbers up to the highest, or names in their order.
fn classes_of<'a>(labels: impl Iterator<Item = &'a str>) -> Result<Vec<String>, String> {
    let labels: BTreeSet<&str> = labels.collect();
    let numbers: Vec<usize> = labels
        .iter()
        .filter_map(|label| {
            label
                .parse()
                .ok()
                .filter(|n: &usize| n.to_string() == **label)
        })
        .collect();
    if numbers.len() < labels.len() {
        return Ok(labels.into_iter().map(str::to_owned).collect());
    }
    let highest = numbers.into_iter().max().unwrap_or(0);
    match highest {
        0..=1_000_000 => Ok((0..=highest).map(|label| label.to_string()).collect()),
        _ => Err(format!(
            "has the label {highest}, which is not the index of a class: name the classes in {CLASSES}"
        )),
    }
}
