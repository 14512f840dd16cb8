//! A local HTTP server that answers as it is told.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use sha2::{Digest, Sha256};

/// What was asked for: the path, and the first byte where only the rest was wanted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Request {
    pub(super) path: String,
    pub(super) from: Option<usize>,
}

/// A server that gives one answer after the other to whoever asks.
pub(super) struct Server {
    pub(super) address: String,
    pub(super) requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub(super) fn start(answer: impl Fn(&Request) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        // The thread waits for connections until the test process ends.
        thread::spawn(move || {
            for connection in listener.incoming() {
                let Some(request) = connection.ok().and_then(|stream| serve(stream, &answer))
                else {
                    continue;
                };
                seen.lock().unwrap().push(request);
            }
        });
        Self { address, requests }
    }

    /// How often and from which byte on each request asked.
    pub(super) fn starts(&self) -> Vec<Option<usize>> {
        self.requests
            .lock()
            .unwrap()
            .iter()
            .map(|request| request.from)
            .collect()
    }
}

pub(super) fn serve(
    mut stream: TcpStream,
    answer: &impl Fn(&Request) -> Vec<u8>,
) -> Option<Request> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    let mut from = None;
    for line in lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
    {
        if let Some(range) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().ok();
        }
    }
    let request = Request { path, from };
    stream.write_all(&answer(&request)).ok()?;
    Some(request)
}

pub(super) fn answer(status: &str, headers: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

pub(super) fn whole(content: &[u8]) -> Vec<u8> {
    answer("200 OK", "", content.len(), content)
}

/// The answer of a server that can begin in the middle.
pub(super) fn ranged(content: &[u8], request: &Request) -> Vec<u8> {
    match request.from {
        Some(from) if from >= content.len() => answer("416 Range Not Satisfiable", "", 0, b""),
        Some(from) => {
            let range = format!(
                "Content-Range: bytes {from}-{}/{}\r\n",
                content.len() - 1,
                content.len()
            );
            answer(
                "206 Partial Content",
                &range,
                content.len() - from,
                &content[from..],
            )
        }
        None => whole(content),
    }
}

pub(super) fn sha256(content: &[u8]) -> String {
    Sha256::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Content that does not compress and differs everywhere.
pub(super) fn content() -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..200_000).map(|_| next()).collect()
}
