//! Every architecture of the zoo as one module: the `models!` list at the end of this file.

use std::fmt;

use burn::module::{
    Content, Devices, DisplaySettings, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper,
    ModuleVisitor,
};
use burn::tensor::{Device, Tensor};
use burn_zoo_blocks::{Classifier, ModelFamily, ModelOptions, TrainingLogits, UnknownFeature};

/// Makes [`Arch`] and [`Model`] from a list of `Network(crate)`: a variant for each, and every method passed on to it.
macro_rules! models {
    ($($(#[$doc:meta])* $network:ident($package:ident),)*) => {
        /// The architecture behind a name: a variant of one of the model crates.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Arch {
            $($(#[$doc])* $network($package::Variant),)*
        }

        /// A network of the zoo, whichever its architecture.
        ///
        /// Parameters keep the paths that they have in the architecture's own crate (`layer1.0.conv1.weight`), which
        /// `#[derive(Module)]` would prefix with the variant: weights saved here load there, and the other way round.
        #[derive(Debug, Clone)]
        #[allow(clippy::large_enum_variant, reason = "a network is built once and then borrowed")]
        pub enum Model {
            $($(#[$doc])* $network($package::$network),)*
        }

        /// The same expression for every architecture; with `wrap`, the result becomes a [`Model`] again.
        macro_rules! each {
            ($of:ident, $value:expr, $inner:ident => $result:expr) => {
                match $value { $($of::$network($inner) => $result,)* }
            };
            ($value:expr, wrap $inner:ident => $result:expr) => {
                match $value { $(Model::$network($inner) => Model::$network($result),)* }
            };
        }

        impl Arch {
            /// Creates the network with random weights, which are drawn when they are first used.
            pub(crate) fn create(self, options: &ModelOptions, device: &Device) -> Model {
                match self {
                    $(Self::$network(variant) => Model::$network(variant.create(options, device)),)*
                }
            }
        }
    };
}

models! {
    /// LeNet-5 and its modern form.
    LeNet(burn_zoo_lenet),
    /// AlexNet, in two groups and in one.
    AlexNet(burn_zoo_alexnet),
    /// ZFNet.
    ZfNet(burn_zoo_zfnet),
    /// The six VGG networks, with and without batch normalisation.
    Vgg(burn_zoo_vgg),
    /// GoogLeNet.
    GoogLeNet(burn_zoo_googlenet),
    /// ResNet and the plain networks it is compared with.
    ResNet(burn_zoo_resnet),
}

impl Arch {
    /// Least height and width of the images, in pixels.
    pub(crate) const fn min_size(self) -> usize {
        each!(Arch, self, variant => variant.min_size())
    }

    /// The same for a network with these options.
    pub(crate) fn min_size_with(self, options: &ModelOptions) -> usize {
        each!(Arch, self, variant => variant.min_size_with(options))
    }

    pub(crate) fn has_dropout(self) -> bool {
        each!(Arch, self, variant => variant.has_dropout())
    }

    pub(crate) fn has_stochastic_depth(self) -> bool {
        each!(Arch, self, variant => variant.has_stochastic_depth())
    }

    pub(crate) fn has_aux_heads(self) -> bool {
        each!(Arch, self, variant => variant.has_aux_heads())
    }
}

impl Classifier for Model {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        each!(Model, self, network => network.forward(images))
    }

    fn embed(&self, images: Tensor<4>) -> Tensor<2> {
        each!(Model, self, network => network.embed(images))
    }

    fn num_classes(&self) -> usize {
        each!(Model, self, network => network.num_classes())
    }

    fn with_head(self, num_classes: usize, device: &Device) -> Self {
        each!(self, wrap network => network.with_head(num_classes, device))
    }

    fn forward_train(&self, images: Tensor<4>) -> TrainingLogits {
        each!(Model, self, network => network.forward_train(images))
    }

    fn fuse(self) -> Self {
        each!(self, wrap network => network.fuse())
    }

    fn forward_dense(&self, images: Tensor<4>) -> Tensor<2> {
        each!(Model, self, network => network.forward_dense(images))
    }

    fn feature_names(&self) -> Vec<&'static str> {
        each!(Model, self, network => network.feature_names())
    }

    fn features(
        &self,
        images: Tensor<4>,
        names: &[&str],
    ) -> Result<Vec<Tensor<4>>, UnknownFeature> {
        each!(Model, self, network => network.features(images, names))
    }
}

impl Module for Model {
    fn collect_devices(&self, devices: Devices) -> Devices {
        each!(Model, self, network => network.collect_devices(devices))
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
        each!(Model, self, network => network.visit(visitor))
    }

    fn map<Mapper: ModuleMapper>(self, mapper: &mut Mapper) -> Self {
        each!(self, wrap network => network.map(mapper))
    }
}

impl ModuleDisplayDefault for Model {
    fn content(&self, content: Content) -> Option<Content> {
        each!(Model, self, network => network.content(content))
    }

    fn num_params(&self) -> usize {
        each!(Model, self, network => Module::num_params(network))
    }
}

impl ModuleDisplay for Model {
    fn format(&self, settings: DisplaySettings) -> String {
        each!(Model, self, network => network.format(settings))
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        each!(Model, self, network => fmt::Display::fmt(network, f))
    }
}
