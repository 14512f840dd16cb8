//! The fully connected layers of AlexNet, ZFNet and VGG: two hidden layers with dropout, and the last one.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear, Relu};
use burn::tensor::{Device, Tensor, s};
use burn_zoo_kernels::linear;

use crate::WeightInit;

/// On which side of the hidden layers dropout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropoutSide {
    /// On what they read, as in torchvision's AlexNet: PyTorch's keys are `1`, `4` and `6`.
    Before,
    /// On what they give, as in the papers and torchvision's VGG: PyTorch's keys are `0`, `3` and `6`.
    After,
}

/// Configuration of a [`Head`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadConfig {
    /// Width of the vector that it reads.
    pub inputs: usize,
    /// Width of both hidden layers.
    pub hidden: usize,
    /// Number of classes.
    pub classes: usize,
    /// Where dropout stands.
    pub side: DropoutSide,
    /// Probability that a training step drops a unit, from 0 to below 1.
    pub dropout: f64,
    /// Initial weights of the two hidden layers.
    pub hidden_init: WeightInit,
    /// Initial weights of the last layer.
    pub last_init: WeightInit,
}

impl HeadConfig {
    /// Creates the layers with random weights.
    #[must_use]
    pub fn init(&self, device: &Device) -> Head {
        let Self { hidden, side, .. } = *self;
        let fc6 = self.hidden_init.linear(self.inputs, hidden, device);
        let fc7 = self.hidden_init.linear(hidden, hidden, device);
        let fc8 = self.last_init.linear(hidden, self.classes, device);
        let dropout = || DropoutConfig::new(self.dropout).init();
        let relu = Relu::new;
        match side {
            DropoutSide::Before => {
                Head::Before((dropout(), fc6, relu(), dropout(), fc7, relu(), fc8))
            }
            DropoutSide::After => {
                Head::After((fc6, relu(), dropout(), fc7, relu(), dropout(), fc8))
            }
        }
    }
}

/// Two hidden layers with ReLU and dropout, and a linear layer for the scores.
///
/// Layers without parameters count in the numbering, as in PyTorch's `Sequential`. Should be created with
/// [`HeadConfig`].
#[derive(Module, Debug)]
pub enum Head {
    /// [`DropoutSide::Before`].
    Before((Dropout, Linear, Relu, Dropout, Linear, Relu, Linear)),
    /// [`DropoutSide::After`].
    After((Linear, Relu, Dropout, Linear, Relu, Dropout, Linear)),
    /// No hidden layer.
    Linear(Linear),
}

impl Head {
    /// Everything before the last layer; without hidden layers, `vector` itself.
    ///
    /// # Shapes
    /// - vector: `[batch, inputs]`
    /// - output: `[batch, hidden]`
    #[must_use]
    pub fn embed(&self, vector: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Before((dropout6, fc6, relu6, dropout7, fc7, relu7, _)) => {
                let vector = relu6.forward(linear(fc6, dropout6.forward(vector)));
                relu7.forward(linear(fc7, dropout7.forward(vector)))
            }
            Self::After((fc6, relu6, dropout6, fc7, relu7, dropout7, _)) => {
                let vector = dropout6.forward(relu6.forward(linear(fc6, vector)));
                dropout7.forward(relu7.forward(linear(fc7, vector)))
            }
            Self::Linear(_) => vector,
        }
    }

    /// The scores at every place of a larger map, averaged: the first layer slides over it as a convolution of
    /// `side`×`side` pixels, the others as convolutions of 1×1 (VGG, section 3.2).
    ///
    /// # Shapes
    /// - map: `[batch, inputs / side², height, width]`, height and width at least `side`
    /// - output: `[batch, classes]`
    #[must_use]
    pub fn dense(&self, map: Tensor<4>, side: usize) -> Tensor<2> {
        let [batch, _, height, width] = map.dims();
        let (rows, columns) = (height + 1 - side, width + 1 - side);
        let row_of_windows = |top: usize| {
            let windows = (0..columns).map(|left| {
                let window = s![.., .., top..top + side, left..left + side];
                map.clone().slice(window).flatten(1, 3)
            });
            let vectors: Tensor<2> = Tensor::cat(windows.collect(), 0); // [columns · batch, inputs]
            let scores = linear(self.last(), self.embed(vectors)); // [columns · batch, classes]
            let classes = scores.dims()[1];
            scores.reshape([columns, batch, classes]).sum_dim(0)
        };
        // A row at a time: all windows at once are many times the map.
        let sums = (0..rows).map(row_of_windows);
        let sum = sums.reduce(|sum, row| sum + row).expect("at least one row");
        (sum / (rows * columns) as f64).squeeze_dim(0)
    }

    /// The layer that gives the scores.
    #[must_use]
    pub fn last(&self) -> &Linear {
        match self {
            Self::Before((.., fc8)) | Self::After((.., fc8)) | Self::Linear(fc8) => fc8,
        }
    }

    /// The same layers with a fresh last one for `classes` classes.
    #[must_use]
    pub fn with_classes(mut self, classes: usize, init: WeightInit, device: &Device) -> Self {
        let hidden = self.last().weight.lazy_shape()[0];
        let fresh = init.linear(hidden, classes, device);
        match &mut self {
            Self::Before((.., fc8)) | Self::After((.., fc8)) | Self::Linear(fc8) => *fc8 = fresh,
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Distribution, Tolerance};

    use super::*;

    fn layers(side: DropoutSide, device: &Device) -> Head {
        let config = HeadConfig {
            inputs: 400,
            hidden: 300,
            classes: 5,
            side,
            dropout: 0.5,
            hidden_init: WeightInit::Normal { bias: 1.0 },
            last_init: WeightInit::Uniform,
        };
        config.init(device)
    }

    #[test]
    fn dropout_acts_in_training_only_and_on_its_side() {
        let device = Device::flex().autodiff();
        for (side, dropped) in [(DropoutSide::Before, false), (DropoutSide::After, true)] {
            let layers = layers(side, &device);
            // The biases keep every hidden unit above zero, so that a zero was dropped.
            let vector = Tensor::<2>::ones([1, 400], &device);
            let zeros = |embedding: Tensor<2>| {
                let values = embedding.into_data().try_to_vec::<f32>().expect("f32");
                values.into_iter().filter(|value| *value == 0.0).count()
            };
            let trained = zeros(layers.embed(vector.clone()));
            assert_eq!(
                trained > 100 && trained < 200,
                dropped,
                "{side:?}: {trained}"
            );

            let again = layers.embed(vector.clone()).into_data();
            let once = layers.embed(vector.clone()).into_data();
            assert_ne!(once, again, "{side:?}: two training steps drop alike");

            let evaluated = layers.valid();
            let vector = vector.inner();
            let once = evaluated.embed(vector.clone());
            once.clone()
                .into_data()
                .assert_eq(&evaluated.embed(vector).into_data(), true);
            assert_eq!(zeros(once), 0);
        }
    }

    #[test]
    fn dense_scores_are_the_mean_over_all_windows() {
        let device = Device::flex();
        let layers = layers(DropoutSide::After, &device);
        let map = Tensor::<4>::random([2, 100, 3, 4], Distribution::Default, &device);
        let dense = layers.dense(map.clone(), 2);
        let mut sum = Tensor::<2>::zeros([2, 5], &device);
        for (top, left) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
            let window = map.clone().narrow(2, top, 2).narrow(3, left, 2);
            let vector = window.flatten(1, 3);
            sum = sum + layers.last().forward(layers.embed(vector));
        }
        let tolerance = Tolerance::<f32>::absolute(1e-4);
        let mean = (sum / 6.0).into_data();
        dense.into_data().assert_approx_eq(&mean, tolerance);
    }

    #[test]
    fn a_new_last_layer_leaves_the_rest() {
        let device = Device::flex();
        let layers = layers(DropoutSide::Before, &device);
        let vector = Tensor::<2>::ones([1, 400], &device);
        let before = layers.embed(vector.clone()).into_data();
        let layers = layers.with_classes(7, WeightInit::Normal { bias: 0.0 }, &device);
        layers.embed(vector).into_data().assert_eq(&before, true);
        assert_eq!(layers.last().weight.dims(), [300, 7]);
    }
}
