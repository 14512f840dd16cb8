//! `[devices]`: where a run computes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// `[devices]`: devices that share the work of a run. A batch, `data.batch_size` images, is divided over them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DevicesSection {
    /// Devices of this machine, as `--device` names them: `["cuda:0", "cuda:1"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub local: Vec<String>,
    /// Workers of other machines, by host and port: `["gpu1:3000", "gpu2:3000"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remote: Vec<String>,
}

impl DevicesSection {
    /// Whether no device is named.
    pub fn is_empty(&self) -> bool {
        self.local.is_empty() && self.remote.is_empty()
    }

    /// The first key that makes no sense, and what it must be.
    pub(super) fn invalid(&self) -> Option<(&'static str, &'static str)> {
        if self.local.iter().any(|name| name.trim().is_empty()) {
            return Some(("local", "names of devices, as in [\"cuda:0\", \"cuda:1\"]"));
        }
        if !self.remote.iter().all(|address| is_address(address)) {
            return Some((
                "remote",
                "hosts with their ports and nothing else, as in [\"gpu1:3000\", \"10.0.0.7:3000\"]",
            ));
        }
        for (key, names) in [("local", &self.local), ("remote", &self.remote)] {
            let different: BTreeSet<String> =
                names.iter().map(|name| name.to_ascii_lowercase()).collect();
            if different.len() < names.len() {
                return Some((key, "each device once"));
            }
        }
        None
    }
}

/// `HOST:PORT`, an IPv6 address in brackets.
fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_host = match bare {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            !host.is_empty() && host.chars().all(plain)
        }
    };
    is_host && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_a_host_and_a_port() {
        for right in [
            "gpu1:3000",
            "10.0.0.7:1",
            "[::1]:3000",
            "a-b.example.org:65535",
        ] {
            assert!(is_address(right), "{right}");
        }
        for wrong in [
            "gpu1",
            "gpu1:",
            ":3000",
            "gpu1:0",
            "gpu1:65536",
            "ws://gpu1:3000",
            "::1:3000",
            "a b:1",
            "host:1/path",
        ] {
            assert!(!is_address(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_device_is_named_once() {
        let section = |local: &[&str], remote: &[&str]| DevicesSection {
            local: local.iter().map(ToString::to_string).collect(),
            remote: remote.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(
            section(&["cuda:0", "cuda:1"], &["a:1", "b:1"]).invalid(),
            None
        );
        let twice = section(&["cuda:0", "CUDA:0"], &[]).invalid();
        assert_eq!(twice, Some(("local", "each device once")));
        let twice = section(&[], &["a:1", "b:1", "a:1"]).invalid();
        assert_eq!(twice, Some(("remote", "each device once")));
    }
}
