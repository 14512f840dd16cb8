//! The loss of a training step: cross-entropy with classes, or with the soft targets that smoothing and mixing give.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};

/// The targets of a batch.
#[derive(Debug, Clone)]
pub(crate) enum Targets {
    /// One class per image, `[batch]`.
    Classes(Tensor<1, Int>),
    /// A probability for every class, `[batch, classes]`.
    Soft(Tensor<2>),
}

impl Targets {
    /// The targets for `labels`, with a probability of `smoothing` spread over all `classes`
    /// (`torch.nn.CrossEntropyLoss(label_smoothing)`; Szegedy et al. 2016, section 7).
    pub(crate) fn smoothed(labels: Tensor<1, Int>, classes: usize, smoothing: f64) -> Self {
        match smoothing {
            0.0 => Self::Classes(labels),
            smoothing => Self::Soft(soft(labels, classes, smoothing)),
        }
    }

    /// Mean over the batch of `−Σ target·log softmax(logits)`.
    ///
    /// # Shapes
    /// - logits: `[batch, classes]`
    /// - output: `[1]`
    pub(crate) fn loss(&self, logits: Tensor<2>) -> Tensor<1> {
        match self {
            Self::Classes(labels) => cross_entropy(logits, labels.clone()),
            Self::Soft(targets) => {
                let weighted = log_softmax(logits, 1) * targets.clone();
                weighted.sum_dim(1).mean().neg()
            }
        }
    }
}

/// A probability for every class: `1 − smoothing` for the label's, and `smoothing / classes` for each.
pub(crate) fn soft(labels: Tensor<1, Int>, classes: usize, smoothing: f64) -> Tensor<2> {
    let sharp = labels.one_hot_fill::<2>(classes, 1.0, 0.0, -1).float();
    match smoothing {
        0.0 => sharp,
        smoothing => sharp
            .mul_scalar(1.0 - smoothing)
            .add_scalar(smoothing / classes as f64),
    }
}

/// Mean over the batch of `−log softmax(logits)[label]`.
///
/// # Shapes
/// - logits: `[batch, classes]`
/// - labels: `[batch]`
/// - output: `[1]`
pub(crate) fn cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    CrossEntropyLossConfig::new()
        .init(&logits.device())
        .forward(logits, labels)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    /// `torch.nn.CrossEntropyLoss(label_smoothing=s)` of PyTorch 2.15 on the same numbers.
    #[test]
    fn smoothing_is_that_of_pytorch() {
        let device = Device::flex();
        let logits = Tensor::<2>::from_floats([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]], &device);
        for (smoothing, expected) in [(0.0, 0.541816552), (0.1, 0.687649885)] {
            let labels = Tensor::<1, Int>::from_ints([2, 1], &device);
            let loss = Targets::smoothed(labels, 3, smoothing).loss(logits.clone());
            let found: f32 = loss.into_scalar();
            assert!((f64::from(found) - expected).abs() < 1e-6, "{found}");
        }
    }
}
