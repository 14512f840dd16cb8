//! LeNet-5 as published in 1998, section II.B, layer by layer.
//!
//! | layer | map | trainable parameters |
//! |---|---|---|
//! | C1: convolution 5×5 | 6 × 28×28 | 156 |
//! | S2: sub-sampling 2×2 | 6 × 14×14 | 12 |
//! | C3: convolution 5×5 by Table I | 16 × 10×10 | 1,516 |
//! | S4: sub-sampling 2×2 | 16 × 5×5 | 32 |
//! | C5: convolution 5×5 | 120 × 1×1 | 48,120 |
//! | F6: fully connected | 84 | 10,164 |
//! | output: distances to ten bitmaps | 10 | 0, and 840 fixed |
//!
//! Every layer up to F6 ends in the squashing function of Appendix A, 1.7159·tanh(2x/3). All weights and biases of a
//! unit start uniform in ±2.4 divided by its number of inputs.

use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::AvgPool2dConfig;
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo_blocks::{FeatureTaps, to_f32};

use crate::{Output, TableConv, bitmaps};

/// The network of [`Variant::Published`](crate::Variant::Published). Fields are the layers of the paper.
#[derive(Module, Debug)]
pub struct Published {
    c1: Conv2d,
    s2: SubSampling,
    c3: TableConv,
    s4: SubSampling,
    c5: Conv2d,
    f6: Linear,
    /// The linear output layer; without one, the output units hold the bitmaps.
    output: Option<Linear>,
}

impl Published {
    pub(crate) const FEATURES: &[&str] = &["c1", "s2", "c3", "s4", "c5"];

    pub(crate) fn new(
        in_channels: usize,
        output: Output,
        num_classes: usize,
        device: &Device,
    ) -> Self {
        let conv = |channels: [usize; 2]| {
            Conv2dConfig::new(channels, [5, 5])
                .with_initializer(uniform_by_inputs(channels[0] * 25))
                .init(device)
        };
        Self {
            c1: conv([in_channels, 6]),
            s2: SubSampling::new(6, device),
            c3: TableConv::new(device),
            s4: SubSampling::new(16, device),
            c5: conv([16, 120]),
            f6: LinearConfig::new(120, 84)
                .with_initializer(uniform_by_inputs(120))
                .init(device),
            output: linear_output(output, num_classes, device),
        }
    }

    /// # Shapes
    /// - images: `[batch, channels, 32, 32]`
    /// - output: `[batch, 84]`, a bitmap of 7×12 that should look like the digit
    pub(crate) fn embed(&self, images: Tensor<4>, taps: &mut FeatureTaps) -> Tensor<2> {
        let map = squash(self.c1.forward(images)); // [batch, 6, 28, 28]
        taps.offer("c1", &map);
        let map = squash(self.s2.forward(map)); // [batch, 6, 14, 14]
        taps.offer("s2", &map);
        let map = squash(self.c3.forward(map)); // [batch, 16, 10, 10]
        taps.offer("c3", &map);
        let map = squash(self.s4.forward(map)); // [batch, 16, 5, 5]
        taps.offer("s4", &map);
        let map = squash(self.c5.forward(map)); // [batch, 120, 1, 1]
        taps.offer("c5", &map);
        squash(self.f6.forward(map.flatten(1, 3))) // [batch, 84]
    }

    /// # Shapes
    /// - embedding: `[batch, 84]`
    /// - output: `[batch, classes]`
    pub(crate) fn output(&self, embedding: Tensor<2>) -> Tensor<2> {
        match &self.output {
            Some(linear) => linear.forward(embedding),
            None => -squared_distances(to_f32(embedding), bitmaps::tensor),
        }
    }

    pub(crate) fn num_classes(&self) -> usize {
        self.output
            .as_ref()
            .map_or(bitmaps::DIGITS, |linear| linear.weight.lazy_shape()[1])
    }

    pub(crate) fn with_head(mut self, num_classes: usize, device: &Device) -> Self {
        let kind = if self.output.is_none() {
            Output::Rbf
        } else {
            Output::Softmax
        };
        self.output = linear_output(kind, num_classes, device);
        self
    }
}

/// The linear output layer, or none where the bitmaps serve.
fn linear_output(output: Output, num_classes: usize, device: &Device) -> Option<Linear> {
    match output {
        Output::Rbf if num_classes == bitmaps::DIGITS => None,
        Output::Rbf | Output::Softmax => {
            let config = LinearConfig::new(84, num_classes);
            Some(config.with_initializer(uniform_by_inputs(84)).init(device))
        }
    }
}

/// Appendix A: A·tanh(S·x) with A = 1.7159 and S = 2/3, so that ±1 is mapped to ±1.
fn squash<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    x.mul_scalar(2.0 / 3.0).tanh().mul_scalar(1.7159)
}

/// Appendix A: uniform in ±2.4/F for a unit of F inputs.
pub(crate) fn uniform_by_inputs(inputs: usize) -> Initializer {
    let bound = 2.4 / inputs as f64;
    Initializer::Uniform {
        min: -bound,
        max: bound,
    }
}

/// Equation 7: the squared Euclidean distance between every row of `x` and every centre.
///
/// # Shapes
/// - x: `[batch, width]`; centres: `[classes, width]`
/// - output: `[batch, classes]`
fn squared_distances(x: Tensor<2>, centres: impl Fn(&Device) -> Tensor<2>) -> Tensor<2> {
    let centres = centres(&x.device()).cast(x.dtype());
    let centres = centres.unsqueeze_dim::<3>(0); // [1, classes, width]
    (x.unsqueeze_dim::<3>(1) - centres)
        .powi_scalar(2)
        .sum_dim(2)
        .squeeze_dim(2)
}

/// A trainable sub-sampling layer: the sum of 2×2 neighbours, times a coefficient, plus a bias, one of each per map.
#[derive(Module, Debug)]
pub struct SubSampling {
    /// `[channels]`
    coefficient: Param<Tensor<1>>,
    /// `[channels]`
    bias: Param<Tensor<1>>,
}

impl SubSampling {
    fn new(channels: usize, device: &Device) -> Self {
        let initializer = uniform_by_inputs(4);
        Self {
            coefficient: initializer.init([channels], device),
            bias: initializer.init([channels], device),
        }
    }

    /// # Shapes
    /// - input: `[batch, channels, height, width]`
    /// - output: `[batch, channels, height / 2, width / 2]`
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let channels = input.dims()[1];
        let sums = AvgPool2dConfig::new([2, 2])
            .with_strides([2, 2])
            .init()
            .forward(input)
            .mul_scalar(4.0);
        sums * self.coefficient.val().reshape([1, channels, 1, 1])
            + self.bias.val().reshape([1, channels, 1, 1])
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    #[test]
    fn the_squashing_function_maps_one_to_one() {
        let x = Tensor::<1>::from_data([-1.0f32, 0.0, 1.0, 100.0], &Device::flex());
        let y = squash(x).into_data().try_to_vec::<f32>().expect("f32");
        for (value, expected) in y.iter().zip([-1.0, 0.0, 1.0, 1.7159]) {
            assert!(
                (value - expected).abs() < 1e-4,
                "{value} against {expected}"
            );
        }
    }

    #[test]
    fn sub_sampling_adds_four_pixels() {
        let device = Device::flex();
        let layer = SubSampling {
            coefficient: Param::from_data([2.0f32, -1.0], &device),
            bias: Param::from_data([0.5f32, 0.0], &device),
        };
        let maps = Tensor::<4>::from_data(
            [[[[1.0f32, 2.0], [3.0, 4.0]], [[1.0, 1.0], [1.0, 1.0]]]],
            &device,
        );
        layer
            .forward(maps)
            .into_data()
            .assert_eq(&TensorData::from([[[[20.5f32]], [[-4.0]]]]), true);
    }

    #[test]
    fn distances_are_euclidean_and_squared() {
        let device = Device::flex();
        let centres = |device: &Device| Tensor::<2>::from_data([[0.0f32, 0.0], [3.0, 4.0]], device);
        let x = Tensor::<2>::from_data([[0.0f32, 0.0], [0.0, 4.0]], &device);
        squared_distances(x, centres)
            .into_data()
            .assert_eq(&TensorData::from([[0.0f32, 25.0], [16.0, 9.0]]), true);
    }

    #[test]
    fn weights_start_within_the_papers_bounds() {
        let device = Device::flex();
        device.seed(3);
        let network = Published::new(1, Output::Softmax, 10, &device);
        let largest = |values: Tensor<1>| values.abs().max().into_scalar::<f32>();
        for (layer, bound) in [
            (network.c1.weight.val().flatten(0, 3), 2.4 / 25.0),
            (network.s4.coefficient.val(), 2.4 / 4.0),
            (network.c5.weight.val().flatten(0, 3), 2.4 / 400.0),
            (network.f6.weight.val().flatten(0, 1), 2.4 / 120.0),
        ] {
            let largest = largest(layer);
            assert!(
                largest <= bound && largest > 0.8 * bound,
                "{largest} within {bound}"
            );
        }
    }
}
