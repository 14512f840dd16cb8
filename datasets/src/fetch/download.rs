//! One file over HTTP: to `<file>.part`, continued where it stopped, renamed once its checksum is right.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use ureq::Body;
use ureq::http::{Response, StatusCode, header};

use super::error::Problem;
use super::{Phase, Progress, RemoteFile};
use crate::http::agent;

/// Bytes moved at a time, and the grain of the progress reports.
const BLOCK: usize = 1 << 16;

/// A file to bring.
pub(super) struct Download<'a> {
    pub(super) remote: &'a RemoteFile,
    /// What the server is told of who asks; servers that it sends us on to are not.
    pub(super) token: Option<&'a str>,
    /// Where it belongs.
    pub(super) path: &'a Path,
    pub(super) progress: &'a mut dyn FnMut(Progress<'_>),
}

impl Download<'_> {
    /// Makes sure that the file is there with its checksum; says whether it was downloaded for that.
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
        let part = self.part();
        let resumed = self.receive(&part)?;
        let mut found = self.checksum(&part)?;
        if !found.starts_with(&expected) && resumed {
            // What an earlier run left may be of another file, or damaged: once more from the start.
            remove(&part)?;
            self.receive(&part)?;
            found = self.checksum(&part)?;
        }
        if !found.starts_with(&expected) {
            remove(&part)?;
            return Err(Problem::Checksum {
                url: self.remote.url.clone(),
                found,
                expected,
            });
        }
        fs::rename(&part, self.path).map_err(|error| Problem::disk(self.path, error))?;
        Ok(true)
    }

    fn part(&self) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".part");
        PathBuf::from(name)
    }

    /// Completes `part`; says whether bytes of an earlier run are in it.
    fn receive(&mut self, part: &Path) -> Result<bool, Problem> {
        let disk = |error| Problem::disk(part, error);
        let mut start = match fs::metadata(part) {
            Ok(there) => there.len(),
            Err(error) if error.kind() == ErrorKind::NotFound => 0,
            Err(error) => return Err(disk(error)),
        };
        if self.remote.bytes == Some(start) {
            // Complete but for the rename; its checksum decides.
            return Ok(true);
        }
        let mut response = self.request(start)?;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            response = self.request(0)?;
        }
        if response.status() != StatusCode::PARTIAL_CONTENT || range_start(&response) != Some(start)
        {
            // The whole file comes, whatever was asked for.
            start = 0;
        }
        if !response.status().is_success() {
            return Err(Problem::Status {
                url: self.remote.url.clone(),
                status: response.status(),
            });
        }
        if response.status() == StatusCode::PARTIAL_CONTENT && start == 0 {
            let reason =
                "the server answered with a part of the file that was not asked for".to_owned();
            return Err(Problem::Network {
                url: self.remote.url.clone(),
                reason,
            });
        }
        // Only now, so that a server that refuses leaves no empty file here.
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(part)
            .map_err(disk)?;
        file.set_len(start).map_err(disk)?;
        file.seek(SeekFrom::Start(start)).map_err(disk)?;
        self.copy(response, &mut file, start, part)?;
        file.sync_all().map_err(disk)?;
        Ok(start > 0)
    }

    fn request(&self, start: u64) -> Result<Response<Body>, Problem> {
        let mut request = agent().get(&self.remote.url);
        if let Some(token) = self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if start > 0 {
            request = request.header(header::RANGE, format!("bytes={start}-"));
        }
        request
            .call()
            .map_err(|error| self.network(error.to_string()))
    }

    fn network(&self, reason: String) -> Problem {
        Problem::Network {
            url: self.remote.url.clone(),
            reason,
        }
    }

    fn copy(
        &mut self,
        mut response: Response<Body>,
        file: &mut File,
        start: u64,
        part: &Path,
    ) -> Result<(), Problem> {
        let total = response
            .body()
            .content_length()
            .map(|length| start + length)
            .or(self.remote.bytes)
            .unwrap_or(0);
        let mut body = response.body_mut().as_reader();
        let (mut done, mut block) = (start, vec![0; BLOCK]);
        loop {
            self.report(Phase::Download, done, total);
            let length = match body.read(&mut block) {
                Ok(0) => break,
                Ok(length) => length,
                Err(_) if done < total => {
                    file.sync_all()
                        .map_err(|error| Problem::disk(part, error))?;
                    let url = self.remote.url.clone();
                    return Err(Problem::Truncated {
                        url,
                        received: done,
                        expected: total,
                    });
                }
                Err(error) => return Err(self.network(error.to_string())),
            };
            file.write_all(&block[..length])
                .map_err(|error| Problem::disk(part, error))?;
            done += length as u64;
        }
        if done < total {
            return Err(Problem::Truncated {
                url: self.remote.url.clone(),
                received: done,
                expected: total,
            });
        }
        Ok(())
    }

    /// The sha256 of a file, in hexadecimal.
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
        Ok(hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect())
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

/// The first byte of a partial answer.
fn range_start(response: &Response<Body>) -> Option<u64> {
    let range = response
        .headers()
        .get(header::CONTENT_RANGE)?
        .to_str()
        .ok()?;
    range
        .strip_prefix("bytes ")?
        .split('-')
        .next()?
        .parse()
        .ok()
}

fn remove(part: &Path) -> Result<(), Problem> {
    fs::remove_file(part).map_err(|error| Problem::disk(part, error))
}
