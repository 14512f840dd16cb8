//! A local HTTP server for a folder, as good or as bad as it is told.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Manner {
    /// Ranges, as asked.
    Ranges,
    /// The whole file, whatever was asked for.
    Whole,
    /// Every answer but each third ends in its middle.
    Drops,
    /// 503, every time but each third.
    Busy,
    /// 500, always.
    Broken,
}

/// A request: the file, and the range that was asked for.
pub(super) type Request = (String, Option<[usize; 2]>);

pub(super) struct Server {
    pub(super) address: PathBuf,
    pub(super) requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Serves `folder`; files whose names end with `troubled` in `manner`, others well.
    pub(super) fn start(folder: &Path, manner: Manner, troubled: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/set/", listener.local_addr().unwrap()).into();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, folder) = (requests.clone(), folder.to_owned());
        // The thread waits for connections until the test process ends.
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (seen, folder) = (seen.clone(), folder.clone());
                thread::spawn(move || serve(connection.ok()?, &folder, manner, troubled, &seen));
            }
        });
        Self { address, requests }
    }

    /// Requests for files whose names end with `ending`.
    pub(super) fn asked_for(&self, ending: &str) -> usize {
        let requests = self.requests.lock().unwrap();
        requests
            .iter()
            .filter(|(file, _)| file.ends_with(ending))
            .count()
    }
}

fn serve(
    mut stream: TcpStream,
    folder: &Path,
    manner: Manner,
    troubled: &str,
    seen: &Mutex<Vec<Request>>,
) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    let file = path.strip_prefix("/set/")?.to_owned();
    let mut range = None;
    for line in lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
    {
        if let Some(asked) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            let (first, last) = asked.split_once('-')?;
            range = Some([first.parse().ok()?, last.parse().ok()?]);
        }
    }
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push((file.clone(), range));
        seen.iter().filter(|(other, _)| *other == file).count()
    };
    let manner = match file.ends_with(troubled) {
        true => manner,
        false => Manner::Ranges,
    };
    let refuse = |status: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into_bytes()
    };
    let is_third = number.is_multiple_of(3);
    let Ok(content) = std::fs::read(folder.join(&file)) else {
        return stream.write_all(&refuse("404 Not Found")).ok();
    };
    let answer = match (manner, range) {
        (Manner::Busy, _) if !is_third => refuse("503 Service Unavailable"),
        (Manner::Broken, _) => refuse("500 Internal Server Error"),
        (Manner::Whole, _) | (_, None) => {
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                content.len()
            );
            [head.as_bytes(), &content].concat()
        }
        (_, Some([first, last])) => {
            let last = last.min(content.len() - 1);
            let head = format!(
                "HTTP/1.1 206 Partial Content\r\nContent-Length: {}\r\nContent-Range: bytes {first}-{last}/{}\r\n\
                 Connection: close\r\n\r\n",
                last + 1 - first,
                content.len()
            );
            [head.as_bytes(), &content[first..=last]].concat()
        }
    };
    let length = match manner {
        Manner::Drops if !is_third => answer.len() / 2,
        _ => answer.len(),
    };
    stream.write_all(&answer[..length]).ok()
}
