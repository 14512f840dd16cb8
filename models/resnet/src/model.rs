//! The network: a stem, three or four stages of residual units, average pooling and a linear layer.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor};
use burn_zoo_blocks::{
    Classifier, FeatureTaps, ResidualUnit, ResidualUnitConfig, UnknownFeature, batch_norm,
    conv2d_bn_relu, conv3x3, fuse_conv_bn, kaiming_normal_fan_out, linear, max_pool,
};

use crate::variants::{ResNetConfig, Stem};

/// Names of the feature maps: the activated stem, under torchvision's node name, and the stages.
const FEATURES: &[&str] = &["relu", "layer1", "layer2", "layer3", "layer4"];

/// A residual network.
///
/// Should be created with [`ResNetConfig`]. Fields are torchvision's state-dict keys.
#[derive(Module, Debug)]
pub struct ResNet {
    conv1: Conv2d,
    /// None once it is fused.
    bn1: Option<BatchNorm>,
    /// ImageNet stems only.
    maxpool: Option<MaxPool2d>,
    layer1: Vec<ResidualUnit>,
    layer2: Vec<ResidualUnit>,
    layer3: Vec<ResidualUnit>,
    /// Empty in the CIFAR family, which has three stages.
    layer4: Vec<ResidualUnit>,
    fc: Linear,
}

impl ResNetConfig {
    /// Creates the network with random weights.
    ///
    /// # Panics
    /// If the number of classes, the number of channels or the width is zero, or the stochastic depth not in 0 to below 1.
    #[must_use]
    pub fn init(&self, device: &Device) -> ResNet {
        assert!(
            self.num_classes > 0,
            "a classifier needs at least one class: num_classes is 0"
        );
        assert!(
            self.in_channels > 0,
            "images have at least one channel: in_channels is 0"
        );
        assert!(
            self.plan.width > 0,
            "a network needs at least one channel: width is 0"
        );
        assert!(
            (0.0..1.0).contains(&self.stochastic_depth),
            "stochastic depth is a probability from 0 to below 1: it is {}",
            self.stochastic_depth
        );

        let width = self.plan.width;
        let mut channels = width;
        let mut stages = Vec::new();
        for (stage, &units) in self.plan.stages.iter().enumerate() {
            let (units, out) = self.stage(stage, units, channels, device);
            stages.push(units);
            channels = out;
        }
        let mut stages = stages.into_iter();
        let mut next_stage = || stages.next().unwrap_or_default();
        ResNet {
            conv1: self.stem(device),
            bn1: Some(batch_norm(width, device)),
            maxpool: (self.plan.stem == Stem::Large).then(|| {
                MaxPool2dConfig::new([3, 3])
                    .with_strides([2, 2])
                    .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                    .init()
            }),
            layer1: next_stage(),
            layer2: next_stage(),
            layer3: next_stage(),
            layer4: next_stage(),
            fc: LinearConfig::new(channels, self.num_classes).init(device),
        }
    }

    fn stem(&self, device: &Device) -> Conv2d {
        let channels = [self.in_channels, self.plan.width];
        match self.plan.stem {
            Stem::Small => conv3x3(channels, 1, device),
            Stem::Large => Conv2dConfig::new(channels, [7, 7])
                .with_stride([2, 2])
                .with_padding(PaddingConfig2d::Explicit(3, 3, 3, 3))
                .with_bias(false)
                .with_initializer(kaiming_normal_fan_out(channels[1], [7, 7]))
                .init(device),
        }
    }

    /// The units of one stage, counted from zero, and the channels that they give.
    fn stage(
        &self,
        stage: usize,
        units: usize,
        channels_in: usize,
        device: &Device,
    ) -> (Vec<ResidualUnit>, usize) {
        let plan = &self.plan;
        let before: usize = plan.stages[..stage].iter().sum();
        let all: usize = plan.stages.iter().sum();
        let unit = |unit: usize| {
            let config = ResidualUnitConfig {
                kind: plan.kind,
                channels_in,
                width: plan.width << stage,
                stride: if stage == 0 { 1 } else { 2 },
                shortcut: plan.shortcut,
                drop: self.stochastic_depth * (before + unit + 1) as f64 / all as f64,
            };
            match unit {
                0 => config,
                _ => ResidualUnitConfig {
                    channels_in: config.channels_out(),
                    stride: 1,
                    ..config
                },
            }
        };
        let out = unit(0).channels_out();
        let units = (0..units).map(|index| unit(index).init(device)).collect();
        (units, out)
    }
}

impl ResNet {
    /// Everything before the pooling.
    ///
    /// # Shapes
    /// - images: `[batch, channels, height, width]`
    /// - output: `[batch, channels of the last stage, height / 32, width / 32]`, rounded up; / 4 in the CIFAR family,
    ///   / 8 with ImageNet's stages on a CIFAR stem
    fn stages(&self, images: Tensor<4>, taps: &mut FeatureTaps) -> Tensor<4> {
        let mut map = conv2d_bn_relu(&self.conv1, self.bn1.as_ref(), images);
        taps.offer("relu", &map);
        if let Some(maxpool) = &self.maxpool {
            map = max_pool(maxpool, map);
        }
        let layers = [&self.layer1, &self.layer2, &self.layer3, &self.layer4];
        for (name, layer) in FEATURES[1..].iter().zip(layers) {
            map = layer.iter().fold(map, |map, unit| unit.forward(map));
            taps.offer(name, &map);
        }
        map
    }
}

impl Classifier for ResNet {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        linear(&self.fc, self.embed(images))
    }

    fn embed(&self, images: Tensor<4>) -> Tensor<2> {
        let map = self.stages(images, &mut FeatureTaps::none()); // [batch, channels, height, width]
        map.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2) // [batch, channels]
    }

    fn num_classes(&self) -> usize {
        self.fc.weight.lazy_shape()[1]
    }

    fn with_head(mut self, num_classes: usize, device: &Device) -> Self {
        let embedding = self.fc.weight.lazy_shape()[0];
        self.fc = LinearConfig::new(embedding, num_classes).init(device);
        self
    }

    fn fuse(mut self) -> Self {
        fuse_conv_bn(&mut self.conv1, &mut self.bn1);
        let fuse = |layer: Vec<ResidualUnit>| layer.into_iter().map(ResidualUnit::fuse).collect();
        Self {
            layer1: fuse(self.layer1),
            layer2: fuse(self.layer2),
            layer3: fuse(self.layer3),
            layer4: fuse(self.layer4),
            ..self
        }
    }

    fn feature_names(&self) -> Vec<&'static str> {
        if self.layer4.is_empty() {
            FEATURES[..4].to_vec()
        } else {
            FEATURES.to_vec()
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
