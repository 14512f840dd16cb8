//! The secret that a worker and its runs share. It is never sent, printed or written down.

use std::path::PathBuf;

use clap::Args;

use crate::error::CliError;

/// Where the token is.
#[derive(Debug, Clone, Args)]
pub(crate) struct TokenArg {
    /// File that holds the token of the workers, 16 characters or more [default: $BURN_ZOO_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

/// Fewer could be guessed.
const LEAST: usize = 16;
const VARIABLE: &str = "BURN_ZOO_TOKEN";
const HOW: &str = "`openssl rand -hex 32 > token` makes one, for --token-file token on both sides";

impl TokenArg {
    /// As it was given, for a command line.
    pub(crate) fn words(&self) -> Vec<String> {
        let file = self.token_file.iter();
        file.flat_map(|file| ["--token-file".to_owned(), file.display().to_string()])
            .collect()
    }

    pub(crate) fn read(&self) -> Result<Token, CliError> {
        let (source, text) = match &self.token_file {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    CliError::Input(format!("--token-file {}: {error}", path.display()))
                })?;
                (format!("--token-file {}", path.display()), text)
            }
            None => {
                let text = std::env::var(VARIABLE).unwrap_or_default();
                (VARIABLE.to_owned(), text)
            }
        };
        let text = text.trim();
        match text.chars().count() {
            0 if self.token_file.is_none() => Err(CliError::Input(format!(
                "workers want a token, and there is none: expected --token-file FILE or {VARIABLE}; {HOW}"
            ))),
            length if length < LEAST => Err(CliError::Input(format!(
                "{source}: found a token of {length} characters, expected {LEAST} or more; {HOW}"
            ))),
            _ => Ok(Token::new(text)),
        }
    }
}

/// A key made of the token.
#[derive(Clone)]
pub(crate) struct Token([u8; 32]);

/// What was made with a token; compared in constant time.
pub(crate) type Proof = blake3::Hash;

impl Token {
    pub(super) fn new(text: &str) -> Self {
        Self(blake3::derive_key(
            "burn-zoo 2026 worker token",
            text.as_bytes(),
        ))
    }

    /// Shows the worker that asked with `nonce` that the token is known.
    pub(super) fn proof(&self, nonce: &str) -> Proof {
        self.keyed("proof", nonce)
    }

    /// Opens Burn's session, for as long as the greeting with `nonce` lasts.
    pub(super) fn ticket(&self, nonce: &str) -> Proof {
        self.keyed("session", nonce)
    }

    fn keyed(&self, purpose: &str, nonce: &str) -> Proof {
        blake3::keyed_hash(&self.0, format!("{purpose} {nonce}").as_bytes())
    }
}
