//! A local HTTP server that answers as it is told.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use sha2::{Digest, Sha256};

/// What was asked for: the path, the first byte where only the rest was wanted, and who asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) from: Option<usize>,
    pub(crate) token: Option<String>,
}

/// A server that gives one answer after the other to whoever asks.
pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&Request) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        // The thread waits for connections until the test process ends.
        thread::spawn(move || {
            for connection in listener.incoming() {
                let Some((mut stream, request)) = connection.ok().and_then(receive) else {
                    continue;
                };
                let bytes = answer(&request);
                // Known before the answer is, so that who has it may look.
                seen.lock().unwrap().push(request);
                let _ = stream.write_all(&bytes);
            }
        });
        Self { address, requests }
    }

    /// How often and from which byte on each request asked.
    pub(crate) fn starts(&self) -> Vec<Option<usize>> {
        self.requests
            .lock()
            .unwrap()
            .iter()
            .map(|request| request.from)
            .collect()
    }
}

fn receive(stream: TcpStream) -> Option<(TcpStream, Request)> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    let (mut from, mut token) = (None, None);
    for line in lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
    {
        if let Some(range) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().ok();
        }
        if let Some((_, bearer)) = line.split_once(": Bearer ") {
            token = Some(bearer.to_owned());
        }
    }
    Some((stream, Request { path, from, token }))
}

pub(crate) fn answer(status: &str, headers: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

pub(crate) fn whole(content: &[u8]) -> Vec<u8> {
    answer("200 OK", "", content.len(), content)
}

/// The answer of a server that can begin in the middle.
pub(crate) fn ranged(content: &[u8], request: &Request) -> Vec<u8> {
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

pub(crate) fn sha256(content: &[u8]) -> String {
    Sha256::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Content that does not compress and differs everywhere.
pub(crate) fn content() -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..200_000).map(|_| next()).collect()
}
