//! Listing of the Parquet files that the Hub has of a data set.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;

use serde::Deserialize;
use serde_json::json;
use ureq::http::{StatusCode, header};

use super::{HubError, HubOptions, HubSet};
use crate::fetch::RemoteFile;
use crate::http::{Failure, agent, get, refused, with_retries};
use crate::image_folder::shown;
use crate::shards::write_atomic;

/// Branch of the Parquet copies, escaped for URLs.
const BRANCH: &str = "refs%2Fconvert%2Fparquet";
/// Names of a validation split, in order of preference.
const VALID: [&str; 6] = ["validation", "valid", "val", "dev", "eval", "test"];
/// Most bytes of one page of the listing.
const PAGE: u64 = 64 << 20;
/// Names shown before "and more".
const SHOWN: usize = 12;

/// The files of both splits.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) train: Vec<File>,
    /// Empty where part of the training split validates.
    pub(super) valid: Vec<File>,
}

/// A Parquet file.
#[derive(Debug)]
pub(super) struct File {
    /// Its folder below that of the config: the split, or a part of one.
    pub(super) folder: String,
    pub(super) remote: RemoteFile,
}

/// An entry of the Hub's listing.
#[derive(Debug, Deserialize)]
struct Entry {
    path: String,
    #[serde(default)]
    lfs: Option<Lfs>,
}

/// Git LFS data of a large file.
#[derive(Debug, Deserialize)]
struct Lfs {
    /// Its sha256.
    oid: String,
    size: u64,
}

/// The files of each split of a config.
type Splits = BTreeMap<String, Vec<File>>;

impl Listing {
    /// Asks the Hub for the files of `set`.
    pub(super) fn ask(set: &HubSet, options: &HubOptions) -> Result<Self, HubError> {
        let malformed = |problem: String| HubError::Set {
            set: set.clone(),
            problem,
        };
        let entries = entries(set, options).map_err(malformed)?;
        let configs = configs(set, options, entries).map_err(malformed)?;
        let mut splits = choose(configs, set).map_err(malformed)?;
        let names: Vec<String> = splits.keys().cloned().collect();
        let mut split = |wanted: &[&str]| {
            for name in wanted {
                let partial = format!("partial-{name}");
                if splits.contains_key(&partial) {
                    return Err(malformed(format!(
                        "the Hub's Parquet copy of it ends early (\"{partial}\"), as those of very large sets do: download the \
                         set itself"
                    )));
                }
                if let Some(files) = splits.remove(*name) {
                    return Ok(files);
                }
            }
            Ok(Vec::new())
        };
        let (train, valid) = (split(&["train"])?, split(&VALID)?);
        match train.is_empty() {
            false => Ok(Self { train, valid }),
            true => Err(malformed(format!(
                "it has no split \"train\" (splits: {})",
                shown(&names, SHOWN)
            ))),
        }
    }

    /// Prepares the temporary folder of a fetch; its content stays if it is of these files.
    pub(super) fn begin(&self, temporary: &Path) -> std::io::Result<()> {
        let of = |files: &[File]| -> Vec<[String; 3]> {
            // Without the host, which may be a mirror the next time.
            let name = |File { folder, remote }: &File| {
                [folder.clone(), remote.file.clone(), remote.sha256.clone()]
            };
            files.iter().map(name).collect()
        };
        let plan = json!({ "train": of(&self.train), "valid": of(&self.valid) }).to_string();
        let path = temporary.join("plan.json");
        match fs::read_to_string(&path) {
            Ok(text) if text == plan => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        // Also if only the plan is missing: an interrupted removal may have deleted it first.
        if temporary.exists() {
            fs::remove_dir_all(temporary)?;
        }
        fs::create_dir_all(temporary)?;
        write_atomic(&path, plan.as_bytes())
    }
}

/// Everything on the branch.
fn entries(set: &HubSet, options: &HubOptions) -> Result<Vec<Entry>, String> {
    let endpoint = options.endpoint.trim_end_matches('/');
    let repository = &set.repository;
    let mut next = Some(format!(
        "{endpoint}/api/datasets/{repository}/tree/{BRANCH}?recursive=true"
    ));
    let (mut entries, mut seen) = (Vec::new(), BTreeSet::new());
    while let Some(url) = next {
        let failed = |error| Failure::Transient(format!("{url}: {error}"));
        let (page, after) = with_retries(|| {
            let response = get(&agent(), &url, options.token.as_deref(), None).map_err(failed)?;
            match response.status() {
                StatusCode::OK => {}
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    return Err(Failure::Permanent(access_denied(set, options)));
                }
                StatusCode::NOT_FOUND => {
                    return Err(Failure::Permanent(format!(
                        "there is no such set on the Hub, or it has no Parquet copy: look at \
                         {endpoint}/datasets/{repository}"
                    )));
                }
                status => return Err(refused(status)),
            }
            let after = response.headers().get(header::LINK).and_then(next_page);
            let mut text = String::new();
            let mut body = response.into_body().into_reader().take(PAGE);
            body.read_to_string(&mut text)
                .map_err(|error| failed(error.into()))?;
            let page: Vec<Entry> = serde_json::from_str(&text).map_err(|error| {
                Failure::Permanent(format!("{url}: not a list of files: {error}"))
            })?;
            Ok((page, after))
        })
        .map_err(Failure::into_inner)?;
        entries.extend(page);
        // A mirror may return a URL of the Hub itself, and the token must not be sent to another host.
        next = match after.map(|after| Some(after[after.find("/api/datasets/")?..].to_owned())) {
            None => None,
            Some(Some(path)) if seen.insert(path.clone()) => Some(format!("{endpoint}{path}")),
            Some(_) => {
                return Err(format!(
                    "{url}: the list of files goes in circles or elsewhere"
                ));
            }
        };
    }
    Ok(entries)
}

/// Error message for a data set that is private, gated or missing.
pub(super) fn access_denied(set: &HubSet, options: &HubOptions) -> String {
    let endpoint = options.endpoint.trim_end_matches('/');
    let token = match options.token {
        Some(_) => {
            "see that the token in HF_TOKEN or of `hf auth login` is valid, since a wrong one shuts open sets too"
        }
        None => "set HF_TOKEN to a token of yours",
    };
    format!(
        "there is no such set on the Hub, or it is not open to all: look at {endpoint}/datasets/{}, accept its terms there, and \
         {token} ({endpoint}/settings/tokens)",
        set.repository
    )
}

/// The address in `<https://…>; rel="next"`.
fn next_page(link: &header::HeaderValue) -> Option<String> {
    let mut links = link.to_str().ok()?.split(',');
    let next = links.find(|link| link.contains("rel=\"next\""))?;
    let (_, rest) = next.split_once('<')?;
    Some(rest.split_once('>')?.0.to_owned())
}

/// The files of each config and split, in the order of their names.
///
/// # Errors
/// Names a file that cannot be fetched, since the data set would be incomplete without it.
fn configs(
    set: &HubSet,
    options: &HubOptions,
    mut entries: Vec<Entry>,
) -> Result<BTreeMap<String, Splits>, String> {
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let mut configs = BTreeMap::<String, Splits>::new();
    for Entry { path, lfs } in entries {
        let parts: Vec<&str> = path.split('/').collect();
        let &[config, folder, file] = parts.as_slice() else {
            continue;
        };
        let is_name =
            |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':']);
        let is_sha256 =
            |lfs: &Lfs| lfs.oid.len() == 64 && lfs.oid.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !file.ends_with(".parquet") {
            continue;
        }
        let lfs = lfs.filter(|lfs| is_sha256(lfs) && parts.iter().all(|part| is_name(part)));
        let Some(lfs) = lfs else {
            return Err(format!(
                "the Hub lists the file \"{path}\" without its sha256, or under a name that is not allowed for a local file"
            ));
        };
        // A split of more than 10,000 files lies in `train-part0`, `train-part1`, …
        let split = folder
            .rsplit_once("-part")
            .filter(|(_, number)| number.parse::<u32>().is_ok())
            .map_or(folder, |(split, _)| split);
        let endpoint = options.endpoint.trim_end_matches('/');
        let path = parts.iter().map(|part| escaped(part)).collect::<Vec<_>>();
        let remote = RemoteFile {
            url: format!(
                "{endpoint}/datasets/{}/resolve/{BRANCH}/{}",
                set.repository,
                path.join("/")
            ),
            file: file.to_owned(),
            bytes: Some(lfs.size),
            sha256: lfs.oid.to_ascii_lowercase(),
        };
        let splits = configs.entry(config.to_owned()).or_default();
        splits.entry(split.to_owned()).or_default().push(File {
            folder: folder.to_owned(),
            remote,
        });
    }
    Ok(configs)
}

/// The splits of the config of `set`.
fn choose(mut configs: BTreeMap<String, Splits>, set: &HubSet) -> Result<Splits, String> {
    let names: Vec<String> = configs.keys().cloned().collect();
    let name = match (&set.config, names.as_slice()) {
        (_, []) => return Err("the Hub has no Parquet files of it".to_owned()),
        (Some(config), _) => config.as_str(),
        (None, [only]) => only,
        (None, _) => "default",
    };
    configs.remove(name).ok_or_else(|| match &set.config {
        Some(_) => format!("it has no such config (configs: {})", shown(&names, SHOWN)),
        None => format!(
            "it has several configs: choose one of them, as in `zoo data fetch {set}:{}` (configs: {})",
            names[0],
            shown(&names, SHOWN)
        ),
    })
}

/// Percent-encoding of a part of a path.
fn escaped(part: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    part.bytes().map(escape).collect()
}
