//! A data set by its name, and a model that fits it.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use burn_zoo_blocks::Classifier;
use burn_zoo_data::{DatasetInfo, Geometry, ImageData, Normalize, Pipeline, ResizeMode};
use burn_zoo_datasets::{DatasetName, OpenError, OpenOptions, UnknownDatasetName, open};
use burn_zoo_trainer::RunFile;
use thiserror::Error;

use crate::Model;
use crate::ModelOptions;
use crate::create::{CreateError, ModelConfig, create, model_info};
use crate::info::{InputFit, ModelInfo};
use crate::weights::{WeightsError, WeightsFile};

/// Why a data set cannot be opened by its name.
#[derive(Debug, Error)]
pub enum DataError {
    /// No data set has the name.
    #[error(transparent)]
    UnknownName(#[from] UnknownDatasetName),
    /// Its files cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Opens the data set `name`.
///
/// # Errors
/// An unknown name (the nearest is named), or files that are missing or damaged.
pub fn open_data(name: &str, options: &OpenOptions) -> Result<ImageData, DataError> {
    let name: DatasetName = name.parse()?;
    Ok(open(name, options)?)
}

/// The model that a run file asks for, for the classes and channels of its data set unless the run file says
/// otherwise.
///
/// # Errors
/// An unknown model, or an input size, channels or classes that it cannot have.
pub fn config_for(run: &RunFile, data: &DatasetInfo) -> Result<ModelConfig, CreateError> {
    ModelConfig::new(&run.model.arch, &options_for(run, data))
}

fn options_for(run: &RunFile, data: &DatasetInfo) -> ModelOptions {
    ModelOptions {
        num_classes: run.model.num_classes.or(Some(data.classes.len())),
        in_channels: run.model.in_channels.or(Some(data.channels)),
        input_size: run.data.size.map(|side| [side, side]),
        aux_heads: run.model.aux_heads,
        dropout: run.model.dropout,
        stochastic_depth: run.model.stochastic_depth,
    }
}

/// The network that a run file asks for with the weights in `weights`, to be trained further.
///
/// A head for as many classes as the weights have is kept, another starts afresh; a first convolution for another
/// number of channels is adapted as [`WeightsFile::load_into`] does.
///
/// # Errors
/// A file that cannot be read, or weights of another network.
pub fn fine_tuned(
    run: &RunFile,
    data: &DatasetInfo,
    weights: &Path,
    device: &Device,
) -> Result<Model, FineTuneError> {
    let info = model_info(&run.model.arch).map_err(CreateError::from)?;
    let wanted = options_for(run, data);
    let file = WeightsFile::open(weights, info, device)?;
    let stored = file.options();
    if stored.aux_heads == Some(false) && wanted.aux_heads != Some(false) {
        return Err(FineTuneError::NoAuxHeads {
            path: weights.to_owned(),
        });
    }
    let as_stored = ModelOptions {
        num_classes: stored.num_classes,
        ..wanted.clone()
    };
    let (model, _) = file.load_into(create(info.name, &as_stored, device)?, false)?;
    Ok(match wanted.num_classes {
        Some(classes) if classes != model.num_classes() => model.with_head(classes, device),
        _ => model,
    })
}

/// Why a network cannot start from weights.
#[derive(Debug, Error)]
pub enum FineTuneError {
    /// The run file asks for a network that cannot be.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// The network is to have auxiliary heads, and the weights have none.
    #[error("{}: the weights have no auxiliary heads; set model.aux_heads = false", path.display())]
    NoAuxHeads {
        /// The file.
        path: PathBuf,
    },
    /// The weights cannot be loaded into it.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

/// How images become the input of `model` in evaluation, where no run file says it.
///
/// Size and resize are the model's. The statistics are the data set's, as in training, or the model's where there is
/// no data set.
pub fn evaluation_pipeline(model: &ModelInfo, data: Option<&DatasetInfo>) -> Pipeline {
    let [own_channels, height, width] = model.input;
    let size = [height, width];
    let own = model.preprocessing;
    let fit = match (own.fit, data.and_then(|data| data.size)) {
        (_, Some(stored)) if stored == size => ResizeMode::Exact,
        (InputFit::Pad, Some([rows, columns])) if rows <= height && columns <= width => {
            ResizeMode::Pad
        }
        (InputFit::ResizeAndCrop { shorter }, _) => ResizeMode::Resize { shorter },
        (InputFit::Pad | InputFit::Exact, _) => ResizeMode::Resize {
            shorter: height.max(width),
        },
    };
    let (channels, mean, std) = match data {
        Some(data) => (data.channels, data.mean.clone(), data.std.clone()),
        None => (own_channels, own.mean.to_vec(), own.std.to_vec()),
    };
    Pipeline::evaluation(
        Geometry {
            size,
            fit,
            channels,
        },
        Normalize { mean, std },
    )
}
