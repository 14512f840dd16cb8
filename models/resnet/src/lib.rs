#![doc = include_str!("../README.md")]
//!
//! ResNet: [Deep Residual Learning for Image Recognition](https://arxiv.org/abs/1512.03385), He et al. 2015.
//!
//! All networks of the paper: those of Table 1 for ImageNet, those of section 4.2 for CIFAR-10, and the "plain" ones
//! without shortcuts that both are compared with. [`Variant`] names them; [`ResNetConfig`] builds one.
//!
//! # Weights
//! The path of every parameter is its torchvision key (`layer1.0.conv1.weight`, `downsample.0.weight`, `fc.bias`),
//! so torchvision's and timm's state dicts load without a rename rule. Checkpoints of the CIFAR networks by
//! [akamaster](https://github.com/akamaster/pytorch_resnet_cifar10) need one, `linear` → `fc`, beside the removal of
//! the usual `module.` prefix.
//!
//! # Deviations from the paper
//! - [`Depth`] selects torchvision's "v1.5", with the stride of a bottleneck in its 3×3 convolution. The paper's
//!   placement is [`Variant::R50Paper`] and its like.
//! - Convolutions are initialised by fan-out as in torchvision (the paper's reference \[13\] permits either fan), the
//!   last layer uniformly in ±1/√fan-in, PyTorch's default.
//! - The paper's ImageNet networks use option B, the CIFAR ones option A; [`ResNetConfig::with_shortcut`] chooses
//!   otherwise, as Table 3 does.

mod model;
mod variants;

pub use burn_zoo_blocks::{Classifier, Shortcut};
pub use model::ResNet;
pub use variants::{Depth, ResNetConfig, Variant};
