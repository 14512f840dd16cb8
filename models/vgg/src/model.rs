//! The network: five blocks of convolutions, each ended by max-pooling, and fully connected layers.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use burn_zoo_blocks::{
    Classifier, Taps, UnknownFeature, conv2d_bn_relu, conv2d_relu, fold, linear,
};

use crate::config::VggConfig;
use crate::head::Head;
use crate::layers::Layer;

/// Names of the feature maps: each block before its pooling, and what the last pooling leaves.
const FEATURES: &[&str] = &["block1", "block2", "block3", "block4", "block5", "pool5"];

/// A VGG network.
///
/// Should be created with [`VggConfig`]. Fields are torchvision's state-dict keys.
#[derive(Module, Debug)]
pub struct Vgg {
    features: Vec<Layer>,
    classifier: Head,
}

impl VggConfig {
    /// Creates the network with random weights.
    ///
    /// # Panics
    /// If the number of classes, the number of channels or the width is zero, or the dropout not in 0 to below 1.
    #[must_use]
    pub fn init(&self, device: &Device) -> Vgg {
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
            "dropout is a share from 0 to below 1: it is {dropout}"
        );
        let (features, channels) = self.layers(device);
        Vgg {
            features,
            classifier: self.head(channels, device),
        }
    }
}

impl Vgg {
    /// Everything before the fully connected layers.
    ///
    /// # Shapes
    /// - images: `[batch, channels, height, width]`
    /// - output: `[batch, 512, height / 32, width / 32]`, rounded down
    fn blocks(&self, images: Tensor<4>, taps: &mut Taps) -> Tensor<4> {
        let mut blocks = FEATURES.iter();
        let (mut map, mut layers) = (images, self.features.as_slice());
        while let [layer, rest @ ..] = layers {
            if matches!(layer, Layer::Pool(_))
                && let Some(block) = blocks.next()
            {
                taps.offer(block, &map);
            }
            // What follows a convolution is done in one pass with it, outside of training.
            (map, layers) = match (layer, rest) {
                (Layer::Conv(conv), [Layer::Norm(norm), Layer::Relu(_), rest @ ..]) => {
                    (conv2d_bn_relu(conv, Some(norm), map), rest)
                }
                (Layer::Conv(conv), [Layer::Relu(_), rest @ ..]) => (conv2d_relu(conv, map), rest),
                (layer, rest) => (layer.forward(map), rest),
            };
        }
        taps.offer("pool5", &map);
        map
    }
}

impl Classifier for Vgg {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        linear(self.classifier.last(), self.embed(images))
    }

    fn embed(&self, images: Tensor<4>) -> Tensor<2> {
        self.classifier
            .embed(self.blocks(images, &mut Taps::none()))
    }

    fn num_classes(&self) -> usize {
        self.classifier.last().weight.lazy_shape()[1]
    }

    fn with_head(self, num_classes: usize, device: &Device) -> Self {
        let classifier = self.classifier.with_classes(num_classes, device);
        Self { classifier, ..self }
    }

    fn fuse(self) -> Self {
        let mut features: Vec<Layer> = Vec::new();
        for layer in self.features {
            match (features.last_mut(), layer) {
                (Some(Layer::Conv(conv)), Layer::Norm(norm)) => fold(conv, &mut Some(norm)),
                (_, layer) => features.push(layer),
            }
        }
        Self { features, ..self }
    }

    fn forward_dense(&self, images: Tensor<4>) -> Tensor<2> {
        let map = self.blocks(images, &mut Taps::none());
        self.classifier.dense(map)
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
        self.blocks(images, &mut taps);
        Ok(taps.into_maps())
    }
}
