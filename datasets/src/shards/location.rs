//! Location of shards: a folder, or a URL below which they are.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::remote::RemoteFolder;
use crate::error::OpenError;

/// A folder or a URL with shards.
pub(crate) enum Location {
    Folder(PathBuf),
    Remote(RemoteFolder),
}

impl Location {
    /// `root` is a folder unless it begins with `http://` or `https://`.
    pub(crate) fn new(root: &Path) -> Self {
        let url = root.to_str().filter(|root| {
            let lower = root.to_ascii_lowercase();
            lower.starts_with("http://") || lower.starts_with("https://")
        });
        match url {
            Some(url) => Self::Remote(RemoteFolder::new(url)),
            None => Self::Folder(root.to_owned()),
        }
    }

    /// Path or URL of a file, for messages.
    pub(crate) fn name(&self, file: &str) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join(file),
            Self::Remote(remote) => PathBuf::from(remote.url(file)),
        }
    }

    /// The content of a small text file; none if there is no such file.
    pub(crate) fn text(&self, file: &str) -> Result<Option<String>, OpenError> {
        let path = self.name(file);
        let bytes = match self {
            Self::Folder(_) => match fs::read(&path) {
                Ok(bytes) => Some(bytes),
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                Err(error) => return Err(OpenError::unreadable(&path, error)),
            },
            Self::Remote(remote) => remote.whole(file)?,
        };
        let text = bytes.map(String::from_utf8).transpose();
        text.map_err(|_| OpenError::malformed(&path, "is not UTF-8 text"))
    }

    /// The bytes `start..start + length` of `file`, which has `total` bytes.
    pub(crate) fn range(
        &self,
        file: &str,
        total: u64,
        start: u64,
        length: usize,
    ) -> Result<Vec<u8>, OpenError> {
        if let Self::Remote(remote) = self {
            return remote.range(file, total, start, length);
        }
        let path = self.name(file);
        let mut bytes = vec![0; length];
        // Opened for each read: a large data set has more shards than a process may keep open.
        let mut read = || {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(start))?;
            file.read_exact(&mut bytes)
        };
        match read() {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                let end = start + length as u64;
                Err(OpenError::malformed(
                    &path,
                    format!("truncated: ends before byte {end}"),
                ))
            }
            Err(error) => Err(OpenError::unreadable(&path, error)),
        }
    }

    /// The length of `file` in bytes.
    pub(crate) fn length(&self, file: &str) -> Result<u64, OpenError> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(file);
                let metadata = fs::metadata(&path);
                let metadata = metadata.map_err(|error| OpenError::unreadable(&path, error))?;
                Ok(metadata.len())
            }
            Self::Remote(remote) => remote.length(file),
        }
    }
}
