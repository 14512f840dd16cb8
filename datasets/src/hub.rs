//! Data sets from the Hugging Face Hub: their Parquet files are downloaded, verified and packed into shards.
//!
//! The Hub has a Parquet copy of most public data sets, on the branch `refs/convert/parquet`, as
//! `<config>/<split>/0000.parquet`, … (<https://huggingface.co/docs/dataset-viewer/parquet>). Each file is
//! converted to a tar file ([`convert`]) and removed. The tar files are then packed in random order like any other data set,
//! since many are sorted by class. All of this happens in a hidden folder, from which an interrupted fetch continues; the
//! folder of the data set appears when it is complete. It takes twice the disk space of the data set.

mod columns;
mod convert;
mod listing;
mod name;
mod statistics;
mod table;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use crate::dataset_name::DatasetName;
use crate::error::OpenError;
use crate::fetch::{FetchError, Phase, Problem, Progress, lock};
use crate::open::{OpenOptions, open};
use crate::shards::{MANIFEST, Manifest, PackError, PackOptions, pack};
use listing::Listing;
pub use name::{HubSet, InvalidHubSet};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use table::Table;

/// Access to the Hub.
#[derive(Clone, PartialEq, Eq)]
pub struct HubOptions {
    /// URL of the Hub or of a mirror.
    pub endpoint: String,
    /// Access token, for private and gated data sets.
    pub token: Option<String>,
    /// Column of the labels, for data sets with several.
    pub label: Option<String>,
}

impl Default for HubOptions {
    fn default() -> Self {
        Self {
            endpoint: "https://huggingface.co".to_owned(),
            token: None,
            label: None,
        }
    }
}

impl std::fmt::Debug for HubOptions {
    /// Hides the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HubOptions")
            .field("endpoint", &self.endpoint)
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("label", &self.label)
            .finish()
    }
}

impl HubOptions {
    /// Options from the environment variables of Hugging Face's own tools: `HF_ENDPOINT`, and `HF_TOKEN` or the token that
    /// `hf auth login` saved in `HF_HOME`.
    pub fn from_env() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = variable("HF_HOME").map(PathBuf::from).or_else(|| {
            let home = std::env::home_dir()?;
            Some(home.join(".cache").join("huggingface"))
        });
        let kept = || fs::read_to_string(home?.join("token")).ok();
        let token = variable("HF_TOKEN").or_else(kept);
        let default = Self::default();
        Self {
            endpoint: variable("HF_ENDPOINT").unwrap_or(default.endpoint),
            token: token
                .map(|token| token.trim().to_owned())
                .filter(|token| !token.is_empty()),
            label: None,
        }
    }
}

/// Why a data set from the Hub could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The Hub has no such data set, or no Parquet files of images and labels.
    #[error("{set}: {problem}")]
    Set {
        /// The set.
        set: HubSet,
        /// What is missing and what to do.
        problem: String,
    },
    /// A file could not be downloaded.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A downloaded file is malformed.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The shards could not be written.
    #[error(transparent)]
    Pack(#[from] PackError),
}

/// Downloads `set` to `root` as shards, which [`open`] reads as the data set `shards`; returns their folder.
///
/// The training split is `train`. The validation split is `validation` or the like, else `test`, else a fifth of each class
/// of `train`. Image files stay unchanged, and classes keep their names.
///
/// If all images have the same size, the shards have that size and the mean and std of the images, otherwise ImageNet's.
///
/// A data set that is already there is not downloaded again.
///
/// # Errors
/// When there is no such data set, it has no images or labels, another fetch of it is running, the network or the disk
/// fails, or a file is damaged.
pub fn fetch_hub(
    set: &HubSet,
    root: &Path,
    options: &HubOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<PathBuf, HubError> {
    let label = options.label.as_deref();
    let name = set.folder(label);
    let folder = root.join(&name);
    let temporary = root.join(format!(".{name}.fetching"));
    let option = label.map_or(String::new(), |label| format!(" --label {label}"));
    let title = format!("{set}{option}");
    if folder.is_dir() {
        check_title(set, &folder, &title)?;
        // A fetch may have been interrupted between its last two steps.
        let _ = fs::remove_dir_all(&temporary);
        return Ok(folder);
    }
    let listing = Listing::ask(set, options)?;
    let retry = format!("zoo data fetch {title} --root {}", root.display());
    let failed = |problem| HubError::Fetch(FetchError::new(problem, &[], root, &retry, None));
    let disk = |path: &Path, error| failed(Problem::disk(path, error));
    fs::create_dir_all(root).map_err(|error| disk(root, error))?;
    let lock_path = root.join(format!(".{name}.lock"));
    let _lock = lock(&lock_path).map_err(failed)?;
    if folder.is_dir() {
        // Another fetch has completed it meanwhile.
        return Ok(folder);
    }
    let (tars, shards) = (temporary.join("tars"), temporary.join("shards"));
    listing
        .begin(&temporary)
        .map_err(|error| disk(&temporary, error))?;
    convert::all(set, &listing, &temporary, &tars, options, &retry, progress)?;

    let mut data = open(
        DatasetName::Shards,
        &OpenOptions {
            root: Some(tars),
            ..OpenOptions::default()
        },
    )?;
    data.info.name = title;
    statistics::measure([&data.train, &data.valid], &mut data.info);
    // A pack writes the manifest last.
    if !shards.join(MANIFEST).is_file() {
        pack(&data, &shards, &PackOptions::default(), &mut |packed| {
            progress(Progress {
                file: packed.split,
                phase: Phase::Pack,
                done: packed.done as u64,
                total: packed.total as u64,
            });
        })?;
    }
    fs::rename(&shards, &folder).map_err(|error| disk(&folder, error))?;
    let _ = fs::remove_dir_all(&temporary);
    let _ = fs::remove_file(&lock_path);
    Ok(folder)
}

/// Checks that the shards in `folder` are those of `title`, since names that differ in special characters have the same folder.
fn check_title(set: &HubSet, folder: &Path, title: &str) -> Result<(), HubError> {
    let path = folder.join(MANIFEST);
    let text = fs::read_to_string(&path).map_err(|error| OpenError::unreadable(&path, error))?;
    let found = Manifest::parse(&text, &path)?.name;
    if found == title {
        return Ok(());
    }
    Err(HubError::Set {
        set: set.clone(),
        problem: format!(
            "{} holds another set, {found}: rename that folder, or fetch into another with --root",
            folder.display()
        ),
    })
}
