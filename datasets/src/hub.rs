//! Image sets of the Hugging Face Hub: their Parquet files are downloaded, verified and packed into shards.
//!
//! The Hub keeps a copy of most public sets in Parquet, on the branch `refs/convert/parquet`, as
//! `<config>/<split>/0000.parquet`, … (<https://huggingface.co/docs/dataset-viewer/parquet>). One file after the other
//! becomes a tar file in its order ([`convert`]), and is removed; the tar files are then packed in random order like any
//! other set, since many sets lie sorted by class. All of it happens in a hidden folder beside the set's own, which appears
//! when it is complete; an interrupted fetch goes on from there. It takes twice the room of the set.

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

/// How the Hub is asked.
#[derive(Clone, PartialEq, Eq)]
pub struct HubOptions {
    /// Address of the Hub or of a mirror.
    pub endpoint: String,
    /// Token of a user, which private and gated sets want.
    pub token: Option<String>,
    /// Column of the labels, for sets that have several.
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
    /// Without the token, which belongs in no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HubOptions")
            .field("endpoint", &self.endpoint)
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("label", &self.label)
            .finish()
    }
}

impl HubOptions {
    /// What the environment asks for, in the words of Hugging Face's own tools: `HF_ENDPOINT`, and `HF_TOKEN` or the token
    /// that `hf auth login` keeps in `HF_HOME`.
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

/// Why a set of the Hub could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The Hub has no such set, or not as Parquet files of images and labels.
    #[error("{set}: {problem}")]
    Set {
        /// The set.
        set: HubSet,
        /// What is missing and what to do.
        problem: String,
    },
    /// A file could not be brought.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A file that was brought is not what it should be.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The shards could not be written.
    #[error(transparent)]
    Pack(#[from] PackError),
}

/// Brings `set` to `root` as shards, which [`open`] reads as the data set `shards`; gives their folder.
///
/// The split `train` trains; `validation` or the like validates, else `test`, else a fifth of each class. Images stay the
/// files that they are, and classes have the names that the set gives them.
///
/// Images all of one size have that size and their own mean and std, others ImageNet's.
///
/// Nothing is downloaded when the set is there already.
///
/// # Errors
/// When there is no such set, it has no images or labels, another fetch of it runs, the network or the disk fails, or a
/// file is damaged.
pub fn fetch_hub(
    set: &HubSet,
    root: &Path,
    options: &HubOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<PathBuf, HubError> {
    let label = options.label.as_deref();
    let name = set.folder(label);
    let folder = root.join(&name);
    let aside = root.join(format!(".{name}.fetching"));
    let option = label.map_or(String::new(), |label| format!(" --label {label}"));
    let title = format!("{set}{option}");
    if folder.is_dir() {
        check_title(set, &folder, &title)?;
        // A fetch may have ended between the two steps that end it.
        let _ = fs::remove_dir_all(&aside);
        return Ok(folder);
    }
    let listing = Listing::ask(set, options)?;
    let again = format!("zoo data fetch {title}");
    let failed =
        |problem| HubError::Fetch(FetchError::new(problem, &[], root, again.as_str(), false));
    let disk = |path: &Path, error| failed(Problem::disk(path, error));
    fs::create_dir_all(root).map_err(|error| disk(root, error))?;
    let lock_path = root.join(format!(".{name}.lock"));
    let _lock = lock(&lock_path).map_err(failed)?;
    if folder.is_dir() {
        // Another fetch completed it meanwhile.
        return Ok(folder);
    }
    let (tars, shards) = (aside.join("tars"), aside.join("shards"));
    listing.begin(&aside).map_err(|error| disk(&aside, error))?;
    convert::all(set, &listing, &aside, &tars, options, &again, progress)?;

    let mut data = open(
        DatasetName::Shards,
        &OpenOptions {
            root: Some(tars),
            ..OpenOptions::default()
        },
    )?;
    data.info.name = title;
    statistics::measure([&data.train, &data.valid], &mut data.info);
    // The manifest is the last that a pack writes.
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
    let _ = fs::remove_dir_all(&aside);
    let _ = fs::remove_file(&lock_path);
    Ok(folder)
}

/// Whether the shards in `folder` are those of `title`: names that differ in odd characters alone share a folder.
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
