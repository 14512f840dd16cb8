//! Importing one architecture: builds ResNet-50 for ten classes and classifies two pictures of noise.
//!
//! `cargo run --release --manifest-path examples/import-model/Cargo.toml`

use burn::tensor::{Device, Distribution, Tensor};
use burn_zoo_resnet::{Classifier, Depth, ResNetConfig};

fn main() {
    let device = Device::flex();
    let model = ResNetConfig::new(Depth::R50)
        .with_num_classes(10)
        .with_in_channels(3)
        .init(&device);

    let images = Tensor::random([2, 3, 224, 224], Distribution::Normal(0.0, 1.0), &device);
    let logits = model.forward(images);
    println!("logits: {:?}", logits.dims());
}
