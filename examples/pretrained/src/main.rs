//! Importing one architecture: builds a network for ten classes and classifies two images of noise.
//!
//! `cargo run --release --manifest-path examples/import-model/Cargo.toml`
//!
//! Another one: `--no-default-features --features vgg`, or `alexnet`, `googlenet`, `lenet`, `zfnet`.

use burn::tensor::{Device, Distribution, Tensor};

#[cfg(feature = "resnet")]
fn main() {
    use burn_zoo_resnet::{Classifier, Depth, ResNetConfig};

    let device = Device::flex();
    let model = ResNetConfig::new(Depth::R50)
        .with_num_classes(10)
        .with_in_channels(3)
        .init(&device);
    let logits = model.forward(noise([2, 3, 224, 224], &device));
    println!("logits: {:?}", logits.dims());
}

#[cfg(all(feature = "alexnet", not(feature = "resnet")))]
fn main() {
    use burn_zoo_alexnet::{AlexNetConfig, Classifier, Variant};

    let device = Device::flex();
    let model = AlexNetConfig::new(Variant::Cifar).init(&device);
    let logits = model.forward(noise([2, 3, 32, 32], &device));
    println!("logits: {:?}", logits.dims());
}

#[cfg(all(feature = "googlenet", not(feature = "resnet")))]
fn main() {
    use burn_zoo_googlenet::{Classifier, GoogLeNetConfig, Variant};

    let device = Device::flex();
    let model = GoogLeNetConfig::new(Variant::Cifar).init(&device);
    let logits = model.forward(noise([2, 3, 32, 32], &device));
    println!("logits: {:?}", logits.dims());
}

#[cfg(all(feature = "lenet", not(feature = "resnet")))]
fn main() {
    use burn_zoo_lenet::{Classifier, LeNetConfig, Variant};

    let device = Device::flex();
    let model = LeNetConfig::new(Variant::Modern).init(&device);
    let logits = model.forward(noise([2, 1, 32, 32], &device));
    println!("logits: {:?}", logits.dims());
}

#[cfg(all(feature = "vgg", not(feature = "resnet")))]
fn main() {
    use burn_zoo_vgg::{Classifier, Variant, VggConfig};

    let device = Device::flex();
    let model = VggConfig::new(Variant::CifarVgg11Bn).init(&device);
    let logits = model.forward(noise([2, 3, 32, 32], &device));
    println!("logits: {:?}", logits.dims());
}

#[cfg(all(feature = "zfnet", not(feature = "resnet")))]
fn main() {
    use burn_zoo_zfnet::{Classifier, Variant, ZfNetConfig};

    let device = Device::flex();
    let model = ZfNetConfig::new(Variant::Cifar).init(&device);
    let logits = model.forward(noise([2, 3, 32, 32], &device));
    println!("logits: {:?}", logits.dims());
}

fn noise(shape: [usize; 4], device: &Device) -> Tensor<4> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}
