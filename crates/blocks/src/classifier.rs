//! The contract between an architecture and whoever trains or queries it.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// An image classifier: what every architecture of the zoo is to its callers.
///
/// The three steps of a classifier are separate, as in timm: [`embed`](Self::embed) (everything before the last
/// linear layer), the head, and their composition [`forward`](Self::forward).
pub trait Classifier: Module {
    /// Class scores before the softmax.
    ///
    /// # Shapes
    /// - images: `[batch, channels, height, width]`, normalised
    /// - output: `[batch, num_classes]`
    fn forward(&self, images: Tensor<4>) -> Tensor<2>;

    /// The embedding that the head classifies (timm: `forward_head(..., pre_logits=True)`).
    ///
    /// # Shapes
    /// - images: `[batch, channels, height, width]`, normalised
    /// - output: `[batch, embedding width]`
    fn embed(&self, images: Tensor<4>) -> Tensor<2>;

    /// Number of classes of the head.
    fn num_classes(&self) -> usize;

    /// The same network with a freshly initialised head for `num_classes` classes, the rest untouched.
    fn with_head(self, num_classes: usize, device: &Device) -> Self;

    /// The forward pass of a training step: the scores of the head and of every auxiliary head.
    ///
    /// Networks without auxiliary heads keep this default.
    fn forward_train(&self, images: Tensor<4>) -> TrainingLogits {
        TrainingLogits { logits: self.forward(images), aux: Vec::new() }
    }
}

/// What a network answers while it is trained.
#[derive(Debug, Clone)]
pub struct TrainingLogits {
    /// Scores of the main head, `[batch, num_classes]`.
    pub logits: Tensor<2>,
    /// Scores of the auxiliary heads, each with the weight of its loss.
    pub aux: Vec<AuxiliaryLogits>,
}

/// Scores of one auxiliary head.
#[derive(Debug, Clone)]
pub struct AuxiliaryLogits {
    /// Scores, `[batch, num_classes]`.
    pub logits: Tensor<2>,
    /// Weight of this head's loss in the total (GoogLeNet: 0.3).
    pub weight: f64,
}
