//! Layers in a row, numbered as PyTorch's `Sequential` numbers them: the convolutional half of AlexNet and ZFNet.
//!
//! A paper's table is a slice of [`Row`]s; [`build`] makes its [`Layer`]s and [`run`] applies them.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{PaddingConfig2d, Relu};
use burn::tensor::module::adaptive_avg_pool2d;
use burn::tensor::{Device, Tensor};

use crate::{
    LocalResponseNorm, LocalResponseNormConfig, Start, Taps, conv2d, conv2d_relu, max_pool,
};

/// One row of a table: a layer before it is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// A convolution with a bias.
    Conv(ConvRow),
    /// A rectified linear unit.
    Relu,
    /// Local response normalisation with the constants of Krizhevsky et al.
    Lrn,
    /// Overlapping max-pooling: 3×3 of stride 2.
    Pool(Rounding),
}

/// A convolution of a table. The kernel is square.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvRow {
    /// Channels that it gives.
    pub channels: usize,
    /// Height and width of the kernel.
    pub kernel: usize,
    /// Step between two positions of the kernel.
    pub stride: usize,
    /// Zeros on every side.
    pub padding: usize,
    /// How many parts the channels fall into, each of which sees only its own.
    pub groups: usize,
}

impl ConvRow {
    /// A convolution of stride 1 that keeps height and width; the kernel is odd.
    #[must_use]
    pub const fn same(channels: usize, kernel: usize) -> Self {
        Self {
            channels,
            kernel,
            stride: 1,
            padding: kernel / 2,
            groups: 1,
        }
    }
}

/// What happens to pixels at the end that fill only part of a pooling window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// They are left out.
    Down,
    /// They get a window of their own, as in Caffe.
    Up,
}

/// A layer of a stack. Those without parameters count in the numbering too.
#[derive(Module, Debug)]
pub enum Layer {
    /// A convolution.
    Conv(Conv2d),
    /// A rectified linear unit.
    Relu(Relu),
    /// Local response normalisation.
    Lrn(LocalResponseNorm),
    /// Max-pooling.
    Pool(MaxPool2d),
}

impl Layer {
    /// # Shapes
    /// - map: `[batch, channels, height, width]`
    /// - output: `[batch, channels of the layer, its height, its width]`
    fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Conv(layer) => conv2d(layer, map),
            Self::Relu(layer) => layer.forward(map),
            Self::Lrn(layer) => layer.forward(map),
            Self::Pool(layer) => max_pool(layer, map),
        }
    }
}

/// The layers of `rows` on images of `in_channels` channels, and the channels that they give.
///
/// `start` says how the weights of a convolution begin.
///
/// # Panics
/// If the groups of a convolution do not divide its channels.
pub fn build(
    rows: impl IntoIterator<Item = Row>,
    in_channels: usize,
    start: impl Fn(&ConvRow) -> Start,
    device: &Device,
) -> (Vec<Layer>, usize) {
    let mut channels = in_channels;
    let layers = rows.into_iter().map(|row| match row {
        Row::Conv(row) => {
            let layer = start(&row).conv(row, channels, device);
            channels = row.channels;
            Layer::Conv(layer)
        }
        Row::Relu => Layer::Relu(Relu::new()),
        Row::Lrn => Layer::Lrn(LocalResponseNormConfig::new().init()),
        Row::Pool(rounding) => Layer::Pool(
            MaxPool2dConfig::new([3, 3])
                .with_strides([2, 2])
                .with_ceil_mode(rounding == Rounding::Up)
                .init(),
        ),
    });
    let layers = layers.collect();
    (layers, channels)
}

impl ConvRow {
    pub(crate) fn config(self, channels_in: usize) -> Conv2dConfig {
        let padding = self.padding;
        Conv2dConfig::new([channels_in, self.channels], [self.kernel, self.kernel])
            .with_stride([self.stride, self.stride])
            .with_groups(self.groups)
            .with_padding(PaddingConfig2d::Explicit(
                padding, padding, padding, padding,
            ))
    }
}

/// Applies the layers one after the other.
///
/// `names` names what every layer but the convolutions gives, in their order: a convolution is worth showing only
/// when it has been rectified.
///
/// # Shapes
/// - images: `[batch, channels, height, width]`
/// - output: `[batch, channels of the last convolution, height, width]` of the last layer
#[must_use]
pub fn run(layers: &[Layer], images: Tensor<4>, names: &[&str], taps: &mut Taps) -> Tensor<4> {
    let (mut map, mut layers, mut names) = (images, layers, names.iter());
    while let [layer, rest @ ..] = layers {
        let is_shown = match (layer, rest) {
            // In one pass, outside of training.
            (Layer::Conv(conv), [Layer::Relu(_), rest @ ..]) => {
                map = conv2d_relu(conv, map);
                layers = rest;
                true
            }
            (layer, rest) => {
                map = layer.forward(map);
                layers = rest;
                !matches!(layer, Layer::Conv(_))
            }
        };
        if is_shown && let Some(name) = names.next() {
            taps.offer(name, &map);
        }
    }
    map
}

/// The map as a vector of `side`×`side` pixels a channel, so that a linear layer takes images of any size.
///
/// A map of that size passes unchanged; another one is averaged to it, as torchvision's networks do.
///
/// # Shapes
/// - map: `[batch, channels, height, width]`
/// - output: `[batch, channels · side²]`
#[must_use]
pub fn flatten_to(map: Tensor<4>, side: usize) -> Tensor<2> {
    let [_, _, height, width] = map.dims();
    let map = if [height, width] == [side, side] {
        map
    } else {
        adaptive_avg_pool2d(map, [side, side])
    };
    map.flatten(1, 3)
}

/// The map, where it is smaller than `side`×`side` pixels in a direction averaged to that many.
///
/// # Shapes
/// - map: `[batch, channels, height, width]`
/// - output: `[batch, channels, at least side, at least side]`
#[must_use]
pub fn covering(map: Tensor<4>, side: usize) -> Tensor<4> {
    let [_, _, height, width] = map.dims();
    if height >= side && width >= side {
        return map;
    }
    adaptive_avg_pool2d(map, [height.max(side), width.max(side)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [Row; 6] = [
        Row::Conv(ConvRow {
            stride: 2,
            padding: 0,
            ..ConvRow::same(4, 5)
        }),
        Row::Relu,
        Row::Lrn,
        Row::Pool(Rounding::Up),
        Row::Conv(ConvRow {
            groups: 2,
            ..ConvRow::same(6, 3)
        }),
        Row::Relu,
    ];

    #[test]
    fn the_numbers_and_shapes_are_those_of_the_rows() {
        let device = Device::flex();
        let (layers, channels) = build(ROWS, 3, |_| Start::Uniform, &device);
        assert_eq!(channels, 6);
        let (Layer::Conv(first), Layer::Conv(second)) = (&layers[0], &layers[4]) else {
            panic!("layers 0 and 4 are convolutions")
        };
        assert_eq!(first.weight.dims(), [4, 3, 5, 5]);
        assert_eq!(second.weight.dims(), [6, 2, 3, 3]);

        let names = ["relu1", "norm", "pool", "relu2"];
        let mut taps =
            Taps::new(&["norm", "pool"], &["relu1", "norm", "pool", "relu2"]).expect("known names");
        let images = Tensor::ones([1, 3, 24, 19], &device);
        let map = run(&layers, images, &names, &mut taps);
        assert_eq!(map.dims(), [1, 6, 5, 4]);
        let shapes: Vec<_> = taps.into_maps().iter().map(|map| map.dims()).collect();
        // 10 pixels end in half a window, 8 likewise.
        assert_eq!(shapes, [[1, 4, 10, 8], [1, 4, 5, 4]]);
    }

    #[test]
    fn pooling_rounds_as_it_is_told() {
        let device = Device::flex();
        let sides = |side, rounding| {
            let (layers, _) = build([Row::Pool(rounding)], 1, |_| Start::Uniform, &device);
            let images = Tensor::ones([1, 1, side, side], &device);
            run(&layers, images, &[], &mut Taps::none()).dims()[2]
        };
        assert_eq!(
            [110, 26, 13].map(|side| sides(side, Rounding::Up)),
            [55, 13, 6]
        );
        assert_eq!(
            [110, 26, 13].map(|side| sides(side, Rounding::Down)),
            [54, 12, 6]
        );
    }

    #[test]
    fn a_map_of_the_right_size_is_only_flattened() {
        let device = Device::flex();
        let values: Vec<f32> = (0..24).map(|value| value as f32).collect();
        let map = Tensor::<1>::from_floats(values.as_slice(), &device).reshape([1, 6, 2, 2]);
        let same = flatten_to(map.clone(), 2).into_data();
        assert_eq!(same.try_to_vec::<f32>().expect("f32"), values);
        let mean = flatten_to(map, 1).into_data();
        mean.assert_eq(
            &burn::tensor::TensorData::from([[1.5f32, 5.5, 9.5, 13.5, 17.5, 21.5]]),
            true,
        );
    }
}
