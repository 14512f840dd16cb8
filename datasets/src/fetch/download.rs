//! Download of one file over HTTP: to `<file>.part`, continued after an interruption, renamed once its checksum is right.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use ureq::Body;
use ureq::http::{Response, StatusCode};

use super::error::Problem;
use super::{Phase, Progress, RemoteFile};
use crate::http::{agent, content_range, get};

/// Bytes between two progress reports.
const BLOCK: usize = 1 << 16;

/// A file to download.
pub(super) struct Download<'a> {
    pub(super) remote: &'a RemoteFile,
    /// Access token; not sent to other hosts after a redirect.
    pub(super) token: Option<&'a str>,
    /// Path of the local file.
    pub(super) path: &'a Path,
    pub(super) progress: &'a mut dyn FnMut(Progress<'_>),
}

impl Download<'_> {
    /// Downloads the file unless it is there with its checksum; returns whether it was downloaded.
    pub(super) fn run(&mut self) -> Result<bool, Problem> {
        let expected = self.remote.sha256.clone();
        if self.path.is_file() {
            let found = self.checksum(self.path)?;
            if found.starts_with(&expected) {
                return Ok(false);
            }
            return Err(Problem::Present {
                path: self.path.to_owned(),
                found,
                expected,
            });
        }
        let mut part = self.path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let disk = |error| Problem::disk(&part, error);
        let continued = self.receive(&part)?;
        let mut found = self.checksum(&part)?;
        if !found.starts_with(&expected) && continued {
            // The partial file may be damaged or of another file: once more from the start.
            fs::remove_file(&part).map_err(disk)?;
            self.receive(&part)?;
            found = self.checksum(&part)?;
        }
        if !found.starts_with(&expected) {
            fs::remove_file(&part).map_err(disk)?;
            return Err(Problem::Checksum {
                url: self.remote.url.clone(),
                found,
                expected,
            });
        }
        fs::rename(&part, self.path).map_err(|error| Problem::disk(self.path, error))?;
        Ok(true)
    }

    /// Completes `part`; returns whether it has bytes of an earlier run.
    fn receive(&mut self, part: &Path) -> Result<bool, Problem> {
        let disk = |error| Problem::disk(part, error);
        let mut start = match fs::metadata(part) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == ErrorKind::NotFound => 0,
            Err(error) => return Err(disk(error)),
        };
        if self.remote.bytes == Some(start) {
            // Complete but for the checksum and the rename.
            return Ok(true);
        }
        let mut response = self.request(start)?;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            response = self.request(0)?;
        }
        if !response.status().is_success() {
            return Err(Problem::Status {
                url: self.remote.url.clone(),
                status: response.status(),
            });
        }
        if response.status() != StatusCode::PARTIAL_CONTENT {
            // The server sends the whole file in any case.
            start = 0;
        } else if start == 0 || content_range(&response).map(|(first, _)| first) != Some(start) {
            return Err(self.network("the server sent a byte range that was not requested"));
        }
        // Opened only now, so that a server that refuses leaves no empty file.
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(part)
            .map_err(disk)?;
        file.set_len(start).map_err(disk)?;
        file.seek(SeekFrom::Start(start)).map_err(disk)?;
        let copied = self.copy(response, &mut file, start, part);
        file.sync_all().map_err(disk)?;
        copied?;
        Ok(start > 0)
    }

    fn request(&self, start: u64) -> Result<Response<Body>, Problem> {
        let range = (start > 0).then(|| format!("{start}-"));
        get(&agent(), &self.remote.url, self.token, range)
            .map_err(|error| self.network(error.to_string()))
    }

    fn network(&self, reason: impl Into<String>) -> Problem {
        Problem::Network {
            url: self.remote.url.clone(),
            reason: reason.into(),
        }
    }

    fn copy(
        &mut self,
        mut response: Response<Body>,
        file: &mut File,
        start: u64,
        part: &Path,
    ) -> Result<(), Problem> {
        let length = response.body().content_length();
        let total = length.map(|length| start + length);
        let total = total.or(self.remote.bytes).unwrap_or(0);
        let mut body = response.body_mut().as_reader();
        let (mut done, mut block) = (start, vec![0; BLOCK]);
        loop {
            self.report(Phase::Download, done, total);
            let length = match body.read(&mut block) {
                Ok(0) if done >= total => return Ok(()),
                Ok(0) | Err(_) if done < total => {
                    return Err(Problem::Truncated {
                        url: self.remote.url.clone(),
                        received: done,
                        expected: total,
                    });
                }
                Ok(length) => length,
                Err(error) => return Err(self.network(error.to_string())),
            };
            file.write_all(&block[..length])
                .map_err(|error| Problem::disk(part, error))?;
            done += length as u64;
        }
    }

    /// The SHA-256 of a file, in hexadecimal.
    fn checksum(&mut self, path: &Path) -> Result<String, Problem> {
        let disk = |error| Problem::disk(path, error);
        let mut file = File::open(path).map_err(disk)?;
        let total = file.metadata().map_err(disk)?.len();
        let (mut hash, mut done, mut block) = (Sha256::new(), 0, vec![0; BLOCK]);
        loop {
            self.report(Phase::Verify, done, total);
            let length = file.read(&mut block).map_err(disk)?;
            if length == 0 {
                break;
            }
            hash.update(&block[..length]);
            done += length as u64;
        }
        let digest = hash.finalize();
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn report(&mut self, phase: Phase, done: u64, total: u64) {
        (self.progress)(Progress {
            file: &self.remote.file,
            phase,
            done,
            total,
        });
    }
}
