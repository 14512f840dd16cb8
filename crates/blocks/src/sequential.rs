//! Networks that are one layer after another: a table of [`LayerSpec`]s, then fully connected layers. AlexNet, ZFNet and VGG.
//!
//! Layers are numbered as PyTorch's `Sequential` numbers them, those without parameters included.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, PaddingConfig2d, Relu};
use burn::tensor::module::adaptive_avg_pool2d;
use burn::tensor::{Device, Tensor};

use crate::{
    Classifier, DropoutSide, FeatureTaps, Head, HeadConfig, LocalResponseNorm,
    LocalResponseNormConfig, ModelFamily, ModelOptions, UnknownFeature, WeightInit, batch_norm,
    conv2d, conv2d_bn_relu, conv2d_relu, fuse_conv_bn, linear, max_pool, normalize,
};

/// One row of a paper's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerSpec {
    /// A convolution with a bias.
    Conv(ConvSpec),
    /// Batch normalisation.
    BatchNorm,
    /// A rectified linear unit.
    Relu,
    /// Local response normalisation with the constants of Krizhevsky et al.
    Lrn,
    /// Max-pooling of stride 2.
    MaxPool {
        /// Height and width of the window.
        kernel: usize,
        /// Whether pixels at the end that fill only part of a window get one of their own (PyTorch's `ceil_mode`).
        ceil_mode: bool,
    },
    /// No layer: the feature map at this place has a name.
    Feature(&'static str),
}

/// A convolution of a table. The kernel is square.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvSpec {
    /// Output channels.
    pub channels: usize,
    /// Height and width of the kernel.
    pub kernel: usize,
    /// Stride.
    pub stride: usize,
    /// Zeros on every side.
    pub padding: usize,
    /// Groups of channels, each of which sees only its own.
    pub groups: usize,
}

impl ConvSpec {
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

/// Everything that a paper fixes of a network of this kind, at full width.
#[derive(Debug, Clone)]
pub struct SequentialPlan {
    /// The layers before the fully connected ones.
    pub table: Vec<LayerSpec>,
    /// Initial weights of a convolution.
    pub conv_init: fn(&ConvSpec) -> WeightInit,
    /// Channels of the first convolution; the others follow when it is changed.
    pub width: usize,
    /// Every number of channels is a multiple of this: the number of groups.
    pub multiple_of: usize,
    /// The fully connected layers.
    pub head: HeadSpec,
    /// Initial weights of the last layer.
    pub last_init: WeightInit,
    /// Classes, unless told otherwise.
    pub num_classes: usize,
}

/// The fully connected layers of a network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HeadSpec {
    /// Two hidden layers with dropout, and the last one.
    Mlp {
        /// Height and width of the map that the first one reads.
        side: usize,
        /// Units of each hidden layer.
        hidden: usize,
        /// Where dropout stands.
        dropout: DropoutSide,
        /// Initial weights of the hidden layers.
        init: WeightInit,
    },
    /// One linear layer on the average of the map.
    Linear,
}

/// A variant of an architecture of this kind: a row of its crate's table of variants.
pub trait SequentialVariant: Copy {
    /// What the variant is made of.
    fn plan(self) -> SequentialPlan;
}

impl<V: SequentialVariant> ModelFamily for V {
    type Model = SequentialClassifier;

    fn create(self, options: &ModelOptions, device: &Device) -> SequentialClassifier {
        let own = SequentialConfig::new(self);
        SequentialConfig {
            num_classes: options.num_classes.unwrap_or(own.num_classes),
            in_channels: options.in_channels.unwrap_or(own.in_channels),
            dropout: options.dropout.unwrap_or(own.dropout),
            ..own
        }
        .init(device)
    }

    fn has_dropout(self) -> bool {
        self.plan().head != HeadSpec::Linear
    }
}

/// Configuration of a [`SequentialClassifier`].
#[derive(Debug, Clone, PartialEq)]
pub struct SequentialConfig<V> {
    variant: V,
    num_classes: usize,
    in_channels: usize,
    width: usize,
    dropout: f64,
}

impl<V: SequentialVariant> SequentialConfig<V> {
    /// A network for RGB images with the variant's own number of classes.
    #[must_use]
    pub fn new(variant: V) -> Self {
        let SequentialPlan {
            num_classes, width, ..
        } = variant.plan();
        Self {
            variant,
            num_classes,
            in_channels: 3,
            width,
            dropout: 0.5,
        }
    }

    /// Number of classes, at least one.
    #[must_use]
    pub fn with_num_classes(self, num_classes: usize) -> Self {
        Self {
            num_classes,
            ..self
        }
    }

    /// Channels of the images, at least one.
    #[must_use]
    pub fn with_in_channels(self, in_channels: usize) -> Self {
        Self {
            in_channels,
            ..self
        }
    }

    /// Channels of the first convolution, at least one. The other widths follow, those of the hidden fully connected layers
    /// too, rounded up.
    ///
    /// A narrow network has the same layers and runs in a moment, for tests.
    #[must_use]
    pub fn with_width(self, width: usize) -> Self {
        Self { width, ..self }
    }

    /// Probability that a training step drops a hidden fully connected unit, from 0 to below 1: 0.5 by default. Networks
    /// with one linear layer have no such units.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// Creates the network with random weights.
    ///
    /// # Panics
    /// If the number of classes, the number of channels or the width is zero, or the dropout not in 0 to below 1.
    #[must_use]
    pub fn init(&self, device: &Device) -> SequentialClassifier {
        let Self {
            num_classes,
            in_channels,
            width,
            dropout,
            ..
        } = *self;
        assert!(
            num_classes > 0,
            "a classifier needs at least one class: num_classes is 0"
        );
        assert!(
            in_channels > 0,
            "images have at least one channel: in_channels is 0"
        );
        assert!(
            width > 0,
            "a network needs at least one channel: width is 0"
        );
        assert!(
            (0.0..1.0).contains(&dropout),
            "dropout is a probability from 0 to below 1: it is {dropout}"
        );
        let plan = self.variant.plan();
        let scaled = |at_full_width: usize| {
            (at_full_width * width)
                .div_ceil(plan.width)
                .next_multiple_of(plan.multiple_of)
        };
        let table = plan.table.iter().map(|spec| match *spec {
            LayerSpec::Conv(conv) => LayerSpec::Conv(ConvSpec {
                channels: scaled(conv.channels),
                ..conv
            }),
            other => other,
        });
        let (features, names, channels) = build(table, in_channels, plan.conv_init, device);
        let (classifier, side) = match plan.head {
            HeadSpec::Linear => {
                let layer = plan.last_init.linear(channels, num_classes, device);
                (Head::Linear(layer), 1)
            }
            HeadSpec::Mlp {
                side,
                hidden,
                dropout: dropout_side,
                init,
            } => {
                let config = HeadConfig {
                    inputs: channels * side * side,
                    hidden: scaled(hidden),
                    classes: num_classes,
                    side: dropout_side,
                    dropout,
                    hidden_init: init,
                    last_init: plan.last_init,
                };
                (config.init(device), side)
            }
        };
        SequentialClassifier {
            features,
            classifier,
            names,
            side,
            last_init: plan.last_init,
        }
    }
}

/// A layer without or with parameters.
#[derive(Module, Debug)]
pub enum Layer {
    /// A convolution.
    Conv(Conv2d),
    /// Batch normalisation.
    Norm(BatchNorm),
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
            Self::Norm(layer) => normalize(layer, map),
            Self::Relu(layer) => layer.forward(map),
            Self::Lrn(layer) => layer.forward(map),
            Self::Pool(layer) => max_pool(layer, map),
        }
    }
}

/// Names of feature maps, each with the number of layers before it.
type Names = Vec<(usize, &'static str)>;

/// The layers of `table` on images of `in_channels` channels, the names of its feature maps, and its output channels.
fn build(
    table: impl IntoIterator<Item = LayerSpec>,
    in_channels: usize,
    conv_init: impl Fn(&ConvSpec) -> WeightInit,
    device: &Device,
) -> (Vec<Layer>, Names, usize) {
    let (mut layers, mut names, mut channels) = (Vec::new(), Vec::new(), in_channels);
    for spec in table {
        layers.push(match spec {
            LayerSpec::Conv(conv) => {
                let layer = conv_init(&conv).conv(conv, channels, device);
                channels = conv.channels;
                Layer::Conv(layer)
            }
            LayerSpec::BatchNorm => Layer::Norm(batch_norm(channels, device)),
            LayerSpec::Relu => Layer::Relu(Relu::new()),
            LayerSpec::Lrn => Layer::Lrn(LocalResponseNormConfig::new().init()),
            LayerSpec::MaxPool { kernel, ceil_mode } => Layer::Pool(
                MaxPool2dConfig::new([kernel, kernel])
                    .with_strides([2, 2])
                    .with_ceil_mode(ceil_mode)
                    .init(),
            ),
            LayerSpec::Feature(name) => {
                names.push((layers.len(), name));
                continue;
            }
        });
    }
    (layers, names, channels)
}

/// An image classifier of one layer after another.
///
/// Should be created with [`SequentialConfig`]. Fields are torchvision's state-dict keys.
#[derive(Module, Debug)]
pub struct SequentialClassifier {
    features: Vec<Layer>,
    classifier: Head,
    #[module(skip)]
    names: Names,
    /// Height and width of the map that the first hidden layer reads.
    #[module(skip)]
    side: usize,
    #[module(skip)]
    last_init: WeightInit,
}

impl SequentialClassifier {
    /// Everything before the fully connected layers.
    ///
    /// # Shapes
    /// - images: `[batch, channels, height, width]`
    /// - output: `[batch, channels of the last convolution, height, width]` of the last layer
    fn forward_features(&self, images: Tensor<4>, taps: &mut FeatureTaps) -> Tensor<4> {
        let (mut map, mut at) = (images, 0);
        let mut names = self.names.iter().peekable();
        while at < self.features.len() {
            // What follows a convolution is done in one pass with it, outside of training.
            let (next, layers) = match &self.features[at..] {
                [Layer::Conv(conv), Layer::Norm(norm), Layer::Relu(_), ..] => {
                    (conv2d_bn_relu(conv, Some(norm), map), 3)
                }
                [Layer::Conv(conv), Layer::Relu(_), ..] => (conv2d_relu(conv, map), 2),
                layers => (layers[0].forward(map), 1),
            };
            (map, at) = (next, at + layers);
            while let Some((_, name)) = names.next_if(|(before, _)| *before == at) {
                taps.offer(name, &map);
            }
        }
        map
    }
}

impl Classifier for SequentialClassifier {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        linear(self.classifier.last(), self.embed(images))
    }

    fn embed(&self, images: Tensor<4>) -> Tensor<2> {
        let map = self.forward_features(images, &mut FeatureTaps::none()); // [batch, 256, 6, 6]
        match &self.classifier {
            Head::Linear(_) => global_avg_pool(map),
            head => head.embed(flatten_to(map, self.side)), // [batch, 9216] → [batch, 4096]
        }
    }

    fn num_classes(&self) -> usize {
        self.classifier.last().weight.lazy_shape()[1]
    }

    fn with_head(self, num_classes: usize, device: &Device) -> Self {
        let classifier = self
            .classifier
            .with_classes(num_classes, self.last_init, device);
        Self { classifier, ..self }
    }

    fn fuse(mut self) -> Self {
        let mut features: Vec<Layer> = Vec::new();
        for layer in self.features {
            match (features.last_mut(), layer) {
                (Some(Layer::Conv(conv)), Layer::Norm(norm)) => {
                    fuse_conv_bn(conv, &mut Some(norm));
                    // The layers after it move up by one.
                    let fused = features.len();
                    for (before, _) in &mut self.names {
                        *before -= usize::from(*before > fused);
                    }
                }
                (_, layer) => features.push(layer),
            }
        }
        Self { features, ..self }
    }

    fn forward_dense(&self, images: Tensor<4>) -> Tensor<2> {
        let map = self.forward_features(images, &mut FeatureTaps::none());
        match &self.classifier {
            // A linear layer of the mean is the mean of the linear layer.
            Head::Linear(layer) => linear(layer, global_avg_pool(map)),
            head => head.dense(avg_pool_at_least(map, self.side), self.side),
        }
    }

    fn feature_names(&self) -> Vec<&'static str> {
        self.names.iter().map(|(_, name)| *name).collect()
    }

    fn features(
        &self,
        images: Tensor<4>,
        names: &[&str],
    ) -> Result<Vec<Tensor<4>>, UnknownFeature> {
        let mut taps = FeatureTaps::new(names, self.feature_names())?;
        let _ = self.forward_features(images, &mut taps);
        Ok(taps.into_maps())
    }
}

/// The mean of each channel.
///
/// # Shapes
/// - map: `[batch, channels, height, width]`
/// - output: `[batch, channels]`
#[must_use]
pub fn global_avg_pool(map: Tensor<4>) -> Tensor<2> {
    map.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2)
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
pub fn avg_pool_at_least(map: Tensor<4>, side: usize) -> Tensor<4> {
    let [_, _, height, width] = map.dims();
    if height >= side && width >= side {
        return map;
    }
    adaptive_avg_pool2d(map, [height.max(side), width.max(side)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: [LayerSpec; 10] = [
        LayerSpec::Conv(ConvSpec {
            stride: 2,
            padding: 0,
            ..ConvSpec::same(4, 5)
        }),
        LayerSpec::Relu,
        LayerSpec::Feature("relu1"),
        LayerSpec::Lrn,
        LayerSpec::Feature("norm"),
        POOL,
        LayerSpec::Feature("pool"),
        LayerSpec::Conv(ConvSpec {
            groups: 2,
            ..ConvSpec::same(6, 3)
        }),
        LayerSpec::Relu,
        LayerSpec::Feature("relu2"),
    ];

    const POOL: LayerSpec = LayerSpec::MaxPool {
        kernel: 3,
        ceil_mode: true,
    };

    /// The layers of `table` with the smallest head.
    fn network(table: &[LayerSpec], in_channels: usize, device: &Device) -> SequentialClassifier {
        let table = table.iter().copied();
        let (features, names, channels) =
            build(table, in_channels, |_| WeightInit::Uniform, device);
        SequentialClassifier {
            features,
            classifier: Head::Linear(WeightInit::Uniform.linear(channels, 2, device)),
            names,
            side: 1,
            last_init: WeightInit::Uniform,
        }
    }

    #[test]
    fn the_numbers_and_shapes_are_those_of_the_table() {
        let device = Device::flex();
        let network = network(&TABLE, 3, &device);
        let (Layer::Conv(first), Layer::Conv(second)) =
            (&network.features[0], &network.features[4])
        else {
            panic!("layers 0 and 4 are convolutions")
        };
        assert_eq!(first.weight.dims(), [4, 3, 5, 5]);
        assert_eq!(second.weight.dims(), [6, 2, 3, 3]);
        assert_eq!(network.feature_names(), ["relu1", "norm", "pool", "relu2"]);

        let images = Tensor::ones([1, 3, 24, 19], &device);
        let maps = network.features(images, &["norm", "pool", "relu2"]);
        let shapes: Vec<_> = maps
            .expect("known names")
            .iter()
            .map(Tensor::dims)
            .collect();
        // 10 pixels end in half a window, 8 likewise.
        assert_eq!(shapes, [[1, 4, 10, 8], [1, 4, 5, 4], [1, 6, 5, 4]]);
    }

    #[test]
    fn pooling_rounds_as_ceil_mode_says() {
        let device = Device::flex();
        let sides = |ceil_mode| {
            let pool = LayerSpec::MaxPool {
                kernel: 3,
                ceil_mode,
            };
            [110, 26, 13].map(|side| {
                let images = Tensor::ones([1, 1, side, side], &device);
                let network = network(&[pool], 1, &device);
                network
                    .forward_features(images, &mut FeatureTaps::none())
                    .dims()[2]
            })
        };
        assert_eq!(sides(true), [55, 13, 6]);
        assert_eq!(sides(false), [54, 12, 6]);
    }

    #[test]
    fn fused_networks_name_the_same_maps() {
        let device = Device::flex();
        let table = [
            LayerSpec::Conv(ConvSpec::same(4, 3)),
            LayerSpec::BatchNorm,
            LayerSpec::Relu,
            LayerSpec::Feature("conv1"),
            LayerSpec::Conv(ConvSpec::same(4, 3)),
            LayerSpec::BatchNorm,
            LayerSpec::Relu,
            LayerSpec::Feature("conv2"),
            POOL,
            LayerSpec::Feature("pool"),
        ];
        let network = network(&table, 3, &device);
        let images = Tensor::<4>::ones([1, 3, 8, 8], &device);
        let names = ["conv1", "conv2", "pool"];
        let maps = network.features(images.clone(), &names).expect("known");
        let fused = network.fuse();
        assert_eq!(fused.features.len(), 5);
        let tolerance = burn::tensor::Tolerance::<f32>::absolute(1e-5);
        for (map, fused) in maps
            .into_iter()
            .zip(fused.features(images, &names).expect("known"))
        {
            fused
                .into_data()
                .assert_approx_eq(&map.into_data(), tolerance);
        }
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
