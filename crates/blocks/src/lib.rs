//! Layers, initialisers and the [`Classifier`] trait that two or more architectures of the zoo share.

mod classifier;
mod conv;
mod features;
mod fold;
mod freeze;
mod fully_connected;
#[cfg(feature = "golden")]
pub mod golden;
mod inception;
mod init;
mod lrn;
mod narrow;
mod params;
mod residual;
pub mod stack;
mod start;

/// Convolution, linear layers, pooling and batch normalisation, as fast as the backend has them.
pub use burn_zoo_kernels::{
    conv2d, conv2d_bn, conv2d_bn_add_relu, conv2d_bn_relu, conv2d_relu, linear, max_pool, normalize,
};
pub use classifier::{AuxiliaryLogits, Classifier, TrainingLogits};
pub use conv::{batch_norm, conv1x1, conv3x3};
pub use features::{Taps, UnknownFeature};
pub use fold::fold;
pub use freeze::{UnknownPrefix, freeze};
pub use fully_connected::{DropoutSide, FullyConnected, FullyConnectedConfig};
pub use inception::{
    ConvUnit, Inception, InceptionConfig, InceptionStyle, NaiveInception, NaiveInceptionConfig,
};
pub use init::{constant_bias, kaiming_normal_fan_out};
pub use lrn::{LocalResponseNorm, LocalResponseNormConfig};
pub use narrow::{cast_params, to_f32};
pub use params::{Parameter, parameters, trainable_params};
pub use residual::{BottleneckStride, ResidualUnit, ResidualUnitConfig, Shortcut, UnitKind};
pub use start::Start;
