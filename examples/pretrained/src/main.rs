//! Loads a PyTorch checkpoint of a ResNet and classifies an image.
//!
//! `cargo run --release --manifest-path examples/Cargo.toml -p pretrained -- resnet18-f37072fd.pth photo.jpg`
//!
//! Checkpoints of ResNet-18 from torchvision (ImageNet) and of ResNet-20 from akamaster (CIFAR-10) are told apart by their names.

use std::error::Error;
use std::path::Path;

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use burn_zoo_resnet::{Classifier, ResNetConfig, Variant};
use burn_zoo_weights::{LoadOptions, WeightsFile};
use image::imageops::FilterType;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [weights, photo] = arguments.as_slice() else {
        return Err("usage: pretrained WEIGHTS.pth IMAGE".into());
    };
    let is_cifar = weights.contains("resnet20");
    let (variant, resize, crop) = match is_cifar {
        true => (Variant::R20, 32, 32),
        false => (Variant::R18, 256, 224),
    };

    let device = Device::flex();
    let model = ResNetConfig::new(variant).init(&device);
    let options = LoadOptions {
        // akamaster calls the last layer `linear`.
        aliases: |key| key.strip_prefix("linear.").map(|rest| format!("fc.{rest}")),
        ..LoadOptions::default()
    };
    let (model, report) = WeightsFile::open(Path::new(weights))?.load_into(model, &options)?;
    eprintln!("{} tensors loaded", report.loaded);

    let images = preprocess(Path::new(photo), resize, crop, &device)?; // [1, 3, crop, crop]
    let probabilities = softmax(model.forward(images), 1); // [1, classes]
    let probabilities: Vec<f32> = probabilities
        .into_data()
        .try_to_vec()
        .map_err(|e| format!("{e:?}"))?;
    let mut classes: Vec<usize> = (0..probabilities.len()).collect();
    classes.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    for class in classes.into_iter().take(5) {
        println!("class {class}: {:.1} %", 100.0 * probabilities[class]);
    }
    Ok(())
}

/// Shorter side to `resize`, centre crop to `crop`, normalised by ImageNet's mean and std: torchvision's evaluation.
fn preprocess(
    path: &Path,
    resize: u32,
    crop: u32,
    device: &Device,
) -> Result<Tensor<4>, Box<dyn Error>> {
    const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
    const STD: [f32; 3] = [0.229, 0.224, 0.225];
    let photo = image::open(path)?.to_rgb8();
    let scale = f64::from(resize) / f64::from(photo.width().min(photo.height()));
    let [width, height] =
        [photo.width(), photo.height()].map(|side| (f64::from(side) * scale).round() as u32);
    let photo = image::imageops::resize(&photo, width, height, FilterType::Triangle);
    let (left, top) = ((width - crop) / 2, (height - crop) / 2);
    let photo = image::imageops::crop_imm(&photo, left, top, crop, crop).to_image();
    let mut values = Vec::new();
    for channel in 0..3 {
        let plane = photo
            .pixels()
            .map(|pixel| f32::from(pixel[channel]) / 255.0);
        values.extend(plane.map(|value| (value - MEAN[channel]) / STD[channel]));
    }
    let shape = [1, 3, crop as usize, crop as usize];
    Ok(Tensor::from_data(TensorData::new(values, shape), device))
}
