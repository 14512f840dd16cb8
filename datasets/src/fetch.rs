//! Downloading a data set: receive, verify, unpack, and only then give it its name.
//!
//! Files are downloaded to `<file>.part` and unpacked in a hidden folder. A rename completes them, so an interruption at any
//! moment leaves nothing that looks complete, and the next run continues from there.

mod download;
mod error;
mod unpack;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::dataset_name::DatasetName;
use crate::{cifar, mnist, tiny_imagenet};
use download::Download;
pub use error::FetchError;
pub(crate) use error::Problem;

/// Servers to download from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FetchOptions {
    /// URL of a mirror that has each file at `<mirror>/<data set>/<file>`; the official servers if none.
    pub mirror: Option<String>,
}

impl FetchOptions {
    /// Options from the environment: `BURN_ZOO_MIRROR` is the URL of a mirror.
    pub fn from_env() -> Self {
        let mirror = std::env::var("BURN_ZOO_MIRROR").ok();
        Self {
            mirror: mirror.filter(|mirror| !mirror.is_empty()),
        }
    }
}

/// Step of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Receive a file.
    Download,
    /// Compare a file with its checksum.
    Verify,
    /// Unpack an archive.
    Unpack,
    /// Extract the images from a Parquet file.
    Convert,
    /// Pack a split into shards; `file` is its name.
    Pack,
}

/// Progress of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Name of the file.
    pub file: &'a str,
    /// Current step.
    pub phase: Phase,
    /// Bytes done; images when converting or packing.
    pub done: u64,
    /// Bytes or images in total.
    pub total: u64,
}

/// Files of a data set on their server.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Folder of the data set below the root.
    pub(crate) folder: String,
    pub(crate) files: Vec<RemoteFile>,
    /// Format of the files if they are archives that hold the folder; otherwise they belong into it as they are.
    pub(crate) archive: Option<Archive>,
}

impl Source {
    /// `files` are name, bytes and sha256 of the files below `url`.
    pub(crate) fn new(
        folder: &str,
        url: &str,
        files: &[(&str, u64, &str)],
        archive: Option<Archive>,
    ) -> Self {
        let remote = |&(file, bytes, sha256): &(&str, u64, &str)| RemoteFile {
            url: format!("{url}/{file}"),
            file: file.to_owned(),
            bytes: Some(bytes),
            sha256: sha256.to_owned(),
        };
        Self {
            folder: folder.to_owned(),
            files: files.iter().map(remote).collect(),
            archive,
        }
    }
}

/// A file on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// URL.
    pub url: String,
    /// Name of the local file.
    pub file: String,
    /// Size in bytes, if known.
    pub bytes: Option<u64>,
    /// SHA-256 in lower-case hexadecimal, or its first digits.
    pub sha256: String,
}

/// Format of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Archive {
    TarGz,
    Zip,
}

/// Downloads a data set to `root`, where [`open`](crate::open) finds it; returns its folder.
///
/// A data set that is already there is not downloaded again, nor is a file or archive with the right checksum.
///
/// # Errors
/// When the data set has nothing to download, another fetch of it is running, the network or the disk fails, or a checksum
/// is wrong. The message ends with what to download by hand and where to put it.
pub fn fetch(
    name: DatasetName,
    root: &Path,
    options: &FetchOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<PathBuf, FetchError> {
    let mut source = match name {
        DatasetName::Mnist => mnist::DIGITS.source(),
        DatasetName::FashionMnist => mnist::FASHION.source(),
        DatasetName::Cifar10 => cifar::CIFAR10.source(),
        DatasetName::Cifar100 => cifar::CIFAR100.source(),
        DatasetName::TinyImagenet => tiny_imagenet::source(),
        DatasetName::Glyphs | DatasetName::ImageFolder | DatasetName::Shards => {
            return Err(FetchError::nothing(name));
        }
    };
    if let Some(mirror) = &options.mirror {
        for remote in &mut source.files {
            remote.url = format!("{}/{name}/{}", mirror.trim_end_matches('/'), remote.file);
        }
    }
    fetch_source(name, &source, root, progress)
}

fn fetch_source(
    name: DatasetName,
    source: &Source,
    root: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<PathBuf, FetchError> {
    let folder = root.join(&source.folder);
    if source.archive.is_some() && folder.is_dir() {
        return Ok(folder);
    }
    // Archives are put beside the folder that they hold.
    let target = match source.archive {
        Some(_) => root,
        None => &folder,
    };
    let retry = format!("zoo data fetch {name} --root {}", root.display());
    let mut fetch = || {
        fs::create_dir_all(target).map_err(|error| Problem::disk(target, error))?;
        let lock_path = root.join(format!(".{name}.lock"));
        let _lock = lock(&lock_path)?;
        for remote in &source.files {
            let path = target.join(&remote.file);
            let downloaded = Download {
                remote,
                token: None,
                path: &path,
                progress: &mut *progress,
            }
            .run()?;
            if let Some(archive) = source.archive {
                unpack::unpack(archive, &path, root, &source.folder, progress)?;
                if downloaded {
                    // An archive of the user's own stays.
                    fs::remove_file(&path).map_err(|error| Problem::disk(&path, error))?;
                }
            }
        }
        // Removed while it is held: a process that waits for the removed file finds the data set complete.
        let _ = fs::remove_file(&lock_path);
        Ok::<_, Problem>(())
    };
    let result = fetch();
    result.map_err(|problem| {
        FetchError::new(problem, &source.files, target, &retry, source.archive)
    })?;
    Ok(folder)
}

/// Downloads `remote` into `folder`; returns its path. A file that is already there with the right checksum stays.
///
/// `retry` is the command that continues after a failure, for the message.
///
/// # Errors
/// When another fetch of it is running, the network or the disk fails, or the checksum is wrong. The message ends with what
/// to download by hand and where to put it.
pub fn fetch_file(
    remote: &RemoteFile,
    folder: &Path,
    retry: &str,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<PathBuf, FetchError> {
    fetch_file_with_token(None, remote, folder, retry, progress)
}

/// [`fetch_file`] with the token that the server wants, if any.
pub(crate) fn fetch_file_with_token(
    token: Option<&str>,
    remote: &RemoteFile,
    folder: &Path,
    retry: &str,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<PathBuf, FetchError> {
    let path = folder.join(&remote.file);
    let mut fetch = || {
        fs::create_dir_all(folder).map_err(|error| Problem::disk(folder, error))?;
        let lock_path = folder.join(format!(".{}.lock", remote.file));
        let _lock = lock(&lock_path)?;
        let mut download = Download {
            remote,
            token,
            path: &path,
            progress,
        };
        download.run()?;
        let _ = fs::remove_file(&lock_path);
        Ok::<_, Problem>(())
    };
    let result = fetch();
    result.map_err(|problem| {
        FetchError::new(problem, std::slice::from_ref(remote), folder, retry, None)
    })?;
    Ok(path)
}

/// A lock that the system releases when this process ends, however it ends.
pub(crate) fn lock(path: &Path) -> Result<File, Problem> {
    let file = File::create(path).map_err(|error| Problem::disk(path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Problem::Busy {
            lock: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(Problem::disk(path, error)),
    }
}

#[cfg(test)]
pub(crate) mod tests;
