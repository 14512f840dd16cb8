//! ZFNets against the PyTorch definitions of `xtask/golden/alexnet.py`.

use burn::tensor::Device;
use burn_zoo_blocks::golden::assert_matches;
use burn_zoo_zfnet::{Variant, ZfNetConfig};

/// Compares without dropout, whose zeros are random.
fn check(config: ZfNetConfig, golden: &str) {
    let config = config.with_num_classes(10).with_dropout(0.0);
    assert_matches(golden, |device| config.init(device), &Device::flex());
}

#[test]
fn imagenet_at_a_quarter_of_its_width() {
    check(
        ZfNetConfig::new(Variant::ImageNet).with_width(24),
        include_str!("golden/zfnet.json"),
    );
}

#[test]
fn cifar() {
    check(
        ZfNetConfig::new(Variant::Cifar),
        include_str!("golden/cifar_zfnet.json"),
    );
}
