//! ResNets against PyTorch: torchvision's own where it has them, `xtask/golden/networks.py` elsewhere.

use burn::tensor::Device;
use burn_zoo_blocks::golden::assert_matches;
use burn_zoo_resnet::{ResNetConfig, Variant};

fn check(variant: Variant, golden: &str) {
    let config = ResNetConfig::new(variant).with_num_classes(10);
    assert_matches(golden, |device| config.init(device), &Device::flex());
}

#[test]
fn resnet18() {
    check(Variant::R18, include_str!("golden/resnet18.json"));
}

#[test]
fn resnet50() {
    check(Variant::R50, include_str!("golden/resnet50.json"));
}

#[test]
fn resnet50_paper() {
    check(
        Variant::R50Paper,
        include_str!("golden/resnet50_paper.json"),
    );
}

#[test]
fn plain18() {
    check(Variant::Plain18, include_str!("golden/plain18.json"));
}

#[test]
fn resnet20() {
    check(Variant::R20, include_str!("golden/resnet20.json"));
}
