//! Writing shards: every image file as it is, decoded images as PNG, in an order drawn once.
//!
//! A shard and then its index get their names when they are complete, and the manifest when all are, so a run that was
//! interrupted goes on after the last complete shard: which sample comes where follows from the seed alone.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use burn::data::dataset::Dataset;
use burn_zoo_data::{ImageData, ImageSource, Split, epoch_order, file_extension, png};
use serde::{Deserialize, Serialize};

use super::MANIFEST;
use super::index::{ENDING, Index};
use super::manifest::{Manifest, Shard};
use super::open::write_whole;
use super::writer::Writer;
use crate::error::OpenError;

/// Held while a pack runs.
const LOCK: &str = ".pack.lock";

/// How shards are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackOptions {
    /// Most bytes of a shard, at least one sample each.
    pub shard_bytes: u64,
    /// Seed of the order of the samples.
    pub seed: u64,
    /// Whether the training split is packed.
    pub train: bool,
    /// Whether the validation split is packed.
    pub valid: bool,
}

impl Default for PackOptions {
    fn default() -> Self {
        Self {
            shard_bytes: 256 << 20,
            seed: 0,
            train: true,
            valid: true,
        }
    }
}

/// How far a pack is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackProgress {
    /// `train` or `valid`.
    pub split: &'static str,
    /// Samples of the split that are packed, those of an earlier run among them.
    pub done: usize,
    /// Samples of the split.
    pub total: usize,
}

/// What was packed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Packed {
    /// Shards, those of an earlier run among them.
    pub shards: usize,
    /// Samples in them.
    pub samples: usize,
    /// Bytes of them.
    pub bytes: u64,
}

/// Why a data set cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A file could not be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The folder holds something that this pack must not touch.
    #[error("{}: {problem}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What it holds and what to do.
        problem: String,
    },
    /// A sample cannot be read.
    #[error("{split} sample {index}: {reason}")]
    Sample {
        /// `train` or `valid`.
        split: &'static str,
        /// Its place in the split.
        index: usize,
        /// Why not, with the name of its file.
        reason: String,
    },
    /// A file of an earlier run cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// What decides the content of a split's shards; a pack that goes on must have the same.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Plan {
    name: String,
    samples: usize,
    shard_bytes: u64,
    seed: u64,
}

/// Writes the splits of `data` to `folder` as shards, or what an earlier run left of it.
///
/// # Errors
/// When the folder holds something else, or the shards of such a split already; when a sample cannot be read or a file
/// cannot be written.
pub fn pack(
    data: &ImageData,
    folder: &Path,
    options: &PackOptions,
    progress: &mut dyn FnMut(PackProgress),
) -> Result<Packed, PackError> {
    fs::create_dir_all(folder).map_err(writing(folder))?;
    let lock_path = folder.join(LOCK);
    let lock = File::create(&lock_path).map_err(writing(&lock_path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(refused(folder, "another pack into this folder is running"));
        }
        Err(TryLockError::Error(error)) => return Err(writing(&lock_path)(error)),
    }
    let result = pack_locked(data, folder, options, progress);
    let _ = fs::remove_file(&lock_path);
    result
}

fn pack_locked(
    data: &ImageData,
    folder: &Path,
    options: &PackOptions,
    progress: &mut dyn FnMut(PackProgress),
) -> Result<Packed, PackError> {
    let path = folder.join(MANIFEST);
    let mut manifest = match fs::read_to_string(&path) {
        Ok(text) => Manifest::parse(&text, &path)?,
        Err(error) if error.kind() == ErrorKind::NotFound => Manifest::new(&data.info),
        Err(error) => return Err(OpenError::unreadable(&path, error).into()),
    };
    let own = Manifest {
        train: manifest.train.clone(),
        valid: manifest.valid.clone(),
        ..Manifest::new(&data.info)
    };
    if manifest != own {
        let problem = format!(
            "holds shards of another set ({}, {} classes): choose another folder",
            manifest.name,
            manifest.classes.len()
        );
        return Err(refused(folder, problem));
    }
    let mut packed = Packed::default();
    for (name, split, wanted) in [
        ("train", &data.train, options.train),
        ("valid", &data.valid, options.valid),
    ] {
        if !wanted {
            continue;
        }
        let shards = match name {
            "train" => &mut manifest.train,
            _ => &mut manifest.valid,
        };
        if !shards.is_empty() {
            let problem =
                format!("holds the {name} split already: choose another folder or remove it");
            return Err(refused(folder, problem));
        }
        let pack = Pack {
            name,
            split,
            folder,
            plan: Plan {
                name: data.info.name.clone(),
                samples: split.len(),
                shard_bytes: options.shard_bytes,
                seed: options.seed,
            },
        };
        *shards = pack.run(progress)?;
        for shard in shards.iter() {
            packed.shards += 1;
            packed.samples += shard.samples;
            packed.bytes += shard.bytes;
        }
    }
    write_whole(&path, manifest.text().as_bytes()).map_err(writing(&path))?;
    for name in ["train", "valid"] {
        let _ = fs::remove_file(plan_path(folder, name));
    }
    Ok(packed)
}

/// One split on its way into shards.
struct Pack<'a> {
    name: &'static str,
    split: &'a Split,
    folder: &'a Path,
    plan: Plan,
}

impl Pack<'_> {
    fn run(&self, progress: &mut dyn FnMut(PackProgress)) -> Result<Vec<Shard>, PackError> {
        let mut shards = self.begin()?;
        let mut done: usize = shards.iter().map(|shard| shard.samples).sum();
        let order = epoch_order(self.plan.seed, 0, self.split.len());
        let digits = self.split.len().to_string().len().max(6);
        while done < order.len() {
            let file = self.shard_name(shards.len());
            let path = self.folder.join(&file);
            let mut shard = Writer::new(&path)?;
            for &index in &order[done..] {
                progress(PackProgress {
                    split: self.name,
                    done,
                    total: order.len(),
                });
                let (extension, bytes, label) = self.sample(index)?;
                let key = format!("{done:0digits$}");
                if !shard.push(
                    &key,
                    extension,
                    &bytes,
                    &label.to_string(),
                    self.plan.shard_bytes,
                )? {
                    break;
                }
                done += 1;
            }
            shards.push(shard.finish(file)?);
        }
        Ok(shards)
    }

    /// The shards that an earlier run of the same plan completed.
    fn begin(&self) -> Result<Vec<Shard>, PackError> {
        let path = plan_path(self.folder, self.name);
        let mut shards = Vec::new();
        match fs::read_to_string(&path) {
            Ok(text) => {
                if serde_json::from_str::<Plan>(&text).ok().as_ref() != Some(&self.plan) {
                    let problem = format!(
                        "holds an unfinished pack of the {} split with other settings ({}): finish it with those, or remove \
                         the folder",
                        self.name,
                        text.trim()
                    );
                    return Err(refused(self.folder, problem));
                }
            }
            Err(_) if self.folder.join(self.shard_name(0)).exists() => {
                let problem = format!(
                    "holds {} and no {MANIFEST}: choose another folder",
                    self.shard_name(0)
                );
                return Err(refused(self.folder, problem));
            }
            Err(_) => {
                let text = serde_json::to_string(&self.plan).expect("texts and numbers are JSON");
                write_whole(&path, text.as_bytes()).map_err(writing(&path))?;
                return Ok(shards);
            }
        }
        loop {
            let file = self.shard_name(shards.len());
            let index = self.folder.join(format!("{file}{ENDING}"));
            let Ok(text) = fs::read_to_string(&index) else {
                return Ok(shards);
            };
            let index =
                Index::parse(&text).map_err(|problem| OpenError::malformed(&index, problem))?;
            shards.push(Shard {
                file,
                samples: index.entries.len(),
                bytes: index.tar_bytes,
            });
        }
    }

    fn shard_name(&self, number: usize) -> String {
        format!("{}-{number:06}.tar", self.name)
    }

    /// The ending, content and label of a sample's image file.
    fn sample(&self, index: usize) -> Result<(&'static str, Vec<u8>, usize), PackError> {
        let failed = |reason: String| PackError::Sample {
            split: self.name,
            index,
            reason,
        };
        let sample = self.split.get(index);
        let sample = sample.map_err(|error| failed(error.to_string()))?;
        let (name, bytes) = match sample.image {
            ImageSource::Decoded(image) => {
                let bytes = png(&image).map_err(|error| failed(error.to_string()))?;
                return Ok(("png", bytes, sample.label));
            }
            ImageSource::Encoded { name, bytes } => (name, bytes),
            ImageSource::File(path) => {
                let read = fs::read(&path);
                let bytes =
                    read.map_err(|error| failed(OpenError::unreadable(&path, error).to_string()))?;
                (path, bytes)
            }
        };
        match file_extension(&bytes) {
            Ok(extension) => Ok((extension, bytes, sample.label)),
            Err(found) => Err(failed(format!("{}: {found}", name.display()))),
        }
    }
}

fn plan_path(folder: &Path, split: &str) -> PathBuf {
    folder.join(format!(".{split}.pack.json"))
}

fn refused(folder: &Path, problem: impl Into<String>) -> PackError {
    PackError::Folder {
        folder: folder.to_owned(),
        problem: problem.into(),
    }
}

pub(crate) fn writing(path: &Path) -> impl FnOnce(std::io::Error) -> PackError {
    let path = path.to_owned();
    move |source| PackError::Write { path, source }
}
