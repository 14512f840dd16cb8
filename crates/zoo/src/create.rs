//! From a name to a network.

use burn::tensor::Device;
use burn_zoo_blocks::ModelOptions;
use thiserror::Error;

use crate::info::{ModelInfo, SizeMismatch};
use crate::registry::MODELS;
use crate::{Arch, Model, pattern};

/// Why a model cannot be made.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum CreateError {
    /// The zoo has no model of that name.
    #[error(transparent)]
    UnknownModel(#[from] UnknownModel),
    /// A number of classes or channels that no network has.
    #[error("{model} cannot have {value} {what}: expected {expected}")]
    OutOfRange {
        /// Name of the model.
        model: &'static str,
        /// "classes" or "channels".
        what: &'static str,
        /// What was asked for.
        value: usize,
        /// The range.
        expected: &'static str,
    },
    /// Images of a size that the network cannot take.
    #[error(transparent)]
    Size(#[from] SizeMismatch),
    /// Images that are large enough for the network, but not for its auxiliary heads.
    #[error("the auxiliary heads of {model} need images from {least}×{least} pixels on, these are {}×{}: resize them, or leave the heads out (model.aux_heads = false)", found[0], found[1])]
    SmallForAuxHeads {
        /// Name of the model.
        model: &'static str,
        /// Least height and width, in pixels.
        least: usize,
        /// Height and width that it was given.
        found: [usize; 2],
    },
    /// A probability outside of its range.
    #[error("model.{key} is {value}: expected a probability from 0 to below 1")]
    Probability {
        /// "dropout" or "stochastic_depth".
        key: &'static str,
        /// What was asked for.
        value: f64,
    },
    /// Dropout was asked for, and the network has none.
    #[error("{model} has no dropout: leave dropout out")]
    NoDropout {
        /// Name of the model.
        model: &'static str,
    },
    /// Stochastic depth was asked for, and the network has no residual units.
    #[error(
        "{model} has no shortcuts to take instead: leave stochastic_depth out (only ResNets have it)"
    )]
    NoShortcuts {
        /// Name of the model.
        model: &'static str,
    },
    /// Auxiliary heads were asked for, and the network has none.
    #[error(
        "{model} has no auxiliary heads: leave aux_heads out (only googlenet, googlenet_paper and cifar_googlenet can have them)"
    )]
    NoAuxHeads {
        /// Name of the model.
        model: &'static str,
    },
}

/// A name that no model has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no model called {name:?}{} (`zoo models` lists all {})", hint(nearest), MODELS.len())]
pub struct UnknownModel {
    /// The name.
    pub name: String,
    /// The model that was probably meant.
    pub nearest: Option<&'static str>,
}

fn hint(nearest: &Option<&'static str>) -> String {
    nearest.map_or(String::new(), |nearest| {
        format!(": did you mean {nearest}?")
    })
}

/// More classes than any data set has, and a head that no memory holds.
const MAX_CLASSES: usize = 1 << 20;
/// More channels than any camera has.
const MAX_CHANNELS: usize = 1 << 10;

/// The models whose names match a pattern with `*` and `?`, in the order of their papers.
pub fn models(pattern: &str) -> Vec<&'static ModelInfo> {
    MODELS
        .iter()
        .filter(|info| pattern::matches(pattern, info.name))
        .collect()
}

/// What is known of the model `name`.
///
/// # Errors
/// [`UnknownModel`], with the nearest name.
pub fn model_info(name: &str) -> Result<&'static ModelInfo, UnknownModel> {
    let found = MODELS.iter().find(|info| info.name == name);
    found.ok_or_else(|| UnknownModel {
        name: name.to_owned(),
        nearest: nearest_model(name),
    })
}

/// The name of a model that is nearest to `name`, where one is near enough to have been meant.
pub fn nearest_model(name: &str) -> Option<&'static str> {
    pattern::nearest(name, MODELS.iter().map(|info| info.name))
}

/// A model that can be created: its name and options have been checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    arch: Arch,
    options: ModelOptions,
}

impl ModelConfig {
    /// The model `name` with `options`.
    ///
    /// # Errors
    /// An unknown name, or options that no network or not this one can have.
    pub fn new(name: &str, options: &ModelOptions) -> Result<Self, CreateError> {
        let info = model_info(name)?;
        let (model, arch) = (info.name, info.arch);
        let [own_channels, height, width] = info.input;
        let size = options.input_size.unwrap_or([height, width]);
        let options = ModelOptions {
            num_classes: options.num_classes.or(Some(info.classes)),
            in_channels: options.in_channels.or(Some(own_channels)),
            input_size: Some(size),
            ..options.clone()
        };
        for (what, value, most, expected) in [
            (
                "classes",
                options.num_classes,
                MAX_CLASSES,
                "1 to 1,048,576",
            ),
            ("channels", options.in_channels, MAX_CHANNELS, "1 to 1,024"),
        ] {
            if let Some(value) = value.filter(|value| !(1..=most).contains(value)) {
                return Err(CreateError::OutOfRange {
                    model,
                    what,
                    value,
                    expected,
                });
            }
        }
        info.check_size(size)?;
        for (key, probability) in [
            ("dropout", options.dropout),
            ("stochastic_depth", options.stochastic_depth),
        ] {
            if let Some(value) = probability.filter(|value| !(0.0..1.0).contains(value)) {
                return Err(CreateError::Probability { key, value });
            }
        }
        if options.aux_heads == Some(true) && !arch.has_aux_heads() {
            return Err(CreateError::NoAuxHeads { model });
        }
        if options.dropout.is_some() && !arch.has_dropout() {
            return Err(CreateError::NoDropout { model });
        }
        if options.stochastic_depth.is_some() && !arch.has_stochastic_depth() {
            return Err(CreateError::NoShortcuts { model });
        }
        let least = arch.min_size_with(&options);
        if size.iter().any(|side| *side < least) {
            return Err(CreateError::SmallForAuxHeads {
                model,
                least,
                found: size,
            });
        }
        Ok(Self { arch, options })
    }

    /// Creates the model with random weights, which are drawn when they are first used.
    #[must_use]
    pub fn init(&self, device: &Device) -> Model {
        self.arch.create(&self.options, device)
    }
}

/// Creates the model `name` with random weights: [`ModelConfig::new`], then [`ModelConfig::init`].
///
/// # Errors
/// An unknown name, or options that no network or not this one can have.
pub fn create(name: &str, options: &ModelOptions, device: &Device) -> Result<Model, CreateError> {
    Ok(ModelConfig::new(name, options)?.init(device))
}
