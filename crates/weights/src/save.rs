//! Weights to a file with a model card: burnpack for Burn, safetensors for PyTorch.

use std::path::Path;

use burn::module::Module;
use burn::store::{BurnToPyTorchAdapter, BurnpackStore, ModuleSnapshot, SafetensorsStore};

use crate::error::WeightsError;

/// Key under which a file names its model.
pub(crate) const MODEL: &str = "zoo.model";
/// Key of the mean of each channel that images were normalised with.
pub(crate) const MEAN: &str = "zoo.mean";
/// Key of the standard deviations.
pub(crate) const STD: &str = "zoo.std";
/// Key of the file that the weights came from.
const SOURCE: &str = "zoo.source";

/// What a file of weights says of itself, in its metadata.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelCard {
    /// Name of the model.
    pub model: String,
    /// Mean and standard deviation of each channel that images are normalised with, where known.
    pub statistics: Option<[Vec<f32>; 2]>,
    /// The file that they came from.
    pub source: Option<String>,
}

impl ModelCard {
    /// The same as keys and values.
    pub fn metadata(&self) -> Vec<(&'static str, String)> {
        let text = |values: &[f32]| {
            let values: Vec<String> = values.iter().map(f32::to_string).collect();
            values.join(" ")
        };
        let mut entries = vec![(MODEL, self.model.clone())];
        if let Some([mean, std]) = &self.statistics {
            entries.extend([(MEAN, text(mean)), (STD, text(std))]);
        }
        entries.extend(self.source.clone().map(|source| (SOURCE, source)));
        entries
    }
}

/// Writes the weights of `model` to `path`: burnpack where it ends in `.bpk`; safetensors with PyTorch's keys and
/// shapes, which `torch` loads with `strict=True`, where it ends in `.safetensors`.
///
/// The file appears whole or not at all.
///
/// # Errors
/// Another ending, a file that exists unless `overwrite`, or a folder that cannot be written.
pub fn save_weights<M: Module>(
    model: &M,
    path: &Path,
    card: &ModelCard,
    overwrite: bool,
) -> Result<(), WeightsError> {
    let ending = path.extension().and_then(|ending| ending.to_str());
    if !matches!(ending, Some("bpk" | "safetensors")) {
        return Err(WeightsError::Ending {
            path: path.to_owned(),
        });
    }
    if !overwrite && path.symlink_metadata().is_ok() {
        return Err(WeightsError::Exists {
            path: path.to_owned(),
        });
    }
    let unwritable = |reason: String| WeightsError::Unwritable {
        path: path.to_owned(),
        // Burn opens its messages with the kind of error.
        reason: reason.trim_start_matches("I/O error: ").to_owned(),
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Some(missing) = folder.filter(|folder| !folder.is_dir()) {
        return Err(unwritable(format!(
            "there is no folder {}",
            missing.display()
        )));
    }
    // Batch norms keep the latest update of their statistics aside until `valid` asks for it.
    let model = model.valid();
    if ending == Some("bpk") {
        let mut store = BurnpackStore::from_file(path).overwrite(overwrite);
        for (key, value) in card.metadata() {
            store = store.metadata(key, value);
        }
        let saved = model.save_into(&mut store);
        return saved.map_err(|error| unwritable(error.to_string()));
    }
    let mut store = SafetensorsStore::from_file(path)
        .with_to_adapter(BurnToPyTorchAdapter)
        .skip_enum_variants(true)
        .overwrite(overwrite);
    for (key, value) in card.metadata() {
        store = store.metadata(key, value);
    }
    let saved = model.save_into(&mut store);
    saved.map_err(|error| unwritable(error.to_string()))
}
