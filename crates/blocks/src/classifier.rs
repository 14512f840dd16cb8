//! The contract between an architecture and whoever trains or queries it.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::{Device, Tensor};

use crate::UnknownFeature;

/// An image classifier: what every architecture of the zoo is to its callers.
///
/// The three steps of a classifier are separate, as in timm: [`embed`](Self::embed) (everything before the last
/// linear layer), the head, and their composition [`forward`](Self::forward).
pub trait Classifier: Module + ModuleDisplay {
    /// Class scores before the softmax.
    ///
    /// # Shapes
    /// - images: `[batch, channels, height, width]`, normalised
    /// - output: `[batch, num_classes]`
    fn forward(&self, images: Tensor<4>) -> Tensor<2>;

    /// The embedding that the head classifies (timm: `forward_head(..., pre_logits=True)`).
    ///
    /// # Shapes
    /// - images: `[batch, channels, height, width]`, normalised
    /// - output: `[batch, embedding width]`
    fn embed(&self, images: Tensor<4>) -> Tensor<2>;

    /// Number of classes of the head.
    fn num_classes(&self) -> usize;

    /// The same network with a freshly initialised head for `num_classes` classes, the rest untouched.
    fn with_head(self, num_classes: usize, device: &Device) -> Self;

    /// The same network for inference, with every batch normalisation folded into the convolution before it: to be
    /// called on what [`valid`](Module::valid) gives, and not to be trained any more. A file of its weights loads in a network
    /// that was created and fused alike.
    ///
    /// Networks without batch normalisation keep this default; a wrapper around other classifiers must forward the method.
    ///
    /// # Panics
    /// On an autodiff device.
    fn fuse(self) -> Self {
        self
    }

    /// The forward pass of a training step: the scores of the head and of every auxiliary head.
    ///
    /// Networks without auxiliary heads keep this default.
    fn forward_train(&self, images: Tensor<4>) -> TrainingLogits {
        TrainingLogits {
            logits: self.forward(images),
            aux: Vec::new(),
        }
    }

    /// Class scores averaged over all places of an image that is larger than the network's own input (VGG, section
    /// 3.2: "dense evaluation").
    ///
    /// A network that averages its last map keeps this default: its scores are that mean already. One with fully
    /// connected layers slides them over the map.
    ///
    /// # Shapes
    /// - images: `[batch, channels, height, width]`, normalised
    /// - output: `[batch, num_classes]`
    fn forward_dense(&self, images: Tensor<4>) -> Tensor<2> {
        self.forward(images)
    }

    /// Names that [`features`](Self::features) answers to, in the order of the forward pass.
    ///
    /// A network that shows no intermediate maps keeps this default; a wrapper around other classifiers must
    /// forward both methods.
    fn feature_names(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// Intermediate feature maps by name, in the order asked for (timm: `features_only`).
    ///
    /// # Shapes
    /// - images: `[batch, channels, height, width]`, normalised
    /// - each output: `[batch, channels of the map, its height, its width]`
    ///
    /// # Errors
    /// A name that is not one of [`feature_names`](Self::feature_names).
    fn features(
        &self,
        _images: Tensor<4>,
        names: &[&str],
    ) -> Result<Vec<Tensor<4>>, UnknownFeature> {
        match names.first() {
            None => Ok(Vec::new()),
            Some(name) => Err(UnknownFeature {
                name: (*name).to_owned(),
                known: self.feature_names(),
            }),
        }
    }
}

/// What a network answers while it is trained.
#[derive(Debug, Clone)]
pub struct TrainingLogits {
    /// Scores of the main head, `[batch, num_classes]`.
    pub logits: Tensor<2>,
    /// Scores of the auxiliary heads, each with the weight of its loss.
    pub aux: Vec<AuxiliaryLogits>,
}

/// Scores of one auxiliary head.
#[derive(Debug, Clone)]
pub struct AuxiliaryLogits {
    /// Scores, `[batch, num_classes]`.
    pub logits: Tensor<2>,
    /// Weight of this head's loss in the total (GoogLeNet: 0.3).
    pub weight: f64,
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};

    use super::*;

    /// The smallest classifier: the mean of each channel, then a linear layer.
    #[derive(Module, Debug)]
    struct Tiny {
        fc: Linear,
    }

    impl Classifier for Tiny {
        fn forward(&self, images: Tensor<4>) -> Tensor<2> {
            self.fc.forward(self.embed(images))
        }

        fn embed(&self, images: Tensor<4>) -> Tensor<2> {
            images.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2)
        }

        fn num_classes(&self) -> usize {
            self.fc.weight.lazy_shape()[1]
        }

        fn with_head(self, num_classes: usize, device: &Device) -> Self {
            Self {
                fc: LinearConfig::new(self.fc.weight.lazy_shape()[0], num_classes).init(device),
            }
        }
    }

    #[test]
    fn the_defaults_are_no_auxiliary_head_and_no_named_map() {
        let device = Device::flex();
        let network = Tiny {
            fc: LinearConfig::new(3, 5).init(&device),
        };
        let images = Tensor::<4>::ones([2, 3, 4, 4], &device);

        let training = network.forward_train(images.clone());
        assert!(training.aux.is_empty());
        training
            .logits
            .into_data()
            .assert_eq(&network.forward(images.clone()).into_data(), true);

        assert!(
            network
                .features(images.clone(), &[])
                .expect("nothing was asked for")
                .is_empty()
        );
        let error = network
            .features(images, &["fc"])
            .expect_err("no map has a name");
        assert_eq!(error.name, "fc");
    }

    #[test]
    fn a_new_head_answers_for_its_own_classes() {
        let device = Device::flex();
        let network = Tiny {
            fc: LinearConfig::new(3, 5).init(&device),
        }
        .with_head(7, &device);
        assert_eq!(network.num_classes(), 7);
        assert_eq!(
            network.forward(Tensor::ones([2, 3, 4, 4], &device)).dims(),
            [2, 7]
        );
    }
}
