//! AlexNets against PyTorch: torchvision's own, and the definitions of `xtask/golden/alexnet.py`.

use burn::tensor::Device;
use burn_zoo_alexnet::{AlexNetConfig, Variant};
use burn_zoo_blocks::golden::assert_matches;

/// Compares without dropout, whose zeros are random.
fn check(config: AlexNetConfig, golden: &str) {
    let config = config.with_num_classes(10).with_dropout(0.0);
    assert_matches(golden, |device| config.init(device), &Device::flex());
}

#[test]
fn torchvision() {
    check(
        AlexNetConfig::new(Variant::Torchvision),
        include_str!("golden/alexnet.json"),
    );
}

#[test]
fn paper_at_a_quarter_of_its_width() {
    check(
        AlexNetConfig::new(Variant::Paper).with_width(24),
        include_str!("golden/alexnet_paper.json"),
    );
}

#[test]
fn cifar() {
    check(
        AlexNetConfig::new(Variant::Cifar),
        include_str!("golden/cifar_alexnet.json"),
    );
}
