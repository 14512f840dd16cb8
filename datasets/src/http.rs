//! HTTP requests, and when to repeat them.

use std::time::Duration;

use ureq::config::RedirectAuthHeaders;
use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body};

/// Longest wait for a server that sends nothing.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Requests for the same bytes before giving up, and the pause after the first; it doubles each time.
pub(crate) const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(if cfg!(test) { 5 } else { 200 });

/// An HTTP client that returns every response, whatever its status.
pub(crate) fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        // The Hub redirects requests for a renamed data set, and wants the token again.
        .redirect_auth_headers(RedirectAuthHeaders::SameHost)
        .timeout_connect(Some(TIMEOUT))
        .timeout_recv_response(Some(TIMEOUT))
        .timeout_per_read(Some(TIMEOUT))
        .build()
        .new_agent()
}

/// Requests `url`, or the byte range `range` of it, such as `0-99`. The `token` is not sent to another host.
pub(crate) fn get(
    agent: &Agent,
    url: &str,
    token: Option<&str>,
    range: Option<String>,
) -> Result<Response<Body>, ureq::Error> {
    let mut request = agent.get(url);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    if let Some(range) = range {
        request = request.header(header::RANGE, format!("bytes={range}"));
    }
    request.call()
}

/// First byte of a partial response and length of the whole file, as far as the server states them.
pub(crate) fn content_range(response: &Response<Body>) -> Option<(u64, Option<u64>)> {
    let range = response.headers().get(header::CONTENT_RANGE)?;
    let range = range.to_str().ok()?.strip_prefix("bytes ")?;
    let (first, rest) = range.split_once('-')?;
    let total = rest
        .split_once('/')
        .and_then(|(_, total)| total.parse().ok());
    Some((first.parse().ok()?, total))
}

/// Why a request failed.
pub(crate) enum Failure<E> {
    /// The same request may succeed later.
    Transient(E),
    /// It will not.
    Permanent(E),
}

impl<E> Failure<E> {
    pub(crate) fn into_inner(self) -> E {
        match self {
            Self::Transient(error) | Self::Permanent(error) => error,
        }
    }
}

/// The failure that a status other than success is.
pub(crate) fn refused(status: StatusCode) -> Failure<String> {
    let problem = format!("the server answered {status}");
    match is_transient(status) {
        true => Failure::Transient(problem),
        false => Failure::Permanent(problem),
    }
}

/// Whether the same request may have another status later.
pub(crate) fn is_transient(status: StatusCode) -> bool {
    let is_busy = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    is_busy || status.is_server_error()
}

/// Repeats `request` until it succeeds, fails permanently, or has failed [`ATTEMPTS`] times.
pub(crate) fn with_retries<T, E>(
    mut request: impl FnMut() -> Result<T, Failure<E>>,
) -> Result<T, Failure<E>> {
    let mut attempt = 1;
    loop {
        match request() {
            Err(Failure::Transient(_)) if attempt < ATTEMPTS => {
                std::thread::sleep(PAUSE * 2_u32.pow(attempt - 1));
                attempt += 1;
            }
            result => return result,
        }
    }
}
