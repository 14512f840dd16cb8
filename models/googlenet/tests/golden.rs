//! GoogLeNets against PyTorch: torchvision's own, and the definitions of `xtask/golden/googlenet.py`.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use burn_zoo_blocks::TrainingLogits;
use burn_zoo_blocks::golden::assert_matches;
use burn_zoo_googlenet::{Classifier, GoogLeNet, GoogLeNetConfig, Variant};

/// A network whose training scores are those of its heads side by side, as in the golden files.
///
/// An enum, because the names of its variants are not part of a parameter's path.
#[derive(Module, Debug)]
enum AllScores {
    Of(GoogLeNet),
}

impl AllScores {
    fn network(&self) -> &GoogLeNet {
        let Self::Of(network) = self;
        network
    }
}

impl Classifier for AllScores {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.network().forward(images)
    }

    fn embed(&self, images: Tensor<4>) -> Tensor<2> {
        self.network().embed(images)
    }

    fn num_classes(&self) -> usize {
        self.network().num_classes()
    }

    fn with_head(self, num_classes: usize, device: &Device) -> Self {
        let Self::Of(network) = self;
        Self::Of(network.with_head(num_classes, device))
    }

    fn fuse(self) -> Self {
        let Self::Of(network) = self;
        Self::Of(network.fuse())
    }

    fn forward_train(&self, images: Tensor<4>) -> TrainingLogits {
        let answer = self.network().forward_train(images);
        let aux = answer.aux.into_iter().map(|head| head.logits);
        let logits = std::iter::once(answer.logits).chain(aux).collect();
        TrainingLogits {
            logits: Tensor::cat(logits, 1),
            aux: Vec::new(),
        }
    }
}

/// Compares without dropout, whose zeros are random.
fn check(config: GoogLeNetConfig, golden: &str) {
    let config = config
        .with_num_classes(10)
        .with_dropout(0.0)
        .with_aux_dropout(0.0);
    assert_matches(
        golden,
        |device| AllScores::Of(config.init(device)),
        &Device::flex(),
    );
}

#[test]
fn torchvision_with_both_auxiliary_heads() {
    check(
        GoogLeNetConfig::new(Variant::Torchvision),
        include_str!("golden/googlenet.json"),
    );
}

#[test]
fn torchvision_with_the_input_of_its_pretrained_weights() {
    let config = GoogLeNetConfig::new(Variant::Torchvision)
        .with_aux(false)
        .with_transform_input(true);
    check(config, include_str!("golden/googlenet_transform.json"));
}

#[test]
fn paper_with_both_auxiliary_heads() {
    let config = GoogLeNetConfig::new(Variant::Paper).with_width(16);
    check(config.clone(), include_str!("golden/googlenet_paper.json"));
    check(config, include_str!("golden/googlenet_paper_loud.json"));
}

#[test]
fn cifar() {
    check(
        GoogLeNetConfig::new(Variant::Cifar),
        include_str!("golden/cifar_googlenet.json"),
    );
}
