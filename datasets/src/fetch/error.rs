//! Why a data set could not be fetched, and what to do instead.

use std::fmt::{self, Write};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ureq::http::StatusCode;

use super::RemoteFile;
use crate::dataset_name::DatasetName;
use crate::http::is_passing;

/// Why a data set could not be fetched. The message says what failed, and how to bring the files by hand.
#[derive(Debug)]
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
        "{url}: the connection ended after {received} of {expected} bytes; run the command again to go on from there"
    )]
    Truncated {
        url: String,
        received: u64,
        expected: u64,
    },
    #[error(
        "{url}: the content has sha256 {found}, expected {expected}; the server's file is another or damaged"
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

    /// Whether asking again may help.
    fn is_passing(&self) -> bool {
        match self {
            Self::Network { .. } | Self::Truncated { .. } => true,
            Self::Status { status, .. } => is_passing(*status),
            _ => false,
        }
    }

    /// Whether getting the files another way would help.
    fn is_remote(&self) -> bool {
        matches!(
            self,
            Self::Network { .. }
                | Self::Status { .. }
                | Self::Truncated { .. }
                | Self::Checksum { .. }
        )
    }
}

impl FetchError {
    pub(crate) fn nothing(name: DatasetName) -> Self {
        let reason = match name {
            DatasetName::ImageFolder => "it is a folder of your own images, named as `root`",
            DatasetName::Shards => "its files are your own, and are read where they are",
            _ => "it is embedded and can be used at once",
        };
        Self {
            problem: Problem::Nothing { name, reason },
            advice: String::new(),
        }
    }

    /// `again` is the command that goes on once the files are in `folder`, and unpacks them if they are `archives`.
    pub(crate) fn new(
        problem: Problem,
        files: &[RemoteFile],
        folder: &Path,
        again: &str,
        archives: bool,
    ) -> Self {
        let mut advice = String::new();
        if problem.is_remote() {
            let _ = write!(
                advice,
                "\nWithout a connection, download by hand into {}:",
                folder.display()
            );
            for RemoteFile {
                url, bytes, sha256, ..
            } in files
            {
                let bytes = bytes.map_or(String::new(), |bytes| format!("{bytes} bytes, "));
                // The beginning of a checksum says that it is one.
                let more = if sha256.len() < 64 { "…" } else { "" };
                let _ = write!(advice, "\n  {url}  ({bytes}sha256 {sha256}{more})");
            }
            let done = if archives {
                "checks and unpacks them"
            } else {
                "checks them"
            };
            let _ = write!(advice, "\nthen run `{again}` again: it {done}");
        }
        Self { problem, advice }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.problem, self.advice)
    }
}

impl std::error::Error for FetchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Disk { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl FetchError {
    /// Whether the same fetch may go on in a moment.
    pub(crate) fn is_passing(&self) -> bool {
        self.problem.is_passing()
    }

    /// Whether the server wants to know who asks, or knows and refuses.
    pub(crate) fn is_closed(&self) -> bool {
        let closed = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
        matches!(&self.problem, Problem::Status { status, .. } if closed.contains(status))
    }

    /// Whether the server or the network failed, rather than this machine or the question.
    pub fn is_remote(&self) -> bool {
        self.problem.is_remote()
    }
}
