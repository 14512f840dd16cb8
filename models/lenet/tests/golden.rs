//! LeNet-5 against the PyTorch definitions of `xtask/golden/networks.py`.

use burn::tensor::Device;
use burn_zoo_blocks::golden::assert_matches;
use burn_zoo_lenet::{LeNetConfig, Output, Variant};

fn check(config: &LeNetConfig, golden: &str) {
    assert_matches(golden, |device| config.init(device), &Device::flex());
}

#[test]
fn published() {
    check(
        &LeNetConfig::new(Variant::Published),
        include_str!("golden/lenet5.json"),
    );
}

#[test]
fn published_with_a_linear_output() {
    let config = LeNetConfig::new(Variant::Published).with_output(Output::Softmax);
    check(&config, include_str!("golden/lenet5_softmax.json"));
}

#[test]
fn modern() {
    check(
        &LeNetConfig::new(Variant::Modern),
        include_str!("golden/lenet5_modern.json"),
    );
}
