//! The network: a stem, nine inception modules in three stages, and a linear layer on the mean of the last map.

use burn::module::Module;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Dropout, DropoutConfig, Initializer, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo_blocks::{
    AuxiliaryLogits, BasicConv2d, Classifier, FeatureTaps, Inception, InceptionStyle,
    LocalResponseNorm, LocalResponseNormConfig, TrainingLogits, UnknownFeature, WeightInit, linear,
    max_pool,
};

use crate::aux_head::AuxHead;
use crate::rescale::rescale;
use crate::variants::{GoogLeNetConfig, Row, STEM, TABLE_1, Variant};

/// Names of the feature maps, which are torchvision's. A pooling's map is taken before the normalisation that follows
/// it in the paper, a convolution's before the one that follows that.
const FEATURES: &[&str] = &[
    "conv1",
    "maxpool1",
    "conv2",
    "conv3",
    "maxpool2",
    "inception3a",
    "inception3b",
    "maxpool3",
    "inception4a",
    "inception4b",
    "inception4c",
    "inception4d",
    "inception4e",
    "maxpool4",
    "inception5a",
    "inception5b",
];
/// The same without the pooling that the CIFAR network leaves out.
const CIFAR_FEATURES: &[&str] = &[
    "conv1",
    "conv2",
    "conv3",
    "maxpool2",
    "inception3a",
    "inception3b",
    "maxpool3",
    "inception4a",
    "inception4b",
    "inception4c",
    "inception4d",
    "inception4e",
    "maxpool4",
    "inception5a",
    "inception5b",
];

/// What the auxiliary heads see, in their order.
const AUX_FEATURES: &[&str] = &["inception4a", "inception4d"];
/// Weight of an auxiliary head's loss (section 5).
const AUX_WEIGHT: f64 = 0.3;

/// A GoogLeNet.
///
/// Should be created with [`GoogLeNetConfig`]. Fields are torchvision's state-dict keys.
#[derive(Module, Debug)]
pub struct GoogLeNet {
    conv1: BasicConv2d,
    /// Not in the CIFAR network.
    maxpool1: Option<MaxPool2d>,
    conv2: BasicConv2d,
    conv3: BasicConv2d,
    maxpool2: MaxPool2d,
    inception3a: Inception,
    inception3b: Inception,
    maxpool3: MaxPool2d,
    inception4a: Inception,
    inception4b: Inception,
    inception4c: Inception,
    inception4d: Inception,
    inception4e: Inception,
    maxpool4: MaxPool2d,
    inception5a: Inception,
    inception5b: Inception,
    aux1: Option<AuxHead>,
    aux2: Option<AuxHead>,
    dropout: Dropout,
    fc: Linear,
    /// The paper's network only; after the first pooling and before the second.
    lrn: Option<LocalResponseNorm>,
    #[module(skip)]
    variant: Variant,
    #[module(skip)]
    transform_input: bool,
}

impl GoogLeNetConfig {
    /// Creates the network with random weights.
    ///
    /// # Panics
    /// If the number of classes, the number of channels or the width is zero, a dropout not in 0 to below 1, the
    /// input rescaled without being RGB, or the input size too small for the paper's auxiliary heads.
    #[must_use]
    pub fn init(&self, device: &Device) -> GoogLeNet {
        self.check();
        let style = self.variant.style();
        let [first, reduce, wide] = STEM.map(|channels| self.scaled(channels));
        let [kernel, stride] = self.variant.first();

        let mut channels = wide;
        let mut inception = |row: Row| {
            let config = self.inception(row, channels);
            channels = config.channels_out();
            (config.init(device), channels)
        };
        let [inception3a, inception3b] = TABLE_1.inception3.map(&mut inception);
        let inception4 = TABLE_1.inception4.map(&mut inception);
        let inception5 = TABLE_1.inception5.map(&mut inception);
        let aux = |channels| self.aux.then(|| self.aux_head(channels, device));
        let [aux1, aux2] = [aux(inception4[0].1), aux(inception4[3].1)];
        let [
            inception4a,
            inception4b,
            inception4c,
            inception4d,
            inception4e,
        ] = inception4.map(|(module, _)| module);
        let [(inception5a, _), (inception5b, embedding)] = inception5;

        GoogLeNet {
            conv1: BasicConv2d::new(style, [self.in_channels, first], kernel, stride, device),
            maxpool1: (self.variant != Variant::Cifar).then(|| pool(3)),
            conv2: BasicConv2d::new(style, [first, reduce], 1, 1, device),
            conv3: BasicConv2d::new(style, [reduce, wide], 3, 1, device),
            maxpool2: pool(3),
            inception3a: inception3a.0,
            inception3b: inception3b.0,
            maxpool3: pool(3),
            inception4a,
            inception4b,
            inception4c,
            inception4d,
            inception4e,
            maxpool4: pool(self.variant.last_pool()),
            inception5a,
            inception5b,
            aux1,
            aux2,
            dropout: DropoutConfig::new(self.dropout).init(),
            fc: linear_layer(style, embedding, self.num_classes, device),
            lrn: (style == InceptionStyle::Paper).then(|| LocalResponseNormConfig::new().init()),
            variant: self.variant,
            transform_input: self.transform_input,
        }
    }

    fn check(&self) {
        assert!(
            self.num_classes > 0,
            "a classifier needs at least one class: num_classes is 0"
        );
        assert!(
            self.in_channels > 0,
            "images have at least one channel: in_channels is 0"
        );
        assert!(
            self.width > 0,
            "a network needs at least one channel: width is 0"
        );
        assert!(
            self.in_channels == 3 || !self.transform_input,
            "transform_input rescales the three channels of RGB images: in_channels is {}",
            self.in_channels
        );
        for dropout in [self.dropout, self.aux_dropout] {
            assert!(
                (0.0..1.0).contains(&dropout),
                "dropout is a probability from 0 to below 1: it is {dropout}"
            );
        }
    }
}

/// Max-pooling of stride 2, its size rounded up: pixels that fill no window get a smaller one.
fn pool(kernel: usize) -> MaxPool2d {
    MaxPool2dConfig::new([kernel, kernel])
        .with_strides([2, 2])
        .with_ceil_mode(true)
        .init()
}

/// A linear layer. In torchvision's style it starts with weights of N(0, 0.01), its bias as PyTorch's by default:
/// uniform in ±1/√fan-in. In the paper's it starts as its convolutions do.
pub(crate) fn linear_layer(
    style: InceptionStyle,
    inputs: usize,
    outputs: usize,
    device: &Device,
) -> Linear {
    match style {
        InceptionStyle::Paper => WeightInit::He.linear(inputs, outputs, device),
        InceptionStyle::Torchvision => {
            let mut linear = LinearConfig::new(inputs, outputs).init(device);
            let normal = Initializer::Normal {
                mean: 0.0,
                std: 0.01,
            };
            linear.weight = normal.init([inputs, outputs], device);
            linear
        }
    }
}

impl GoogLeNet {
    /// Everything before the pooling that gives the embedding.
    ///
    /// # Shapes
    /// - images: `[batch, channels, height, width]`
    /// - output: `[batch, 1024, height / 32, width / 32]`, rounded; / 8 in the CIFAR network
    fn stages(&self, images: Tensor<4>, taps: &mut FeatureTaps) -> Tensor<4> {
        let map = self.stem(images, taps); // [batch, 192, 28, 28] of images of 224×224
        let map = tapped("inception3a", self.inception3a.forward(map), taps); // [batch, 256, 28, 28]
        let map = tapped("inception3b", self.inception3b.forward(map), taps); // [batch, 480, 28, 28]
        let map = tapped("maxpool3", max_pool(&self.maxpool3, map), taps); // [batch, 480, 14, 14]
        let map = tapped("inception4a", self.inception4a.forward(map), taps); // [batch, 512, 14, 14]
        let map = tapped("inception4b", self.inception4b.forward(map), taps); // [batch, 512, 14, 14]
        let map = tapped("inception4c", self.inception4c.forward(map), taps); // [batch, 512, 14, 14]
        let map = tapped("inception4d", self.inception4d.forward(map), taps); // [batch, 528, 14, 14]
        let map = tapped("inception4e", self.inception4e.forward(map), taps); // [batch, 832, 14, 14]
        let map = tapped("maxpool4", max_pool(&self.maxpool4, map), taps); // [batch, 832, 7, 7]
        let map = tapped("inception5a", self.inception5a.forward(map), taps); // [batch, 832, 7, 7]
        tapped("inception5b", self.inception5b.forward(map), taps) // [batch, 1024, 7, 7]
    }

    fn stem(&self, images: Tensor<4>, taps: &mut FeatureTaps) -> Tensor<4> {
        let images = if self.transform_input {
            rescale(images)
        } else {
            images
        };
        let mut map = tapped("conv1", self.conv1.forward(images), taps); // [batch, 64, 112, 112]
        if let Some(maxpool1) = &self.maxpool1 {
            map = tapped("maxpool1", max_pool(maxpool1, map), taps); // [batch, 64, 56, 56]
        }
        let map = self.normalize(map);
        let map = tapped("conv2", self.conv2.forward(map), taps); // [batch, 64, 56, 56]
        let map = tapped("conv3", self.conv3.forward(map), taps); // [batch, 192, 56, 56]
        let map = self.normalize(map);
        tapped("maxpool2", max_pool(&self.maxpool2, map), taps) // [batch, 192, 28, 28]
    }

    fn normalize(&self, map: Tensor<4>) -> Tensor<4> {
        match &self.lrn {
            Some(lrn) => lrn.forward(map),
            None => map,
        }
    }

    /// # Shapes
    /// - map: `[batch, 1024, height, width]`
    /// - output: `[batch, 1024]`
    fn pooled(&self, map: Tensor<4>) -> Tensor<2> {
        let vector = map.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2);
        self.dropout.forward(vector)
    }
}

/// The map, after it was offered under its name.
fn tapped(name: &str, map: Tensor<4>, taps: &mut FeatureTaps) -> Tensor<4> {
    taps.offer(name, &map);
    map
}

impl Classifier for GoogLeNet {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        linear(&self.fc, self.embed(images))
    }

    fn embed(&self, images: Tensor<4>) -> Tensor<2> {
        self.pooled(self.stages(images, &mut FeatureTaps::none()))
    }

    fn num_classes(&self) -> usize {
        self.fc.weight.lazy_shape()[1]
    }

    /// The same network with freshly initialised heads, the auxiliary ones too, for `num_classes` classes. Of an
    /// auxiliary head only the last layer is fresh.
    fn with_head(self, num_classes: usize, device: &Device) -> Self {
        let style = self.variant.style();
        let embedding = self.fc.weight.lazy_shape()[0];
        let aux = |head: AuxHead| head.with_classes(style, num_classes, device);
        Self {
            aux1: self.aux1.map(aux),
            aux2: self.aux2.map(aux),
            fc: linear_layer(style, embedding, num_classes, device),
            ..self
        }
    }

    fn fuse(self) -> Self {
        Self {
            conv1: self.conv1.fuse(),
            conv2: self.conv2.fuse(),
            conv3: self.conv3.fuse(),
            inception3a: self.inception3a.fuse(),
            inception3b: self.inception3b.fuse(),
            inception4a: self.inception4a.fuse(),
            inception4b: self.inception4b.fuse(),
            inception4c: self.inception4c.fuse(),
            inception4d: self.inception4d.fuse(),
            inception4e: self.inception4e.fuse(),
            inception5a: self.inception5a.fuse(),
            inception5b: self.inception5b.fuse(),
            aux1: self.aux1.map(AuxHead::fuse),
            aux2: self.aux2.map(AuxHead::fuse),
            ..self
        }
    }

    fn forward_train(&self, images: Tensor<4>) -> TrainingLogits {
        let heads = self.aux1.iter().chain(&self.aux2);
        let wanted = if self.aux1.is_some() {
            AUX_FEATURES
        } else {
            &[]
        };
        let mut taps =
            FeatureTaps::new(wanted, FEATURES.to_vec()).expect("every network has these maps");
        let map = self.stages(images, &mut taps);
        let aux = heads
            .zip(taps.into_maps())
            .map(|(head, map)| AuxiliaryLogits {
                logits: head.forward(map),
                weight: AUX_WEIGHT,
            });
        TrainingLogits {
            aux: aux.collect(),
            logits: linear(&self.fc, self.pooled(map)),
        }
    }

    fn feature_names(&self) -> Vec<&'static str> {
        match self.variant {
            Variant::Torchvision | Variant::Paper => FEATURES.to_vec(),
            Variant::Cifar => CIFAR_FEATURES.to_vec(),
        }
    }

    fn features(
        &self,
        images: Tensor<4>,
        names: &[&str],
    ) -> Result<Vec<Tensor<4>>, UnknownFeature> {
        let mut taps = FeatureTaps::new(names, self.feature_names())?;
        self.stages(images, &mut taps);
        Ok(taps.into_maps())
    }
}
