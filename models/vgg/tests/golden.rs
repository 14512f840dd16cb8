//! VGGs against PyTorch: torchvision's own where it has them, `xtask/golden/vgg.py` elsewhere.
//!
//! Narrow ones, because the fully connected layers of a full one have 124 million weights. Dropout is off: it is random.

use burn::tensor::Device;
use burn_zoo_blocks::golden::assert_matches;
use burn_zoo_vgg::{Variant, VggConfig};

fn check(variant: Variant, golden: &str) {
    let config = VggConfig::new(variant)
        .with_num_classes(10)
        .with_width(8)
        .with_dropout(0.0);
    assert_matches(golden, |device| config.init(device), &Device::flex());
}

#[test]
fn vgg11() {
    check(Variant::Vgg11, include_str!("golden/vgg11.json"));
}

#[test]
fn vgg11_lrn() {
    check(Variant::Vgg11Lrn, include_str!("golden/vgg11_lrn.json"));
}

#[test]
fn vgg13() {
    check(Variant::Vgg13, include_str!("golden/vgg13.json"));
}

#[test]
fn vgg16_c() {
    check(Variant::Vgg16C, include_str!("golden/vgg16_c.json"));
}

#[test]
fn vgg16() {
    check(Variant::Vgg16, include_str!("golden/vgg16.json"));
}

#[test]
fn vgg19() {
    check(Variant::Vgg19, include_str!("golden/vgg19.json"));
}

#[test]
fn vgg16_bn() {
    check(Variant::Vgg16Bn, include_str!("golden/vgg16_bn.json"));
}

#[test]
fn cifar_vgg11_bn() {
    check(
        Variant::CifarVgg11Bn,
        include_str!("golden/cifar_vgg11_bn.json"),
    );
}
