//! LeNet-5 as textbooks and PyTorch's tutorial have it: dense C3, max-pooling without parameters, ReLU, a linear
//! output.
//!
//! ReLU and max-pooling, rather than the tanh and average of some retellings, because that is what the PyTorch
//! tutorial network with these 61,706 parameters computes; its state dict loads by name.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::MaxPool2dConfig;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use burn_zoo_blocks::{FeatureTaps, conv2d_relu};

/// The network of [`Variant::Modern`](crate::Variant::Modern). Fields are the state-dict keys of PyTorch's tutorial.
///
/// Weights and biases start uniform in ±1/√fan-in, as in PyTorch.
#[derive(Module, Debug)]
pub struct Modern {
    conv1: Conv2d,
    conv2: Conv2d,
    fc1: Linear,
    fc2: Linear,
    pub(crate) fc3: Linear,
}

impl Modern {
    pub(crate) const FEATURES: &[&str] = &["conv1", "pool1", "conv2", "pool2"];

    pub(crate) fn new(in_channels: usize, num_classes: usize, device: &Device) -> Self {
        Self {
            conv1: Conv2dConfig::new([in_channels, 6], [5, 5]).init(device),
            conv2: Conv2dConfig::new([6, 16], [5, 5]).init(device),
            fc1: LinearConfig::new(16 * 5 * 5, 120).init(device),
            fc2: LinearConfig::new(120, 84).init(device),
            fc3: LinearConfig::new(84, num_classes).init(device),
        }
    }

    /// # Shapes
    /// - images: `[batch, channels, 32, 32]`
    /// - output: `[batch, 84]`
    pub(crate) fn embed(&self, images: Tensor<4>, taps: &mut FeatureTaps) -> Tensor<2> {
        let map = conv2d_relu(&self.conv1, images); // [batch, 6, 28, 28]
        taps.offer("conv1", &map);
        let map = halve(map); // [batch, 6, 14, 14]
        taps.offer("pool1", &map);
        let map = conv2d_relu(&self.conv2, map); // [batch, 16, 10, 10]
        taps.offer("conv2", &map);
        let map = halve(map); // [batch, 16, 5, 5]
        taps.offer("pool2", &map);
        let vector = relu(self.fc1.forward(map.flatten(1, 3))); // [batch, 120]
        relu(self.fc2.forward(vector)) // [batch, 84]
    }

    pub(crate) fn with_head(mut self, num_classes: usize, device: &Device) -> Self {
        self.fc3 = LinearConfig::new(84, num_classes).init(device);
        self
    }
}

fn halve(map: Tensor<4>) -> Tensor<4> {
    MaxPool2dConfig::new([2, 2]).init().forward(map)
}
