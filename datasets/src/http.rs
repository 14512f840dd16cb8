//! How servers are asked.

use std::time::Duration;

use ureq::Agent;

/// How long a server may be silent.
const SILENCE: Duration = Duration::from_secs(60);

/// A client that gives every answer back, whatever its status, and gives up on a silent server.
pub(crate) fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(SILENCE))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .build()
        .new_agent()
}
