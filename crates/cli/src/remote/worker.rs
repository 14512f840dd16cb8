//! A worker: one port, behind it greetings and Burn's server.

use std::io::{self, BufReader};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use burn::server::{AuthorizationRequest, RemoteServer, WebSocketTransport};
use burn::tensor::Device;

use super::handshake::{ALIVE, BEAT, Lines, PATIENCE, REFUSED, Versions, WELCOME};
use super::token::{Proof, Token};
use crate::error::CliError;
use crate::progress::status;

/// How a session of Burn's begins. Its other addresses serve workers that fetch tensors from each other, which ours do not.
const SESSION: &[u8] = b"GET /session ";
/// Bytes that are passed on at once.
const BUFFER: usize = 1 << 18;

/// A device for others to compute on.
pub(crate) struct Worker {
    pub(crate) listener: TcpListener,
    pub(crate) device: Device,
    pub(crate) name: String,
    pub(crate) token: Token,
}

/// What each connection needs to know.
struct Desk {
    name: String,
    token: Token,
    /// Of the greetings that last.
    tickets: Mutex<Vec<Proof>>,
    /// Where Burn listens.
    inner: SocketAddr,
}

impl Worker {
    /// Serves until the process ends.
    pub(crate) fn serve(self) -> Result<(), CliError> {
        let failed = |error: &dyn std::fmt::Display| {
            CliError::Failed(format!("the worker cannot serve: {error}"))
        };
        let inner = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| failed(&error))?;
        let desk = Arc::new(Desk {
            name: self.name,
            token: self.token,
            tickets: Mutex::default(),
            inner: inner.local_addr().map_err(|error| failed(&error))?,
        });
        let server = RemoteServer::new([self.device]).with_authorizer({
            let desk = desk.clone();
            move |request: AuthorizationRequest<'_>| desk.admit(request.credential.as_bytes())
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| failed(&error))?;
        thread::spawn(move || desk.answer(&self.listener));
        runtime
            .block_on(server.serve_async(WebSocketTransport::from_listener(inner)))
            .map_err(|error| failed(&error))
    }
}

impl Desk {
    fn answer(self: Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            let Ok(stream) = stream else {
                // It is gone already, or there are too many for now.
                thread::sleep(Duration::from_millis(10));
                continue;
            };
            let desk = self.clone();
            thread::spawn(move || {
                // Whoever went away in the middle of it is not missed.
                let _ = desk.receive(stream);
            });
        }
    }

    fn receive(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        match begins_with(&stream, SESSION)? {
            true => pass_on(stream, TcpStream::connect(self.inner)?),
            false => self.greet(stream),
        }
    }

    fn greet(&self, stream: TcpStream) -> io::Result<()> {
        let peer = stream.peer_addr()?;
        let mut lines = Lines::new(stream)?;
        let first = lines.hear()?;
        let Some((theirs, _)) = Versions::parse(&first) else {
            return Ok(());
        };
        let own = Versions::own();
        let nonce = blake3::Hash::from(rand::random::<[u8; 32]>()).to_hex();
        lines.status(&format!("{} {nonce}", own.line()))?;
        if theirs != own {
            status(&format!("{peer} runs {theirs}, and this is {own}"));
            return Ok(());
        }
        let proof = Proof::from_hex(lines.hear()?);
        // Compared in constant time.
        if !proof.is_ok_and(|proof| proof == self.token.proof(&nonce)) {
            status(&format!("{peer} has another token"));
            return lines.status(REFUSED);
        }
        let ticket = self.token.ticket(&nonce);
        self.tickets().push(ticket);
        status(&format!("{peer} computes here"));
        let ended = lines
            .status(&format!("{WELCOME} {}", self.name))
            .and_then(|()| live(&mut lines));
        self.tickets().retain(|other| *other != ticket);
        status(&format!("{peer} is gone"));
        ended
    }

    /// Whether Burn opens a session.
    fn admit(&self, credential: &[u8]) -> Result<(), String> {
        let ticket = Proof::from_hex(credential).map_err(|error| error.to_string())?;
        match self.tickets().contains(&ticket) {
            true => Ok(()),
            false => Err("no greeting came before".into()),
        }
    }

    fn tickets(&self) -> std::sync::MutexGuard<'_, Vec<Proof>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives signs of life until nobody takes them.
fn live(lines: &mut Lines) -> io::Result<()> {
    loop {
        lines.status(ALIVE)?;
        thread::sleep(BEAT);
    }
}

/// Whether the first bytes of a connection, which stay in it, are `expected`.
fn begins_with(stream: &TcpStream, expected: &[u8]) -> io::Result<bool> {
    let mut begin = vec![0; expected.len()];
    loop {
        let count = stream.peek(&mut begin)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if begin[..count] != expected[..count] {
            return Ok(false);
        }
        if count == expected.len() {
            return Ok(true);
        }
        // The rest is on its way.
        thread::sleep(Duration::from_millis(5));
    }
}

/// Passes everything on, both ways, until one side ends.
fn pass_on(outer: TcpStream, inner: TcpStream) -> io::Result<()> {
    outer.set_read_timeout(None)?;
    outer.set_nodelay(true)?;
    inner.set_nodelay(true)?;
    let (from, to) = (outer.try_clone()?, inner.try_clone()?);
    let there = thread::spawn(move || copy(&from, &to));
    copy(&inner, &outer);
    // Nobody waits for one thread's panic.
    let _ = there.join();
    Ok(())
}

fn copy(from: &TcpStream, mut to: &TcpStream) {
    // An error is an end as well.
    let _ = io::copy(&mut BufReader::with_capacity(BUFFER, from), &mut to);
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
