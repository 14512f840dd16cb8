//! Errors of downloads, with instructions for a download by hand.

use std::fmt::Write;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ureq::http::StatusCode;

use super::{Archive, RemoteFile};
use crate::dataset_name::DatasetName;
use crate::http::is_transient;

/// Why a data set could not be downloaded. The message says what failed, and how to download the files by hand.
#[derive(Debug, thiserror::Error)]
#[error("{problem}{advice}")]
pub struct FetchError {
    problem: Problem,
    advice: String,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("{name} has nothing to download: {reason}")]
    Nothing {
        name: DatasetName,
        reason: &'static str,
    },
    #[error("another fetch of the same is running (it holds {})", lock.display())]
    Busy { lock: PathBuf },
    #[error("{url}: {reason}")]
    Network { url: String, reason: String },
    #[error("{url}: the server answered {status}")]
    Status { url: String, status: StatusCode },
    #[error(
        "{url}: the connection ended after {received} of {expected} bytes; run the command again to continue from there"
    )]
    Truncated {
        url: String,
        received: u64,
        expected: u64,
    },
    #[error(
        "{url}: the content has sha256 {found}, expected {expected}: the file on the server has changed or is damaged"
    )]
    Checksum {
        url: String,
        found: String,
        expected: String,
    },
    #[error("{}: this file was there already, but has sha256 {found}, expected {expected}: remove or rename it", path.display())]
    Present {
        path: PathBuf,
        found: String,
        expected: String,
    },
    #[error("{}: the disk is full; make room and run the command again", path.display())]
    DiskFull { path: PathBuf },
    #[error("{}: {source}", path.display())]
    Disk {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{}: cannot be unpacked: {reason}", path.display())]
    Unpack { path: PathBuf, reason: String },
}

impl Problem {
    pub(crate) fn disk(path: &Path, source: std::io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Disk { path, source },
        }
    }
}

impl FetchError {
    pub(crate) fn nothing(name: DatasetName) -> Self {
        let reason = match name {
            DatasetName::ImageFolder => {
                "it is a folder of your own images, named with `--root DIR` (`--set data.root=DIR` when training)"
            }
            DatasetName::Shards => {
                "they are your own, read where they are: `--root DIR` (`--set data.root=DIR` when training)"
            }
            _ => "it is embedded and can be used at once",
        };
        Self {
            problem: Problem::Nothing { name, reason },
            advice: String::new(),
        }
    }

    /// `retry` is the command that continues once the files are in `folder`.
    pub(crate) fn new(
        problem: Problem,
        files: &[RemoteFile],
        folder: &Path,
        retry: &str,
        archive: Option<Archive>,
    ) -> Self {
        let mut error = Self {
            problem,
            advice: String::new(),
        };
        if !error.is_remote() {
            return error;
        }
        let advice = &mut error.advice;
        let folder = folder.display();
        let _ = write!(
            advice,
            "\nWithout a connection, download by hand into {folder}:"
        );
        for file in files {
            let bytes = file.bytes;
            let bytes = bytes.map_or(String::new(), |bytes| format!("{bytes} bytes, "));
            // A checksum of which only the first digits are known ends with an ellipsis.
            let more = if file.sha256.len() < 64 { "…" } else { "" };
            let _ = write!(
                advice,
                "\n  {}  ({bytes}sha256 {}{more})",
                file.url, file.sha256
            );
        }
        let unpacks = archive.map_or("", |_| " and unpacks");
        let _ = write!(
            advice,
            "\nthen run `{retry}` again: it checks{unpacks} them"
        );
        error
    }

    /// Whether the same request may succeed later.
    pub(crate) fn is_transient(&self) -> bool {
        match &self.problem {
            Problem::Network { .. } | Problem::Truncated { .. } => true,
            Problem::Status { status, .. } => is_transient(*status),
            _ => false,
        }
    }

    /// Whether the server refuses access to this user.
    pub(crate) fn is_access_denied(&self) -> bool {
        let denied = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
        matches!(&self.problem, Problem::Status { status, .. } if denied.contains(status))
    }

    /// Whether the server or the network failed, rather than this machine or the request.
    pub fn is_remote(&self) -> bool {
        matches!(
            self.problem,
            Problem::Network { .. }
                | Problem::Status { .. }
                | Problem::Truncated { .. }
                | Problem::Checksum { .. }
        )
    }
}
