//! Names of data sets on the Hub: `hf:OWNER/NAME` or `hf:OWNER/NAME:CONFIG`.

use std::fmt;
use std::str::FromStr;

/// Prefix of such names.
const PREFIX: &str = "hf:";

/// A data set of the Hugging Face Hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubSet {
    /// Owner and name, such as `ylecun/mnist`.
    pub(super) repository: String,
    /// Name of a config; the only one, or `default`, if none.
    pub(super) config: Option<String>,
}

impl HubSet {
    /// Whether `name` has the prefix of data sets on the Hub, `hf:`.
    pub fn has_prefix(name: &str) -> bool {
        name.starts_with(PREFIX)
    }

    /// Name of the folder of its shards; `label` is the column of the labels, if chosen.
    pub(super) fn folder(&self, label: Option<&str>) -> String {
        let chosen = [self.config.as_deref(), label].into_iter().flatten();
        let chosen: String = chosen.map(|part| format!("--{part}")).collect();
        let name = self.repository.replace('/', "--") + &chosen;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        name.replace(|c| !is_plain(c), "_")
    }
}

impl fmt::Display for HubSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.repository)?;
        match &self.config {
            Some(config) => write!(f, ":{config}"),
            None => Ok(()),
        }
    }
}

/// A name that is not valid for a data set on the Hub.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{found}\" is not the name of a set on the Hugging Face Hub: expected hf:OWNER/NAME or hf:OWNER/NAME:CONFIG, such as \
     hf:ylecun/mnist"
)]
pub struct InvalidHubSet {
    found: String,
}

impl FromStr for HubSet {
    type Err = InvalidHubSet;

    fn from_str(text: &str) -> Result<Self, InvalidHubSet> {
        let parse = || {
            let name = text.trim().strip_prefix(PREFIX)?;
            let (repository, config) = match name.split_once(':') {
                Some((repository, config)) => (repository, Some(config)),
                None => (name, None),
            };
            let (owner, name) = repository.split_once('/')?;
            // The characters that the Hub allows; a name of dots would lead out of a folder.
            let is_name = |part: &str| {
                let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
                !part.starts_with('.') && !part.is_empty() && part.chars().all(is_allowed)
            };
            let is_config = |config: &str| !config.is_empty() && !config.contains(['/', ':']);
            (is_name(owner) && is_name(name) && config.is_none_or(is_config)).then(|| Self {
                repository: repository.to_owned(),
                config: config.map(str::to_owned),
            })
        };
        parse().ok_or_else(|| InvalidHubSet {
            found: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for name in [
            "hf:ylecun/mnist",
            "hf:uoft-cs/cifar100:cifar100",
            "hf:a/b.c:en 2",
        ] {
            assert_eq!(name.parse::<HubSet>().unwrap().to_string(), name);
        }
        let set: HubSet = "hf:uoft-cs/cifar100:en 2".parse().unwrap();
        assert_eq!(set.folder(None), "uoft-cs--cifar100--en_2");
        assert_eq!(set.folder(Some("fine")), "uoft-cs--cifar100--en_2--fine");
    }

    #[test]
    fn invalid_names_are_refused() {
        for name in [
            "mnist",
            "hf:",
            "hf:mnist",
            "hf:/mnist",
            "hf:a/",
            "hf:a/..",
            "hf:../b",
            "hf:a/b/c",
            "hf:a/b:",
            "hf:a/b:c/d",
            "hf:a b/c",
        ] {
            let error = name.parse::<HubSet>().unwrap_err().to_string();
            assert!(error.contains("hf:OWNER/NAME"), "{error}");
        }
    }
}
