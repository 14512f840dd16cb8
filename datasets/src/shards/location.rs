//! Where shards lie: in a folder, or below an address on a server.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::remote::RemoteFolder;
use crate::error::OpenError;

/// A folder or an address that holds shards.
pub(crate) enum Location {
    Folder(PathBuf),
    Remote(RemoteFolder),
}

impl Location {
    /// The place that `root` names: an address, or a folder.
    pub(crate) fn of(root: &Path) -> Self {
        let address = root.to_str().filter(|root| {
            let lower = root.to_ascii_lowercase();
            lower.starts_with("http://") || lower.starts_with("https://")
        });
        match address {
            Some(address) => Self::Remote(RemoteFolder::new(address)),
            None => Self::Folder(root.to_owned()),
        }
    }

    /// What messages call a file here.
    pub(crate) fn name(&self, file: &str) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join(file),
            Self::Remote(remote) => PathBuf::from(remote.url(file)),
        }
    }

    /// The content of a small text file; none where there is no such file.
    pub(crate) fn text(&self, file: &str) -> Result<Option<String>, OpenError> {
        let bytes = match self {
            Self::Folder(folder) => match std::fs::read(folder.join(file)) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(OpenError::unreadable(&folder.join(file), error)),
            },
            Self::Remote(remote) => match remote.whole(file)? {
                Some(bytes) => bytes,
                None => return Ok(None),
            },
        };
        let text = String::from_utf8(bytes);
        text.map(Some)
            .map_err(|_| OpenError::malformed(&self.name(file), "is not UTF-8 text"))
    }

    /// The bytes `start..start + length` of `file`, whose length is `total`.
    pub(crate) fn range(
        &self,
        file: &str,
        total: u64,
        start: u64,
        length: usize,
    ) -> Result<Vec<u8>, OpenError> {
        let folder = match self {
            Self::Folder(folder) => folder,
            Self::Remote(remote) => return remote.range(file, total, start, length),
        };
        let path = folder.join(file);
        let mut bytes = vec![0; length];
        // Opened anew each time: a large set has more shards than a process may keep open.
        let mut read = || {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(start))?;
            file.read_exact(&mut bytes)
        };
        read().map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => OpenError::malformed(
                &path,
                format!("truncated: ends before byte {}", start + length as u64),
            ),
            _ => OpenError::unreadable(&path, error),
        })?;
        Ok(bytes)
    }

    /// The length of `file`.
    pub(crate) fn length(&self, file: &str) -> Result<u64, OpenError> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(file);
                let metadata = std::fs::metadata(&path);
                Ok(metadata
                    .map_err(|error| OpenError::unreadable(&path, error))?
                    .len())
            }
            Self::Remote(remote) => remote.length(file),
        }
    }
}
