//! Every architecture of the zoo as one module.

use std::fmt;

use burn::module::{
    Content, Devices, DisplaySettings, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper,
    ModuleVisitor,
};
use burn::tensor::{Device, Tensor};
use burn_zoo_alexnet::AlexNet;
use burn_zoo_blocks::{Classifier, TrainingLogits, UnknownFeature};
use burn_zoo_googlenet::GoogLeNet;
use burn_zoo_lenet::LeNet;
use burn_zoo_resnet::ResNet;
use burn_zoo_vgg::Vgg;
use burn_zoo_zfnet::ZfNet;

/// A network of the zoo, whichever its architecture.
///
/// Parameters keep the paths that they have in the architecture's own crate (`layer1.0.conv1.weight`), which
/// `#[derive(Module)]` would prefix with the variant: weights saved here load there, and the other way round.
#[derive(Debug, Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "a network is built once and then borrowed"
)]
pub enum Model {
    /// LeNet-5 and its modern form.
    LeNet(LeNet),
    /// AlexNet, in two groups and in one.
    AlexNet(AlexNet),
    /// ZFNet.
    ZfNet(ZfNet),
    /// The six VGG networks, with and without batch normalisation.
    Vgg(Vgg),
    /// GoogLeNet.
    GoogLeNet(GoogLeNet),
    /// ResNet and the plain networks it is compared with.
    ResNet(ResNet),
}

/// Does the same for every architecture; with `wrap`, what comes out becomes a [`Model`] again.
macro_rules! each {
    ($model:expr, $network:ident => $answer:expr) => {
        match $model {
            Model::LeNet($network) => $answer,
            Model::AlexNet($network) => $answer,
            Model::ZfNet($network) => $answer,
            Model::Vgg($network) => $answer,
            Model::GoogLeNet($network) => $answer,
            Model::ResNet($network) => $answer,
        }
    };
    ($model:expr, wrap $network:ident => $answer:expr) => {
        match $model {
            Model::LeNet($network) => Model::LeNet($answer),
            Model::AlexNet($network) => Model::AlexNet($answer),
            Model::ZfNet($network) => Model::ZfNet($answer),
            Model::Vgg($network) => Model::Vgg($answer),
            Model::GoogLeNet($network) => Model::GoogLeNet($answer),
            Model::ResNet($network) => Model::ResNet($answer),
        }
    };
}

impl Classifier for Model {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        each!(self, network => network.forward(images))
    }

    fn embed(&self, images: Tensor<4>) -> Tensor<2> {
        each!(self, network => network.embed(images))
    }

    fn num_classes(&self) -> usize {
        each!(self, network => network.num_classes())
    }

    fn with_head(self, num_classes: usize, device: &Device) -> Self {
        each!(self, wrap network => network.with_head(num_classes, device))
    }

    fn forward_train(&self, images: Tensor<4>) -> TrainingLogits {
        each!(self, network => network.forward_train(images))
    }

    fn fuse(self) -> Self {
        each!(self, wrap network => network.fuse())
    }

    fn forward_dense(&self, images: Tensor<4>) -> Tensor<2> {
        each!(self, network => network.forward_dense(images))
    }

    fn feature_names(&self) -> &'static [&'static str] {
        each!(self, network => network.feature_names())
    }

    fn features(
        &self,
        images: Tensor<4>,
        names: &[&str],
    ) -> Result<Vec<Tensor<4>>, UnknownFeature> {
        each!(self, network => network.features(images, names))
    }
}

impl Module for Model {
    fn collect_devices(&self, devices: Devices) -> Devices {
        each!(self, network => network.collect_devices(devices))
    }

    fn fork(self, device: &Device) -> Self {
        each!(self, wrap network => network.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        each!(self, wrap network => network.to_device(device))
    }

    fn train(self) -> Self {
        each!(self, wrap network => network.train())
    }

    fn valid(&self) -> Self {
        each!(self, wrap network => network.valid())
    }

    fn materialize(self) -> Self {
        each!(self, wrap network => network.materialize())
    }

    fn visit<Visitor: ModuleVisitor>(&self, visitor: &mut Visitor) {
        each!(self, network => network.visit(visitor))
    }

    fn map<Mapper: ModuleMapper>(self, mapper: &mut Mapper) -> Self {
        each!(self, wrap network => network.map(mapper))
    }
}

impl ModuleDisplayDefault for Model {
    fn content(&self, content: Content) -> Option<Content> {
        each!(self, network => network.content(content))
    }

    fn num_params(&self) -> usize {
        each!(self, network => Module::num_params(network))
    }
}

impl ModuleDisplay for Model {
    fn format(&self, settings: DisplaySettings) -> String {
        each!(self, network => network.format(settings))
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        each!(self, network => fmt::Display::fmt(network, f))
    }
}
