//! How servers are asked, and asked again.

use std::time::Duration;

use ureq::Agent;
use ureq::config::RedirectAuthHeaders;
use ureq::http::StatusCode;

/// How long a server may be silent.
const SILENCE: Duration = Duration::from_secs(60);
/// Requests for the same bytes before the error is given out, and the pause after the first; it doubles each time.
pub(crate) const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(if cfg!(test) { 5 } else { 200 });

/// A client that gives every answer back, whatever its status, and gives up on a silent server.
pub(crate) fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        // The Hub sends on whoever asks for a set by an old name, and wants the token again.
        .redirect_auth_headers(RedirectAuthHeaders::SameHost)
        .timeout_connect(Some(SILENCE))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .build()
        .new_agent()
}

/// Why a request gave nothing.
pub(crate) enum Failure<E> {
    /// Asking again may help.
    Passing(E),
    /// It will not.
    Lasting(E),
}

impl<E> Failure<E> {
    /// The error of either.
    pub(crate) fn into_inner(self) -> E {
        match self {
            Self::Passing(error) | Self::Lasting(error) => error,
        }
    }
}

/// What an answer without success says.
pub(crate) fn refused(status: StatusCode) -> Failure<String> {
    let problem = format!("the server answered {status}");
    match is_passing(status) {
        true => Failure::Passing(problem),
        false => Failure::Lasting(problem),
    }
}

/// Whether a server may answer otherwise in a moment.
pub(crate) fn is_passing(status: StatusCode) -> bool {
    let is_busy = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    is_busy || status.is_server_error()
}

/// Does `request` until it succeeds, fails for good, or has failed [`ATTEMPTS`] times.
pub(crate) fn patiently<T, E>(
    mut request: impl FnMut() -> Result<T, Failure<E>>,
) -> Result<T, Failure<E>> {
    let mut attempt = 1;
    loop {
        match request() {
            Err(Failure::Passing(_)) if attempt < ATTEMPTS => {
                std::thread::sleep(PAUSE * 2_u32.pow(attempt - 1));
                attempt += 1;
            }
            failed => return failed,
        }
    }
}
