//! Prints the shapes of a network's feature maps, and which channel of one answers an image most strongly.
//!
//! `cargo run --release --manifest-path examples/Cargo.toml -p features`

use std::error::Error;

use burn::tensor::{Device, Distribution, Tensor};
use burn_zoo_vgg::{Classifier, Variant, VggConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let device = Device::flex();
    let model = VggConfig::new(Variant::CifarVgg11Bn).init(&device);
    let images = Tensor::<4>::random([1, 3, 32, 32], Distribution::Normal(0.0, 1.0), &device);

    let names = model.feature_names();
    let maps = model.features(images, &names)?;
    for (name, map) in names.iter().zip(&maps) {
        println!("{name}: {:?}", map.dims()); // [batch, channels, height, width]
    }

    let block3 = maps[2].clone(); // [1, 256, 8, 8]
    let means = block3.flatten::<3>(2, 3).mean_dim(2).squeeze_dim::<2>(2); // [1, 256]
    println!(
        "strongest channel of {}: {}",
        names[2],
        means.argmax(1).into_scalar::<i64>()
    );
    Ok(())
}
