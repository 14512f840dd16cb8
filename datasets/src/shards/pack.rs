//! Packing a data set into shards: image files unchanged, decoded images as PNG, in one random order.
//!
//! A shard and then its index get their names when they are complete, and the manifest when all are. The order follows from
//! the seed alone, so an interrupted pack continues after the last complete shard.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use burn::data::dataset::Dataset;
use burn_zoo_data::{ImageData, ImageSource, Split, epoch_order, file_extension, png};
use serde::{Deserialize, Serialize};

use super::index::{Index, index_path};
use super::manifest::{Manifest, Shard};
use super::writer::Writer;
use super::{MANIFEST, write_atomic};
use crate::error::OpenError;

/// Locked while a pack runs.
const LOCK: &str = ".pack.lock";

/// Options of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackOptions {
    /// Most bytes of a shard; a shard has at least one sample.
    pub shard_bytes: u64,
    /// Seed of the order of the samples.
    pub seed: u64,
    /// Whether to pack the training split.
    pub train: bool,
    /// Whether to pack the validation split.
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

/// Progress of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackProgress {
    /// `train` or `valid`.
    pub split: &'static str,
    /// Samples packed, including those of an interrupted run.
    pub done: usize,
    /// Samples of the split.
    pub total: usize,
}

/// Number and size of the shards, including those of an interrupted run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Packed {
    /// Number of shards.
    pub shards: usize,
    /// Number of samples.
    pub samples: usize,
    /// Size in bytes.
    pub bytes: u64,
}

/// Why a data set could not be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A file could not be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The folder holds something that the pack would overwrite.
    #[error("{}: {problem}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What it holds and what to do.
        problem: String,
    },
    /// A sample could not be read.
    #[error("{split} sample {index}: {reason}")]
    Sample {
        /// `train` or `valid`.
        split: &'static str,
        /// Its index in the split.
        index: usize,
        /// The reason, with the name of its file.
        reason: String,
    },
    /// A file of an interrupted run could not be read.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Everything that determines the content of a split's shards; a pack continues only with the same plan.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Plan {
    name: String,
    samples: usize,
    shard_bytes: u64,
    seed: u64,
}

/// Writes the splits of `data` into `folder` as shards, or completes an interrupted pack.
///
/// # Errors
/// When the folder holds another data set or the shards of such a split already, a sample cannot be read, or a file cannot
/// be written.
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
    let expected = Manifest {
        train: manifest.train.clone(),
        valid: manifest.valid.clone(),
        ..Manifest::new(&data.info)
    };
    if manifest != expected {
        let (name, classes) = (&manifest.name, manifest.classes.len());
        let problem = format!(
            "holds shards of another set ({name}, {classes} classes): choose another folder"
        );
        return Err(refused(folder, problem));
    }
    let mut packed = Packed::default();
    for (name, split, shards, is_wanted) in [
        ("train", &data.train, &mut manifest.train, options.train),
        ("valid", &data.valid, &mut manifest.valid, options.valid),
    ] {
        if !is_wanted {
            continue;
        }
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
        packed.shards += shards.len();
        packed.samples += shards.iter().map(|shard| shard.samples).sum::<usize>();
        packed.bytes += shards.iter().map(|shard| shard.bytes).sum::<u64>();
    }
    write_atomic(&path, manifest.text().as_bytes()).map_err(writing(&path))?;
    for name in ["train", "valid"] {
        let _ = fs::remove_file(plan_path(folder, name));
    }
    Ok(packed)
}

/// A split that is being packed.
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
        let total = self.split.len();
        let order = epoch_order(self.plan.seed, 0, total);
        let digits = total.to_string().len().max(6);
        while done < total {
            let file = self.shard_name(shards.len());
            let mut shard = Writer::new(&self.folder.join(&file))?;
            for &index in &order[done..] {
                progress(PackProgress {
                    split: self.name,
                    done,
                    total,
                });
                let (extension, bytes, label) = self.sample(index)?;
                let (key, label) = (format!("{done:0digits$}"), label.to_string());
                if !shard.push(&key, extension, &bytes, &label, self.plan.shard_bytes)? {
                    break;
                }
                done += 1;
            }
            shards.push(shard.finish(file)?);
        }
        Ok(shards)
    }

    /// The complete shards of an interrupted run with the same plan.
    fn begin(&self) -> Result<Vec<Shard>, PackError> {
        let path = plan_path(self.folder, self.name);
        let first = self.shard_name(0);
        let mut shards = Vec::new();
        match fs::read_to_string(&path) {
            Ok(text) if serde_json::from_str::<Plan>(&text).ok().as_ref() == Some(&self.plan) => {}
            Ok(text) => {
                let problem = format!(
                    "holds an unfinished pack of the {} split with other settings ({}): finish it with those, or remove the \
                     folder",
                    self.name,
                    text.trim()
                );
                return Err(refused(self.folder, problem));
            }
            Err(_) if self.folder.join(&first).exists() => {
                let problem = format!("holds {first} and no {MANIFEST}: choose another folder");
                return Err(refused(self.folder, problem));
            }
            Err(_) => {
                let text = serde_json::to_string(&self.plan).expect("texts and numbers are JSON");
                write_atomic(&path, text.as_bytes()).map_err(writing(&path))?;
                return Ok(shards);
            }
        }
        loop {
            let file = self.shard_name(shards.len());
            let index = index_path(&self.folder.join(&file));
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

    /// Extension and content of a sample's image file, and its label.
    fn sample(&self, index: usize) -> Result<(&'static str, Vec<u8>, usize), PackError> {
        let read = || {
            let sample = self.split.get(index).map_err(|error| error.to_string())?;
            let (name, bytes) = match sample.image {
                ImageSource::Decoded(image) => {
                    let bytes = png(&image).map_err(|error| error.to_string())?;
                    return Ok(("png", bytes, sample.label));
                }
                ImageSource::Encoded { name, bytes } => (name, bytes),
                ImageSource::File(path) => {
                    let unreadable = |error| OpenError::unreadable(&path, error).to_string();
                    (path.clone(), fs::read(&path).map_err(unreadable)?)
                }
            };
            let extension = file_extension(&bytes);
            let extension = extension.map_err(|found| format!("{}: {found}", name.display()))?;
            Ok((extension, bytes, sample.label))
        };
        read().map_err(|reason| PackError::Sample {
            split: self.name,
            index,
            reason,
        })
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
