//! Shards on a server, read in blocks with range requests.
//!
//! Threads share the blocks: each is downloaded once while images in it are wanted, since the order of an epoch reads the
//! images of a shard together. A failed request is repeated for the rest of its block.

use std::io::Read;
use std::sync::Arc;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use crate::error::OpenError;
use crate::http::{ATTEMPTS, Failure, agent, content_range, get, refused, with_retries};

/// Bytes of a block.
const BLOCK: u64 = 4 << 20;
/// Most bytes of blocks in memory.
const CACHE: u64 = 256 << 20;
/// Most bytes of an index or a manifest.
const MOST: u64 = 1 << 30;

/// A URL below which shards are.
pub(crate) struct RemoteFolder {
    /// Without a slash at its end.
    base: String,
    agent: Agent,
    blocks: Cache<BlockId, Arc<Vec<u8>>, Bytes>,
}

/// File name and number of a block.
type BlockId = (Arc<str>, u64);

/// Weighs a block by its bytes.
#[derive(Clone)]
struct Bytes;

impl Weighter<BlockId, Arc<Vec<u8>>> for Bytes {
    fn weight(&self, _: &BlockId, block: &Arc<Vec<u8>>) -> u64 {
        block.len() as u64
    }
}

impl RemoteFolder {
    pub(crate) fn new(base: &str) -> Self {
        let options = OptionsBuilder::new()
            .weight_capacity(CACHE)
            .estimated_items_capacity((CACHE / BLOCK) as usize)
            .shards(1)
            // A block is wanted often for a while and then no more in this epoch: recency counts, not frequency.
            .hot_allocation(0.5)
            .build()
            .expect("both capacities are given");
        Self {
            base: base.trim_end_matches('/').to_owned(),
            agent: agent(),
            blocks: Cache::with_options(
                options,
                Bytes,
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            ),
        }
    }

    pub(crate) fn url(&self, file: &str) -> String {
        format!("{}/{file}", self.base)
    }

    /// The content of a file; none if the server has no such file.
    pub(crate) fn whole(&self, file: &str) -> Result<Option<Vec<u8>>, OpenError> {
        self.with_retries(file, || {
            let response = self.get(file, None)?;
            match response.status() {
                StatusCode::NOT_FOUND => return Ok(None),
                StatusCode::OK => {}
                status => return Err(refused(status)),
            }
            let (length, mut bytes) = (response.body().content_length(), Vec::new());
            read(response, MOST, &mut bytes)?;
            match length {
                Some(length) if length != bytes.len() as u64 => Err(ended_early()),
                _ => Ok(Some(bytes)),
            }
        })
    }

    /// The length of a file in bytes, from a server that answers range requests.
    pub(crate) fn length(&self, file: &str) -> Result<u64, OpenError> {
        self.with_retries(file, || {
            let (_, total) = partial(&self.get(file, Some([0, 0]))?)?;
            Ok(total)
        })
    }

    /// The bytes `start..start + length` of `file`, which has `total` bytes.
    pub(crate) fn range(
        &self,
        file: &str,
        total: u64,
        start: u64,
        length: usize,
    ) -> Result<Vec<u8>, OpenError> {
        let end = start + length as u64;
        let mut bytes = Vec::with_capacity(length);
        let name: Arc<str> = file.into();
        for number in start / BLOCK..end.div_ceil(BLOCK) {
            let first = number * BLOCK;
            let block = self
                .blocks
                .get_or_insert_with(&(name.clone(), number), || {
                    self.block(file, first, total).map(Arc::new)
                })?;
            let from = start.saturating_sub(first) as usize;
            let to = (end - first).min(block.len() as u64) as usize;
            bytes.extend_from_slice(block.get(from..to).unwrap_or_default());
        }
        match bytes.len() == length {
            true => Ok(bytes),
            false => Err(self.error(file, format!("ends before byte {end}"))),
        }
    }

    fn block(&self, file: &str, start: u64, total: u64) -> Result<Vec<u8>, OpenError> {
        let end = (start + BLOCK).min(total);
        let mut bytes = Vec::with_capacity((end - start) as usize);
        self.with_retries(file, || {
            let from = start + bytes.len() as u64;
            let response = self.get(file, Some([from, end - 1]))?;
            let (first, found) = partial(&response)?;
            if found != total {
                return Err(Failure::Permanent(format!(
                    "has {found} bytes, its index was made for one of {total}"
                )));
            }
            if first != from {
                return Err(Failure::Permanent(format!(
                    "the server sent a range that starts at byte {first} instead of {from}"
                )));
            }
            read(response, end - from, &mut bytes)?;
            match bytes.len() as u64 == end - start {
                true => Ok(()),
                false => Err(ended_early()),
            }
        })?;
        Ok(bytes)
    }

    fn get(&self, file: &str, range: Option<[u64; 2]>) -> Result<Response<Body>, Failure<String>> {
        let range = range.map(|[first, last]| format!("{first}-{last}"));
        get(&self.agent, &self.url(file), None, range)
            .map_err(|error| Failure::Transient(error.to_string()))
    }

    fn with_retries<T>(
        &self,
        file: &str,
        request: impl FnMut() -> Result<T, Failure<String>>,
    ) -> Result<T, OpenError> {
        with_retries(request).map_err(|failure| {
            let problem = match failure {
                Failure::Transient(problem) => format!("{problem} (after {ATTEMPTS} attempts)"),
                Failure::Permanent(problem) => problem,
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

/// Appends at most `most` bytes of a response; what arrives before an error stays.
fn read(response: Response<Body>, most: u64, bytes: &mut Vec<u8>) -> Result<(), Failure<String>> {
    let mut body = response.into_body().into_reader().take(most);
    match body.read_to_end(bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::Transient(error.to_string())),
    }
}

fn ended_early() -> Failure<String> {
    Failure::Transient("the connection ended too early".to_owned())
}

/// First byte of a partial response and length of the whole file.
fn partial(response: &Response<Body>) -> Result<(u64, u64), Failure<String>> {
    let problem = match (response.status(), content_range(response)) {
        (StatusCode::PARTIAL_CONTENT, Some((first, Some(total)))) => return Ok((first, total)),
        (StatusCode::PARTIAL_CONTENT, _) => "the server does not state which range it sends",
        (StatusCode::OK, _) => {
            "the server sends whole files only: shards are read in parts, from a server that answers range requests (nginx, \
             Apache, an object store); or download them and name the folder with `--root DIR` (`--set data.root=DIR` when \
             training)"
        }
        (status, _) => return Err(refused(status)),
    };
    Err(Failure::Permanent(problem.to_owned()))
}
