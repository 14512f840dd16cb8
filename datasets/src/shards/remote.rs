//! Shards on a server: parts of files through range requests, in blocks that threads share.
//!
//! A block is fetched once while images of it are wanted; the order of an epoch keeps those together. A request that
//! fails is repeated, and what it got of its block before is kept.

use std::io::Read;
use std::sync::Arc;

use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body};

use crate::cache::Cache;
use crate::error::OpenError;
use crate::http::{ATTEMPTS, Failure, agent, patiently, refused};

/// Bytes fetched at a time.
const BLOCK: u64 = 4 << 20;
/// Bytes of blocks that are kept.
const KEPT: usize = 256 << 20;
/// Most bytes of an index or a manifest.
const WHOLE: u64 = 1 << 30;

/// An address below which shards lie.
pub(crate) struct RemoteFolder {
    /// Without a slash at its end.
    base: String,
    agent: Agent,
    /// By file and number.
    blocks: Cache<(Arc<str>, u64), Vec<u8>>,
}

impl RemoteFolder {
    pub(crate) fn new(base: &str) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            agent: agent(),
            blocks: Cache::new(KEPT),
        }
    }

    pub(crate) fn url(&self, file: &str) -> String {
        format!("{}/{file}", self.base)
    }

    /// All of a file; none where the server has none.
    pub(crate) fn whole(&self, file: &str) -> Result<Option<Vec<u8>>, OpenError> {
        let mut bytes = Vec::new();
        self.patiently(file, || {
            bytes.clear();
            let response = self.get(file, None)?;
            match response.status() {
                StatusCode::NOT_FOUND => return Ok(None),
                StatusCode::OK => {}
                status => return Err(refused(status)),
            }
            let length = response.body().content_length();
            let mut body = response.into_body().into_reader().take(WHOLE);
            body.read_to_end(&mut bytes)
                .map_err(|error| Failure::Passing(error.to_string()))?;
            match length {
                Some(length) if length != bytes.len() as u64 => {
                    Err(Failure::Passing("the connection ended too early".into()))
                }
                _ => Ok(Some(std::mem::take(&mut bytes))),
            }
        })
    }

    /// The length of a file, from a server that gives parts of it.
    pub(crate) fn length(&self, file: &str) -> Result<u64, OpenError> {
        self.patiently(file, || {
            let response = self.get(file, Some([0, 0]))?;
            content_range(&response)?.map_or_else(
                || {
                    Err(Failure::Lasting(
                        "the server does not tell its length".into(),
                    ))
                },
                |(_, total)| Ok(total),
            )
        })
    }

    /// The bytes `start..start + length` of `file`, whose length is `total`.
    pub(crate) fn range(
        &self,
        file: &str,
        total: u64,
        start: u64,
        length: usize,
    ) -> Result<Vec<u8>, OpenError> {
        let end = start + length as u64;
        let mut bytes = Vec::with_capacity(length);
        let file: Arc<str> = file.into();
        for number in start / BLOCK..end.div_ceil(BLOCK) {
            let first = number * BLOCK;
            let key = (file.clone(), number);
            let block = self.blocks.get(&key, || {
                let block = self.fetch(&file, number, total)?;
                let length = block.len();
                Ok::<_, OpenError>((block, length))
            })?;
            let from = start.saturating_sub(first) as usize;
            let to = (end - first).min(block.len() as u64) as usize;
            bytes.extend_from_slice(block.get(from..to).unwrap_or_default());
        }
        match bytes.len() == length {
            true => Ok(bytes),
            false => Err(self.error(&file, format!("ends before byte {end}"))),
        }
    }

    fn fetch(&self, file: &str, number: u64, total: u64) -> Result<Vec<u8>, OpenError> {
        let start = number * BLOCK;
        let end = (start + BLOCK).min(total);
        let mut bytes = Vec::with_capacity((end - start) as usize);
        self.patiently(file, || {
            let from = start + bytes.len() as u64;
            let response = self.get(file, Some([from, end - 1]))?;
            let Some((first, found)) = content_range(&response)? else {
                return Err(Failure::Lasting(
                    "the server does not say which part it sends".into(),
                ));
            };
            if found != total {
                return Err(Failure::Lasting(format!(
                    "has {found} bytes, its index was made for one of {total}"
                )));
            }
            if first != from {
                return Err(Failure::Lasting(format!(
                    "the server sent what begins at byte {first} instead of {from}"
                )));
            }
            let mut body = response.into_body().into_reader().take(end - from);
            body.read_to_end(&mut bytes)
                .map_err(|error| Failure::Passing(error.to_string()))?;
            match bytes.len() as u64 == end - start {
                true => Ok(()),
                false => Err(Failure::Passing("the connection ended too early".into())),
            }
        })?;
        Ok(bytes)
    }

    fn get(&self, file: &str, range: Option<[u64; 2]>) -> Result<Response<Body>, Failure<String>> {
        let mut request = self.agent.get(self.url(file));
        if let Some([first, last]) = range {
            request = request.header(header::RANGE, format!("bytes={first}-{last}"));
        }
        request
            .call()
            .map_err(|error| Failure::Passing(error.to_string()))
    }

    fn patiently<T>(
        &self,
        file: &str,
        request: impl FnMut() -> Result<T, Failure<String>>,
    ) -> Result<T, OpenError> {
        patiently(request).map_err(|failure| {
            let problem = match failure {
                Failure::Passing(problem) => format!("{problem} (after {ATTEMPTS} attempts)"),
                Failure::Lasting(problem) => problem,
            };
            self.error(file, problem)
        })
    }

    fn error(&self, file: &str, problem: String) -> OpenError {
        OpenError::Remote {
            url: self.url(file),
            problem,
        }
    }
}

/// The first byte of a partial answer and the length of the whole file, where the server says them.
fn content_range(response: &Response<Body>) -> Result<Option<(u64, u64)>, Failure<String>> {
    match response.status() {
        StatusCode::PARTIAL_CONTENT => {}
        StatusCode::OK => {
            return Err(Failure::Lasting(
                "the server sends whole files only: shards are read in parts, which takes one that answers range requests \
                 (nginx, Apache, an object store); or download them and name the folder as root"
                    .into(),
            ));
        }
        status => return Err(refused(status)),
    }
    let range = response.headers().get(header::CONTENT_RANGE);
    let range = range.and_then(|range| {
        let (range, total) = range
            .to_str()
            .ok()?
            .strip_prefix("bytes ")?
            .split_once('/')?;
        Some((range.split('-').next()?.parse().ok()?, total.parse().ok()?))
    });
    Ok(range)
}
