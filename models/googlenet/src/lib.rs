#![doc = include_str!("../README.md")]
//!
//! GoogLeNet: [Going Deeper with Convolutions](https://arxiv.org/abs/1409.4842), Szegedy et al. 2014.
//!
//! As published ([`Variant::Paper`]), as torchvision has it ([`Variant::Torchvision`]), and for CIFAR
//! ([`Variant::Cifar`]). `variants.rs` holds Table 1; the inception modules are those of `burn-zoo-blocks`. Images need
//! not be square.
//!
//! # Weights
//! The path of every parameter is its torchvision key (`conv1.conv.weight`, `inception3a.branch2.1.bn.bias`,
//! `aux1.fc2.weight`, `fc.bias`), so torchvision's and timm's state dicts load without a rename rule, as long as the
//! loader keeps the gap before `branch4.1`. torchvision's pretrained weights want
//! [`GoogLeNetConfig::with_transform_input`]; their auxiliary heads are untrained.
//!
//! # Deviations from the paper
//! In [`Variant::Torchvision`], all of them torchvision's: batch normalisation with ε 0.001 instead of biases and of
//! local response normalisation, 3×3 kernels in the branch that the paper calls 5×5, 2×2 windows in the last
//! max-pooling, auxiliary heads on an adaptive average of 4×4 pixels, dropout of 0.2 instead of 0.4, and weights that
//! start as N(0, 0.01).
//!
//! In [`Variant::Paper`]:
//! - The paper does not say how max-pooling rounds. Rounding up gives the sizes of its Table 1.
//! - It does not give the constants of the normalisation: they are those of Krizhevsky et al., k = 2, n = 5, α = 10⁻⁴,
//!   β = 0.75.
//! - It does not say how weights start. Here they do as He et al. propose (fan-in), with biases of zero: the deep
//!   network without batch normalisation would not train from small weights.
//! - The average pooling before the linear layer covers the whole map, which is 7×7 for images of 224×224 as in the
//!   paper, so that images of other sizes pass.
//! - The paper's seven-fold ensemble and its crops are not here.
//!
//! [`Variant::Cifar`] is not the paper's: it is torchvision's with a first convolution of 3×3 and stride 1, no pooling
//! after it, and no auxiliary heads unless asked for.

mod aux_head;
mod model;
mod rescale;
mod variants;

pub use burn_zoo_blocks::Classifier;
pub use model::GoogLeNet;
pub use variants::{GoogLeNetConfig, Variant};
