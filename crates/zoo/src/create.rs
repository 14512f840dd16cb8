//! From a name to a network.

use burn::tensor::Device;
use burn_zoo_alexnet::AlexNetConfig;
use burn_zoo_googlenet::GoogLeNetConfig;
use burn_zoo_lenet::LeNetConfig;
use burn_zoo_resnet::ResNetConfig;
use burn_zoo_vgg::VggConfig;
use burn_zoo_zfnet::ZfNetConfig;
use thiserror::Error;

use crate::info::{ModelInfo, SizeMismatch};
use crate::table::MODELS;
use crate::{Arch, Model, pattern};

/// What of a model may differ from its paper. `None` keeps the model's own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CreateOptions {
    /// Classes of the head, at least 1.
    pub num_classes: Option<usize>,
    /// Channels of the images, at least 1.
    pub in_channels: Option<usize>,
    /// Height and width of the images, within the model's [`ModelInfo::sizes`].
    pub input_size: Option<[usize; 2]>,
    /// Whether it has the auxiliary heads of GoogLeNet, which act in training only.
    pub aux_heads: Option<bool>,
    /// Share of the units before the classes that a training step drops, from 0 to below 1.
    pub dropout: Option<f64>,
    /// Share of the images for which a training step leaves out the last residual unit, from 0 to below 1; the others
    /// in proportion to their depth.
    pub stochastic_depth: Option<f64>,
}

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
    /// A share that is none.
    #[error("{key} is {value}: expected a share from 0 to below 1")]
    NoShare {
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

/// A model that can be made: name and options have been checked.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelConfig {
    /// A LeNet-5.
    LeNet(LeNetConfig),
    /// An AlexNet.
    AlexNet(AlexNetConfig),
    /// A ZFNet.
    ZfNet(ZfNetConfig),
    /// A VGG network.
    Vgg(VggConfig),
    /// A GoogLeNet.
    GoogLeNet(GoogLeNetConfig),
    /// A ResNet or a plain network.
    ResNet(ResNetConfig),
}

impl ModelConfig {
    /// The model `name` with `options`.
    ///
    /// # Errors
    /// An unknown name, or options that no network or not this one can have.
    pub fn new(name: &str, options: &CreateOptions) -> Result<Self, CreateError> {
        let info = model_info(name)?;
        let [own_channels, height, width] = info.input;
        let classes = options.num_classes.unwrap_or(info.classes);
        let channels = options.in_channels.unwrap_or(own_channels);
        let size = options.input_size.unwrap_or([height, width]);
        let out_of_range = |what, value, expected| {
            Err(CreateError::OutOfRange {
                model: info.name,
                what,
                value,
                expected,
            })
        };
        if !(1..=MAX_CLASSES).contains(&classes) {
            return out_of_range("classes", classes, "1 to 1,048,576");
        }
        if !(1..=MAX_CHANNELS).contains(&channels) {
            return out_of_range("channels", channels, "1 to 1,024");
        }
        info.check_size(size)?;
        if options.aux_heads == Some(true) && !info.may_have_aux_heads() {
            return Err(CreateError::NoAuxHeads { model: info.name });
        }
        let shares = [
            ("dropout", options.dropout),
            ("stochastic_depth", options.stochastic_depth),
        ];
        for (key, share) in shares {
            if let Some(value) = share.filter(|share| !(0.0..1.0).contains(share)) {
                return Err(CreateError::NoShare { key, value });
            }
        }
        if options.dropout.is_some() && !info.has_dropout() {
            return Err(CreateError::NoDropout { model: info.name });
        }
        let depth = options.stochastic_depth;
        if depth.is_some() && !info.has_shortcuts() {
            return Err(CreateError::NoShortcuts { model: info.name });
        }
        // Every configuration has these two, and no trait to say so.
        macro_rules! fitted {
            ($config:expr) => {
                $config.with_num_classes(classes).with_in_channels(channels)
            };
        }
        macro_rules! dropped {
            ($config:expr) => {{
                let config = fitted!($config);
                match options.dropout {
                    Some(dropout) => config.with_dropout(dropout),
                    None => config,
                }
            }};
        }
        Ok(match info.arch {
            Arch::LeNet(variant) => Self::LeNet(fitted!(LeNetConfig::new(variant))),
            Arch::AlexNet(variant) => Self::AlexNet(dropped!(AlexNetConfig::new(variant))),
            Arch::ZfNet(variant) => Self::ZfNet(dropped!(ZfNetConfig::new(variant))),
            Arch::Vgg(variant) => Self::Vgg(dropped!(VggConfig::new(variant))),
            Arch::GoogLeNet(variant) => {
                let mut config = dropped!(GoogLeNetConfig::new(variant)).with_input_size(size);
                if let Some(aux) = options.aux_heads {
                    config = config.with_aux(aux);
                }
                let least = config.min_size();
                if size.iter().any(|side| *side < least) {
                    return Err(CreateError::SmallForAuxHeads {
                        model: info.name,
                        least,
                        found: size,
                    });
                }
                Self::GoogLeNet(config)
            }
            Arch::ResNet(variant) => Self::ResNet(
                fitted!(ResNetConfig::new(variant)).with_stochastic_depth(depth.unwrap_or(0.0)),
            ),
        })
    }

    /// Makes the model with random weights, which are drawn when they are first used.
    #[must_use]
    pub fn init(&self, device: &Device) -> Model {
        match self {
            Self::LeNet(config) => Model::LeNet(config.init(device)),
            Self::AlexNet(config) => Model::AlexNet(config.init(device)),
            Self::ZfNet(config) => Model::ZfNet(config.init(device)),
            Self::Vgg(config) => Model::Vgg(config.init(device)),
            Self::GoogLeNet(config) => Model::GoogLeNet(config.init(device)),
            Self::ResNet(config) => Model::ResNet(config.init(device)),
        }
    }
}

/// Makes the model `name` with random weights: [`ModelConfig::new`], then [`ModelConfig::init`].
///
/// # Errors
/// An unknown name, or options that no network or not this one can have.
pub fn create(name: &str, options: &CreateOptions, device: &Device) -> Result<Model, CreateError> {
    Ok(ModelConfig::new(name, options)?.init(device))
}
