//! Bringing a data set to a folder: download, verify, unpack, and only then give it its name.
//!
//! Files are downloaded to `<file>.part` and unpacked in a hidden folder; a rename makes them appear whole, so that an
//! interruption at any moment leaves nothing that looks complete. The next run goes on from there.

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

/// Where files come from instead of their usual hosts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FetchOptions {
    /// Address below which `<data set>/<file>` is found; the hosts of the sets themselves where absent.
    pub mirror: Option<String>,
}

impl FetchOptions {
    /// The options that the environment asks for: `BURN_ZOO_MIRROR` names a mirror.
    pub fn from_env() -> Self {
        Self {
            mirror: std::env::var("BURN_ZOO_MIRROR")
                .ok()
                .filter(|mirror| !mirror.is_empty()),
        }
    }
}

/// What a fetch is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Receiving a file.
    Download,
    /// Comparing a file with its checksum.
    Verify,
    /// Unpacking an archive.
    Unpack,
    /// Taking the images out of a table.
    Convert,
    /// Packing a split into shards; `file` is its name.
    Pack,
}

/// How far a fetch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The file in question.
    pub file: &'a str,
    /// What happens to it.
    pub phase: Phase,
    /// Bytes of the file done; images where it is converted or packed.
    pub done: u64,
    /// Bytes or images in all.
    pub total: u64,
}

/// Where the files of a set come from and what becomes of them.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Folder below the root that holds the set in the end.
    pub(crate) folder: String,
    pub(crate) files: Vec<RemoteFile>,
    /// How the files are unpacked; without it they are the set themselves.
    pub(crate) archive: Option<Archive>,
}

/// A file on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its address.
    pub url: String,
    /// Its name here.
    pub file: String,
    /// Its size, where known.
    pub bytes: Option<u64>,
    /// Its checksum, or the beginning of it, in hexadecimal, lower case.
    pub sha256: String,
}

/// An archive that holds the folder of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Archive {
    TarGz,
    Zip,
}

/// Brings a data set to `root`, where [`open`](crate::open) finds it; gives its folder.
///
/// Nothing is downloaded when the set is there already, nor for a file or archive that lies there under its own name
/// with the right checksum.
///
/// # Errors
/// When the set has nothing to download, another fetch of it runs, the network or the disk fails, or a file does not
/// have its checksum. The message ends with what to download by hand and where to put it.
pub fn fetch(
    name: DatasetName,
    root: &Path,
    options: &FetchOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<PathBuf, FetchError> {
    let mut source = match name {
        DatasetName::Mnist => mnist::Kind::Digits.source(),
        DatasetName::FashionMnist => mnist::Kind::Fashion.source(),
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

/// Brings the set that `source` describes to `root`.
fn fetch_source(
    name: DatasetName,
    source: &Source,
    root: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<PathBuf, FetchError> {
    let folder = root.join(&source.folder);
    // Files that are the set themselves lie in its folder, archives beside it.
    let files_folder = if source.archive.is_some() {
        root.to_owned()
    } else {
        folder.clone()
    };
    let failed = |problem: Problem| {
        let again = format!("zoo data fetch {name}");
        FetchError::new(
            problem,
            &source.files,
            &files_folder,
            &again,
            source.archive.is_some(),
        )
    };
    if source.archive.is_some() && folder.is_dir() {
        return Ok(folder);
    }
    fs::create_dir_all(&files_folder)
        .map_err(|error| failed(Problem::disk(&files_folder, error)))?;
    let lock_path = root.join(format!(".{name}.lock"));
    let _lock = lock(&lock_path).map_err(failed)?;

    for remote in &source.files {
        let path = files_folder.join(&remote.file);
        let mut download = Download {
            remote,
            token: None,
            path: &path,
            progress: &mut *progress,
        };
        let downloaded = download.run().map_err(failed)?;
        if let Some(archive) = source.archive {
            unpack::unpack(archive, &path, root, &source.folder, progress).map_err(failed)?;
            if downloaded {
                // An archive that was put there by hand stays; ours has served.
                fs::remove_file(&path).map_err(|error| failed(Problem::disk(&path, error)))?;
            }
        }
    }
    // The name goes while the lock is held; another process that waits for the old file finds the set complete.
    let _ = fs::remove_file(&lock_path);
    Ok(folder)
}

/// Brings the file `remote` into `folder`; gives its path. A file that lies there with the right checksum stays.
///
/// `again` is the command that goes on after a failure.
///
/// # Errors
/// When another fetch of it runs, the network or the disk fails, or the file does not have its checksum. The message
/// ends with what to download by hand and where to put it.
pub fn fetch_file(
    remote: &RemoteFile,
    folder: &Path,
    again: &str,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<PathBuf, FetchError> {
    fetch_file_as(None, remote, folder, again, progress)
}

/// The same for whom `token` says, if any.
pub(crate) fn fetch_file_as(
    token: Option<&str>,
    remote: &RemoteFile,
    folder: &Path,
    again: &str,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<PathBuf, FetchError> {
    let failed =
        |problem| FetchError::new(problem, std::slice::from_ref(remote), folder, again, false);
    fs::create_dir_all(folder).map_err(|error| failed(Problem::disk(folder, error)))?;
    let lock_path = folder.join(format!(".{}.lock", remote.file));
    let _lock = lock(&lock_path).map_err(failed)?;
    let path = folder.join(&remote.file);
    let mut download = Download {
        remote,
        token,
        path: &path,
        progress,
    };
    download.run().map_err(failed)?;
    let _ = fs::remove_file(&lock_path);
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
