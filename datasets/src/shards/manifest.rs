//! The manifest `dataset.json`: description of the data set, and its shards.

use std::path::Path;

use burn_zoo_data::DatasetInfo;
use serde::{Deserialize, Serialize};

use crate::error::OpenError;

/// Version of the format.
const VERSION: u32 = 1;

/// Description of the data set, and its shards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) burn_zoo_shards: u32,
    /// Name of the data set that was packed.
    pub(crate) name: String,
    /// Class names, in the order of the labels.
    pub(crate) classes: Vec<String>,
    pub(crate) channels: usize,
    /// Height and width of every image, if they are all the same.
    pub(crate) size: Option<[usize; 2]>,
    pub(crate) mean: Vec<f32>,
    pub(crate) std: Vec<f32>,
    #[serde(default)]
    pub(crate) train: Vec<Shard>,
    #[serde(default)]
    pub(crate) valid: Vec<Shard>,
}

/// A shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shard {
    /// Name of the tar file, below the folder of the manifest.
    pub(crate) file: String,
    pub(crate) samples: usize,
    pub(crate) bytes: u64,
}

impl Manifest {
    /// A manifest without shards.
    pub(crate) fn new(info: &DatasetInfo) -> Self {
        Self {
            burn_zoo_shards: VERSION,
            name: info.name.clone(),
            classes: info.classes.clone(),
            channels: info.channels,
            size: info.size,
            mean: info.mean.clone(),
            std: info.std.clone(),
            train: Vec::new(),
            valid: Vec::new(),
        }
    }

    /// Parses `text`, the content of the file `path`.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, OpenError> {
        let manifest: Self = serde_json::from_str(text).map_err(|error| {
            OpenError::malformed(path, format!("not the manifest of shards: {error}"))
        })?;
        let Self {
            burn_zoo_shards: version,
            channels,
            classes,
            mean,
            std,
            ..
        } = &manifest;
        let problem = if *version != VERSION {
            format!("of version {version}: expected version {VERSION}")
        } else if classes.is_empty() {
            "names 0 classes".to_owned()
        } else if ![1, 3].contains(channels) || mean.len() != *channels || std.len() != *channels {
            format!(
                "states {channels} channels with {} means and {} stds: expected 1 or 3 of each",
                mean.len(),
                std.len()
            )
        } else if let Some(shard) = manifest.shards().find(|shard| leads_out(&shard.file)) {
            format!("names the shard \"{}\", which is not below it", shard.file)
        } else {
            return Ok(manifest);
        };
        Err(OpenError::malformed(path, problem))
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("texts and numbers are JSON") + "\n"
    }

    fn shards(&self) -> impl Iterator<Item = &Shard> {
        self.train.iter().chain(&self.valid)
    }
}

/// Whether `file` is outside the folder of the manifest.
fn leads_out(file: &str) -> bool {
    use std::path::Component;
    let mut parts = Path::new(file).components();
    file.is_empty() || !parts.all(|part| matches!(part, Component::Normal(_)))
}
