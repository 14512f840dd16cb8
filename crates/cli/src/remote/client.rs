//! A run's side: greets workers, and ends the run when one is lost.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use burn::remote::RemoteHost;
use burn::tensor::Device;

use super::handshake::{Lines, PATIENCE, REFUSED, SILENCE, Versions, WELCOME, is_timeout};
use super::token::Token;
use crate::error::CliError;

/// To one address of a host, of which the first few are tried.
const CONNECT: Duration = Duration::from_secs(3);
const ADDRESSES: usize = 2;

/// A worker's device.
pub(crate) struct Lent {
    pub(crate) device: Device,
    pub(crate) name: String,
    address: String,
    lines: Lines,
}

/// Borrows the device of the worker at `address`. Whatever is there, an answer comes within 24 seconds: two to connect to, three to wait for.
pub(crate) fn borrow(address: &str, token: &Token) -> Result<Lent, CliError> {
    let failed = |what: String| {
        CliError::Input(format!(
            "run file, key `devices.remote`: worker {address} {what}"
        ))
    };
    let stream = connect(address).map_err(|error| failed(unreachable(&error)))?;
    let greeting = greet(stream, token).map_err(failed)?;
    let host =
        RemoteHost::websocket(&format!("ws://{address}")).with_credential(greeting.ticket.as_str());
    // Burn waits without an end.
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        // Nobody may wait any longer.
        let _ = sender.send(Device::remote_options(&host).init());
    });
    let device = receiver
        .recv_timeout(PATIENCE)
        .map_err(|_| failed(silent()))?
        .map_err(|error| failed(format!("opens no session: {error}")))?;
    Ok(Lent {
        device,
        name: format!("{address} ({})", greeting.device),
        address: address.to_owned(),
        lines: greeting.lines,
    })
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in address.to_socket_addrs()?.take(ADDRESSES) {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn unreachable(error: &io::Error) -> String {
    let why = match error.kind() {
        io::ErrorKind::TimedOut => format!("no answer within {CONNECT:?}"),
        _ => error.to_string(),
    };
    format!(
        "cannot be reached ({why}): is `zoo worker --listen` running there, on that port, and does a firewall let it through?"
    )
}

fn silent() -> String {
    format!("does not answer within {PATIENCE:?}: it hangs, or another program has that port")
}

struct Greeting {
    lines: Lines,
    device: String,
    /// Burn's credential.
    ticket: String,
}

fn greet(stream: TcpStream, token: &Token) -> Result<Greeting, String> {
    let broken = |error: io::Error| match error.kind() {
        _ if is_timeout(&error) => silent(),
        io::ErrorKind::InvalidData => strange(),
        _ => format!("ended the greeting ({error}): it stopped, or another program has that port"),
    };
    let mut lines = Lines::new(stream).map_err(broken)?;
    let own = Versions::own();
    lines.status(&own.line()).map_err(broken)?;
    let answer = lines.hear().map_err(broken)?;
    let Some((theirs, nonce)) = Versions::parse(&answer) else {
        return Err(strange());
    };
    if theirs != own {
        return Err(format!(
            "runs {theirs}, and this is {own}: both sides must be of the same version"
        ));
    }
    let nonce = nonce.ok_or_else(strange)?.to_owned();
    let proof = token.proof(&nonce);
    lines.status(proof.to_hex().as_str()).map_err(broken)?;
    let answer = lines.hear().map_err(broken)?;
    match answer.split_once(' ') {
        Some((WELCOME, device)) => Ok(Greeting {
            lines,
            device: device.to_owned(),
            ticket: token.ticket(&nonce).to_hex().to_string(),
        }),
        _ if answer == REFUSED => Err(
            "was started with another token: give both sides the same (--token-file or BURN_ZOO_TOKEN)"
                .into(),
        ),
        _ => Err(strange()),
    }
}

fn strange() -> String {
    "answers as no zoo worker does: another program has that port, or a much older version".into()
}

/// Whether a run depends on workers.
static WATCHED: AtomicBool = AtomicBool::new(false);
/// What ends the run.
type End = Box<dyn FnOnce(&str) + Send>;

/// Calls `end`, which ends the process, as soon as one of the workers is lost: with the reason.
///
/// Burn hangs or panics where a worker is lost, somewhere and sometime; nothing that goes on then is of use.
pub(crate) fn watch(workers: Vec<Lent>, end: impl FnOnce(&str) + Send + 'static) {
    if workers.is_empty() {
        return;
    }
    WATCHED.store(true, Ordering::SeqCst);
    let end: Arc<Mutex<Option<End>>> = Arc::new(Mutex::new(Some(Box::new(end))));
    for Lent { address, lines, .. } in workers {
        let end = end.clone();
        thread::spawn(move || {
            let reason = listen(lines);
            if !WATCHED.load(Ordering::SeqCst) {
                return;
            }
            // Of two workers that are lost the first is named.
            if let Ok(mut end) = end.lock()
                && let Some(end) = end.take()
            {
                end(&format!("worker {address} {reason}"));
            }
        });
    }
}

/// Listens for signs of life until there are no more.
fn listen(mut lines: Lines) -> String {
    if let Err(error) = lines.wait_at_most(SILENCE) {
        return format!("was lost: {error}");
    }
    loop {
        match lines.hear() {
            Ok(_) => {}
            Err(error) if is_timeout(&error) => {
                return format!("was lost: no sign of life for {SILENCE:?}");
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return "was lost: it stopped".into();
            }
            Err(error) => return format!("was lost: {error}"),
        }
    }
}

/// Waits until `watch` has ended the process, where a worker is lost; else soon returns, and says whether there are workers.
///
/// For whoever meets an error or a panic: that a worker is gone shows here and there at nearly the same time.
pub(crate) fn end_where_lost() -> bool {
    let watched = WATCHED.load(Ordering::SeqCst);
    if watched {
        thread::sleep(Duration::from_secs(2));
    }
    watched
}

/// The run is over, and workers may go; where it failed, not before a lost one has had its chance to be named.
pub(crate) fn over(failed: bool) {
    if failed {
        end_where_lost();
    }
    WATCHED.store(false, Ordering::SeqCst);
}
