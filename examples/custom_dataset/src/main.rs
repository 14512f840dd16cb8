//! Your own data set: anything that gives a label and an image by index goes through the zoo's deterministic loader.
//!
//! `cargo run --release --manifest-path examples/Cargo.toml -p custom_dataset`

use std::error::Error;
use std::sync::Arc;

use burn::data::dataset::{Dataset, DatasetError};
use burn::tensor::Device;
use burn_zoo_data::{
    Augment, Crop, Geometry, Image, Loader, LoaderOptions, Normalize, OnBad, Pipeline, ResizeMode,
    Sample, Sampler, Transfer,
};

/// Images of 16×16 grey pixels, a bright square in the left (class 0) or the right half (class 1).
struct Squares;

impl Dataset<Sample> for Squares {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        let label = index % 2;
        let mut pixels = vec![0; 16 * 16];
        for row in 4..12 {
            let start = row * 16 + 8 * label + 2;
            pixels[start..start + 4].fill(255);
        }
        let image = Image {
            width: 16,
            height: 16,
            channels: 1,
            pixels,
        };
        // A file instead: `ImageSource::File(path)`, decoded by the loader's workers.
        Ok(Sample {
            image: image.into(),
            label,
        })
    }

    fn len(&self) -> usize {
        100
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let pipeline = Pipeline {
        geometry: Geometry {
            size: [16, 16],
            fit: ResizeMode::Exact,
            channels: 1,
        },
        augment: Some(Augment {
            crop: Crop::Pad(2),
            ..Augment::default()
        }),
        normalize: Normalize {
            mean: vec![0.5],
            std: vec![0.5],
        },
    };
    let options = LoaderOptions {
        batch_size: 8,
        shuffle: Some(0), // the seed of the order and of the augmentation
        sampler: Sampler::Uniform,
        drop_last: true,
        workers: 2,
        prefetch: 64 << 20,
        on_bad: OnBad::Refuse,
        transfer: Transfer::Values,
    };
    let loader = Loader::new(Arc::new(Squares), pipeline, options, &Device::flex());
    for (number, batch) in loader.epoch(0, 0).enumerate().take(3) {
        let batch = batch?;
        let labels: Vec<i64> = batch
            .labels
            .into_data()
            .convert::<i64>()
            .try_to_vec()
            .map_err(|e| format!("{e:?}"))?;
        println!(
            "batch {number}: images {:?}, labels {labels:?}",
            batch.images.dims()
        );
    }
    Ok(())
}
