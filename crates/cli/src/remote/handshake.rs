//! The words of the greeting, lines of text:
//!
//! ```text
//! run     burn-zoo 0.1.0 burn 0.22.1
//! worker  burn-zoo 0.1.0 burn 0.22.1 NONCE
//! run     PROOF
//! worker  welcome DEVICE, or refused
//! worker  alive, every two seconds
//! ```

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::machine::BURN;

/// Neither side waits longer for the other's next word.
pub(super) const PATIENCE: Duration = Duration::from_secs(6);
/// Between two signs of life.
pub(super) const BEAT: Duration = Duration::from_secs(2);
/// A worker that gives no sign of life for so long is lost.
pub(super) const SILENCE: Duration = Duration::from_secs(15);

pub(super) const WELCOME: &str = "welcome";
pub(super) const REFUSED: &str = "refused";
pub(super) const ALIVE: &str = "alive";

/// Longer lines are none of ours.
const LONGEST: u64 = 512;

/// What a program is made of. Both sides must be alike: operations travel in Burn's own form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Versions {
    zoo: String,
    burn: String,
}

impl Versions {
    pub(super) fn own() -> Self {
        Self {
            zoo: env!("CARGO_PKG_VERSION").to_owned(),
            burn: BURN.to_owned(),
        }
    }

    pub(super) fn line(&self) -> String {
        format!("burn-zoo {} burn {}", self.zoo, self.burn)
    }

    /// The versions at the beginning of a line, and the word behind them.
    pub(super) fn parse(line: &str) -> Option<(Self, Option<&str>)> {
        let mut words = line.split(' ');
        let mut after = |name| (words.next() == Some(name)).then(|| words.next()).flatten();
        let (zoo, burn) = (after("burn-zoo")?, after("burn")?);
        let versions = Self {
            zoo: zoo.to_owned(),
            burn: burn.to_owned(),
        };
        Some((versions, words.next()))
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "burn-zoo {} on Burn {}", self.zoo, self.burn)
    }
}

/// A connection on which lines go both ways.
pub(super) struct Lines(BufReader<TcpStream>);

impl Lines {
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let lines = Self(BufReader::new(stream));
        lines.wait_at_most(PATIENCE)?;
        Ok(lines)
    }

    pub(super) fn wait_at_most(&self, time: Duration) -> io::Result<()> {
        self.0.get_ref().set_read_timeout(Some(time))
    }

    pub(super) fn status(&mut self, line: &str) -> io::Result<()> {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes())
    }

    /// The next line; the end of the connection and what is no line are errors.
    pub(super) fn hear(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.0.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
        match line.pop() {
            Some(b'\n') => String::from_utf8(line)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)),
            Some(_) => Err(io::ErrorKind::InvalidData.into()),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// Whether an error says that the time is over.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_off_a_line() {
        let own = Versions::own();
        assert_eq!(Versions::parse(&own.line()), Some((own.clone(), None)));
        let with_nonce = format!("{} abc", own.line());
        assert_eq!(Versions::parse(&with_nonce), Some((own, Some("abc"))));
        for other in [
            "",
            "burn-zoo",
            "burn-zoo 1 burn",
            "HTTP/1.1 400 Bad Request",
        ] {
            assert_eq!(Versions::parse(other), None, "{other}");
        }
    }
}
