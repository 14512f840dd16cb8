//! Weights: three file formats in, two out, PyTorch's names on both sides.
//!
//! A [`WeightsFile`] is opened for a model: its keys are brought to the model's own, and what the weights were made for
//! (classes, channels, statistics of the images) can be asked before the model is built. [`WeightsFile::load_into`]
//! then fills a model, all or nothing unless told otherwise.

mod error;
mod file;
mod fit;
mod keys;
mod opcodes;
mod pickle;
mod save;
mod slots;

pub use error::{LoadReport, WeightsError, WrongTensor};
pub use file::{Format, WeightsFile};
pub use save::{Origin, save_weights};

use std::path::Path;

use burn::tensor::Device;

use crate::{Model, ModelInfo};

/// Loads the file at `path` into `model`, a network of `info`. All of the weights must fit.
///
/// # Errors
/// [`WeightsError`]: a file that is missing, damaged, or of another network.
pub fn load_weights(
    model: Model,
    info: &ModelInfo,
    path: &Path,
    device: &Device,
) -> Result<Model, WeightsError> {
    let (model, _) = WeightsFile::open(path, info, device)?.load_into(model, false)?;
    Ok(model)
}
