#![doc = include_str!("../README.md")]
//!
//! VGG: [Very Deep Convolutional Networks for Large-Scale Image Recognition](https://arxiv.org/abs/1409.1556),
//! Simonyan and Zisserman 2014.
//!
//! All six columns of Table 1, which `variants.rs` holds as printed, torchvision's batch-normalised forms of four of
//! them, and two for CIFAR. [`Variant`] names them; [`VggConfig`] builds one. Images have at least 32×32 pixels, and
//! need not be square.
//!
//! # Weights
//! The path of every parameter, without the names of enum variants, is its torchvision key (`features.0.weight`,
//! `classifier.6.bias`): the numbers count layers without parameters too. So torchvision's and timm's state dicts load
//! without a rename rule, as long as the loader keeps the gaps between the numbers. [`Variant::Vgg11Lrn`] numbers its
//! normalisation `features.2`. The CIFAR networks have torchvision's `features` and one layer called `classifier`.
//!
//! # Deviations from the paper
//! - Weights start as in torchvision: convolutions as He et al. propose (fan-out), fully connected layers as N(0, 0.01),
//!   biases at zero. The paper starts its deep networks from the trained column A, that one from a normal distribution
//!   of variance 0.01, and notes that Glorot's initialisation would have done as well.
//! - Images of any size, not only 224×224: adaptive average pooling brings the last map to 7×7, as in torchvision.
//!   The paper's dense evaluation, with the fully connected layers turned into convolutions, is not here.
//! - The batch-normalised networks are torchvision's. Their convolutions keep their biases, which the normalisation
//!   makes redundant.
//! - The normalisation of A-LRN stands after the ReLU, as in Krizhevsky et al., whose constants the paper takes; the
//!   table does not say on which side.
//! - The CIFAR networks are not the paper's: batch normalisation everywhere, and one linear layer on the average of the
//!   last map, which is 1×1 for images of 32×32. They have no dropout.

mod variants;

pub use burn_zoo_blocks::Classifier;
use burn_zoo_blocks::sequential::{SequentialClassifier, SequentialConfig};
pub use variants::Variant;

/// The network. Should be created with [`VggConfig`]; its forward pass is [`SequentialClassifier`]'s.
pub type Vgg = SequentialClassifier;

/// Configuration of a [`Vgg`]: the methods are [`SequentialConfig`]'s.
pub type VggConfig = SequentialConfig<Variant>;
