#![doc = include_str!("../README.md")]
//!
//! ZFNet: [Visualizing and Understanding Convolutional Networks](https://arxiv.org/abs/1311.2901), Zeiler and Fergus
//! 2013.
//!
//! The network of the paper's Fig. 3 ([`Variant::ImageNet`]) and one for CIFAR ([`Variant::Cifar`]). `variants.rs` holds
//! their layers as tables. Images need not be square.
//!
//! # Weights
//! No library of PyTorch models has this network. The paths of its parameters, without the names of enum variants, are
//! what torchvision's manner of two `Sequential`s would give: conv1 to conv5 are `features.0` `.4` `.8` `.10` `.12`,
//! fc6 to fc8 `classifier.0` `.3` `.6`.
//!
//! # Deviations from the paper
//! - The paper gives kernels, strides and the sizes of the maps, but no padding. One pixel around conv1, none around
//!   conv2 and one around the others, and pooling that rounds up, are the choice that gives its 110, 55, 26, 13 and 6.
//! - The constants of the contrast normalisation are not in the paper. It is Krizhevsky et al.'s local response
//!   normalisation with their k = 2, n = 5, α = 1e-4, β = 0.75, of which the paper's network is a descendant.
//! - "Weights are initialized to 10⁻²" is read as a normal distribution of that standard deviation, biases at zero.
//! - The renormalisation of filters whose RMS exceeds 0.1, a step of the paper's training, is not here; nor is the
//!   deconvolutional network of the visualisations.
//! - Dropout scales the units that it keeps in training, instead of all units by 0.5 in evaluation.
//! - Images of any size from [`Variant::min_size`] on: adaptive average pooling brings the last map to 6×6. At 224×224
//!   it is 6×6 already, and nothing is pooled.
//! - [`Variant::Cifar`] is ours. Its conv1 has stride 1 and padding 3, its conv2 padding 2, its hidden layers 1024
//!   units, so that 32×32 images leave the poolings as 16×16, 4×4 and 2×2. Weights are initialised by He's rule, biases by zero,
//!   the last layer uniformly in ±1/√fan-in.

mod variants;

pub use burn_zoo_blocks::Classifier;
use burn_zoo_blocks::sequential::{SequentialClassifier, SequentialConfig};
pub use variants::Variant;

/// The network. Should be created with [`ZfNetConfig`]; its forward pass is [`SequentialClassifier`]'s.
pub type ZfNet = SequentialClassifier;

/// Configuration of a [`ZfNet`]: the methods are [`SequentialConfig`]'s.
pub type ZfNetConfig = SequentialConfig<Variant>;
