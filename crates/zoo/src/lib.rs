//! The classic CNN lineage on Burn: models by name, data sets by name, training and evaluation.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use burn_zoo::{Classifier, ModelOptions};
//!
//! let device = Device::flex(); // any backend that your crate enables
//! let model = burn_zoo::create("resnet20", &ModelOptions::default(), &device)?;
//! let logits = model.forward(Tensor::zeros([1, 3, 32, 32], &device));
//! assert_eq!(logits.dims(), [1, 10]);
//! # Ok::<(), burn_zoo::CreateError>(())
//! ```
//!
//! Each architecture is also a crate of its own, re-exported here ([`lenet`] to [`resnet`]) and usable without the rest.

mod create;
mod from_config;
mod info;
mod inspect;
mod model;
mod pattern;
mod pretrained;
mod registry;

mod weights;

pub use burn_zoo_blocks::{
    AuxiliaryLogits, Classifier, ModelFamily, ModelOptions, TrainingLogits, UnknownFeature,
    UnknownPrefix, cast_params, freeze, to_f32, trainable_params,
};
pub use burn_zoo_kernels::{OpTiming, profile, set_kernels_enabled, supports_kernels};
#[doc(inline)]
pub use {
    burn_zoo_alexnet as alexnet, burn_zoo_data as data, burn_zoo_datasets as datasets,
    burn_zoo_googlenet as googlenet, burn_zoo_lenet as lenet, burn_zoo_resnet as resnet,
    burn_zoo_trainer as trainer, burn_zoo_trainer::report, burn_zoo_vgg as vgg,
    burn_zoo_zfnet as zfnet,
};

pub use burn_zoo_inspect::{Layer, Summary};
pub use create::{
    CreateError, ModelConfig, UnknownModel, create, model_info, models, nearest_model,
};
pub use from_config::{
    DataError, FineTuneError, config_for, evaluation_pipeline, fine_tuned, open_data,
};
pub use info::{InputFit, ModelInfo, Paper, Preprocessing, SizeMismatch, Sizes};
pub use inspect::{figure, summarize};
pub use model::{Arch, Model};
pub use pretrained::{Published, published, published_models};
pub use weights::{
    Format, LoadReport, ModelCard, WeightsError, WeightsFile, WrongTensor, load_weights,
    save_weights,
};
