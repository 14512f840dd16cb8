//! The network: five convolutions and three fully connected layers.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use burn_zoo_blocks::stack::{Layer, build, covering, flatten_to, run};
use burn_zoo_blocks::{
    Classifier, DropoutSide, FullyConnected, FullyConnectedConfig, Taps, UnknownFeature, linear,
};

use crate::config::{FEATURES, Variant, ZfNetConfig};

/// A ZFNet.
///
/// Should be created with [`ZfNetConfig`]. Fields are named as in torchvision's networks of the same kind.
#[derive(Module, Debug)]
pub struct ZfNet {
    features: Vec<Layer>,
    classifier: FullyConnected,
    #[module(skip)]
    variant: Variant,
}

impl ZfNetConfig {
    /// Creates the network with random weights.
    ///
    /// # Panics
    /// If the number of classes, the number of channels or the width is zero, or the dropout not in 0 to below 1.
    #[must_use]
    pub fn init(&self, device: &Device) -> ZfNet {
        let Self {
            variant,
            num_classes,
            in_channels,
            width,
            dropout,
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
            "dropout is a share from 0 to below 1: it is {dropout}"
        );
        let start = variant.hidden_start();
        let (features, channels) = build(self.rows(), in_channels, |_| start, device);
        let classifier = FullyConnectedConfig {
            inputs: channels * variant.side().pow(2),
            hidden: self.hidden(),
            classes: num_classes,
            side: DropoutSide::After,
            dropout,
            hidden_start: start,
            last_start: variant.last_start(),
        };
        ZfNet {
            features,
            classifier: classifier.init(device),
            variant,
        }
    }
}

impl ZfNet {
    /// Everything before the fully connected layers.
    ///
    /// # Shapes
    /// - images: `[batch, channels, height, width]`
    /// - output: `[batch, 256, 6, 6]` for images of 224×224, `[batch, 256, 2, 2]` for CIFAR's of 32×32
    fn convolutions(&self, images: Tensor<4>, taps: &mut Taps) -> Tensor<4> {
        run(&self.features, images, FEATURES, taps)
    }
}

/// Images have at least [`Variant::min_size`] pixels on each side.
impl Classifier for ZfNet {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        linear(self.classifier.last(), self.embed(images))
    }

    fn embed(&self, images: Tensor<4>) -> Tensor<2> {
        let map = self.convolutions(images, &mut Taps::none()); // [batch, 256, 6, 6]
        let vector = flatten_to(map, self.variant.side()); // [batch, 9216]
        self.classifier.embed(vector) // [batch, 4096]
    }

    fn num_classes(&self) -> usize {
        self.classifier.last().weight.lazy_shape()[1]
    }

    fn with_head(self, num_classes: usize, device: &Device) -> Self {
        let start = self.variant.last_start();
        let classifier = self.classifier.with_classes(num_classes, start, device);
        Self { classifier, ..self }
    }

    fn forward_dense(&self, images: Tensor<4>) -> Tensor<2> {
        let map = self.convolutions(images, &mut Taps::none());
        let side = self.variant.side();
        self.classifier.dense(covering(map, side), side)
    }

    fn feature_names(&self) -> &'static [&'static str] {
        FEATURES
    }

    fn features(
        &self,
        images: Tensor<4>,
        names: &[&str],
    ) -> Result<Vec<Tensor<4>>, UnknownFeature> {
        let mut taps = Taps::new(names, FEATURES)?;
        let _ = self.convolutions(images, &mut taps);
        Ok(taps.into_maps())
    }
}
