#![doc = include_str!("../README.md")]
//!
//! AlexNet: [ImageNet Classification with Deep Convolutional Neural Networks](https://papers.nips.cc/paper/2012/hash/c399862d3b9d6b76c8436e924a68c45b-Abstract.html),
//! Krizhevsky, Sutskever and Hinton 2012.
//!
//! As published ([`Variant::Paper`]), as torchvision has it ([`Variant::Torchvision`]), and for CIFAR
//! ([`Variant::Cifar`]). `variants.rs` holds their layers as tables. Images need not be square.
//!
//! # Weights
//! The path of every parameter, without the names of enum variants, is its torchvision key (`features.0.weight`,
//! `classifier.6.bias`): the numbers count layers without parameters too. So torchvision's and timm's state dicts load
//! into [`Variant::Torchvision`] without a rename rule, as long as the loader keeps the gaps between the numbers.
//!
//! | layer | torchvision, CIFAR | paper |
//! |---|---|---|
//! | conv1 … conv5 | `features.0` `.3` `.6` `.8` `.10` | `features.0` `.4` `.8` `.10` `.12` |
//! | fc6, fc7, fc8 | `classifier.1` `.4` `.6` | `classifier.0` `.3` `.6` |
//!
//! # Deviations from the paper
//! - The paper says 224×224 where its figures need 227×227. [`Variant::Paper`] pads 224 by 2 on every side, as
//!   torchvision does: the last window ends one pixel before the padding does, so that it sees 227, and 55×55 come out.
//! - The two halves that the paper computes on two GPUs are the two groups of conv2, conv4 and conv5. Normalisation
//!   runs over all channels, across the border between the halves; the paper does not say whether its own did.
//! - Dropout scales the units that it keeps in training, instead of all units by 0.5 in evaluation.
//! - Images of any size from [`Variant::min_size`] on: adaptive average pooling brings the last map to 6×6, as in
//!   torchvision. At 224×224 it is 6×6 already, and nothing is pooled.
//! - [`Variant::Torchvision`] follows the single-tower network of
//!   [One weird trick for parallelizing convolutional neural networks](https://arxiv.org/abs/1404.5997) (Krizhevsky
//!   2014): 64, 192, 384, 256 and 256 channels, no groups, no normalisation. torchvision drops out *before* both hidden
//!   layers and starts all weights and biases uniformly in ±1/√fan-in, and so does this crate.
//! - [`Variant::Cifar`] is ours. It is torchvision's with a first convolution of 5×5, stride 1, padding 2 and hidden
//!   layers of 1024 units, so that 32×32 images leave the poolings as 15×15, 7×7 and 3×3. Weights start by He's rule,
//!   biases at zero, the last layer uniformly in ±1/√fan-in.

mod variants;

pub use burn_zoo_blocks::Classifier;
use burn_zoo_blocks::sequential::{SequentialClassifier, SequentialConfig};
pub use variants::Variant;

/// The network. Should be created with [`AlexNetConfig`]; its forward pass is [`SequentialClassifier`]'s.
pub type AlexNet = SequentialClassifier;

/// Configuration of a [`AlexNet`]: the methods are [`SequentialConfig`]'s.
pub type AlexNetConfig = SequentialConfig<Variant>;
