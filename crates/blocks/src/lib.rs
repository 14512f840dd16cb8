//! Layers, initialisers and the [`Classifier`] trait that two or more architectures of the zoo share.

mod classifier;
mod conv;
mod family;
mod features;
mod freeze;
mod fuse;
#[cfg(feature = "golden")]
pub mod golden;
mod head;
mod inception;
mod init;
mod lrn;
mod mixed_precision;
mod named_parameters;
mod residual;
pub mod sequential;
mod weight_init;

/// Convolution, linear layers, pooling and batch normalisation, as fast as the backend has them.
pub use burn_zoo_kernels::{
    conv2d, conv2d_bn, conv2d_bn_add_relu, conv2d_bn_relu, conv2d_relu, linear, max_pool, normalize,
};
pub use classifier::{AuxiliaryLogits, Classifier, TrainingLogits};
pub use conv::{batch_norm, conv1x1, conv3x3};
pub use family::{ModelFamily, ModelOptions};
pub use features::{FeatureTaps, UnknownFeature};
pub use freeze::{UnknownPrefix, freeze};
pub use fuse::fuse_conv_bn;
pub use head::{DropoutSide, Head, HeadConfig};
pub use inception::{
    BasicConv2d, Inception, InceptionConfig, InceptionStyle, NaiveInception, NaiveInceptionConfig,
};
pub use init::{constant_bias, kaiming_normal_fan_out};
pub use lrn::{LocalResponseNorm, LocalResponseNormConfig};
pub use mixed_precision::{cast_params, to_f32};
pub use named_parameters::{Parameter, parameters, trainable_params};
pub use residual::{BlockKind, BottleneckStride, ResidualUnit, ResidualUnitConfig, Shortcut};
pub use weight_init::WeightInit;
