//! What the zoo needs to know of an architecture to create its models by name.

use burn::tensor::Device;

use crate::Classifier;

/// How a model may differ from its paper. `None` keeps the model's own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelOptions {
    /// Classes of the head, at least 1.
    pub num_classes: Option<usize>,
    /// Channels of the images, at least 1.
    pub in_channels: Option<usize>,
    /// Height and width of the images.
    pub input_size: Option<[usize; 2]>,
    /// Whether it has the auxiliary heads of GoogLeNet, which act in training only.
    pub aux_heads: Option<bool>,
    /// Probability that a training step drops a unit before the last layer, from 0 to below 1.
    pub dropout: Option<f64>,
    /// Probability that a training step leaves out the last residual unit of an image, from 0 to below 1; the others in
    /// proportion to their depth (drop-path rate).
    pub stochastic_depth: Option<f64>,
}

/// An architecture: implemented by the enum of its variants.
pub trait ModelFamily: Copy {
    /// The network.
    type Model: Classifier;

    /// Creates the variant with random weights. Options that the family does not have are ignored; the zoo refuses them
    /// by the answers below.
    fn create(self, options: &ModelOptions, device: &Device) -> Self::Model;

    /// Whether `dropout` is an option.
    fn has_dropout(self) -> bool {
        false
    }

    /// Whether `stochastic_depth` is an option.
    fn has_stochastic_depth(self) -> bool {
        false
    }

    /// Whether `aux_heads` is an option.
    fn has_aux_heads(self) -> bool {
        false
    }

    /// Least height and width of the images with these options, in pixels, where it is more than the variant's own.
    fn min_size_with(self, _options: &ModelOptions) -> usize {
        1
    }
}
