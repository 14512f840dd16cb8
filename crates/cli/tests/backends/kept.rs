//! Images that lie on a device: the batches that it makes, beside those of workers.

use std::sync::Arc;

use burn::data::dataset::InMemDataset;
use burn::tensor::Device;
use burn_zoo::data::{
    Augment, Crop, Geometry, Image, Loader, LoaderOptions, Normalize, OnBad, Pipeline, ResizeMode,
    Sample, Sampler, Split, Transfer,
};
use libtest_mimic::Failed;

use crate::backend::Backend;

/// Greatest difference of a value: a device may divide less exactly than a CPU.
const TOLERANCE: f32 = 1e-5;

pub(crate) fn compare(backend: Backend) -> Result<String, Failed> {
    let device = backend.device().ok_or("its device has gone")?;
    let found = epoch(&device, Transfer::CacheOnDevice { limit: 1 << 20 })?;
    let expected = epoch(&Device::flex(), Transfer::Values)?;
    if found.len() != expected.len() {
        return Err(format!("{} values, {} on Flex", found.len(), expected.len()).into());
    }
    let apart = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
    let worst = apart.fold(0.0, |worst: f32, apart| match apart.is_nan() {
        true => f32::INFINITY,
        false => worst.max(apart),
    });
    let line = format!("{:<8} images kept on it: {worst:.1e} apart", backend.name());
    match worst <= TOLERANCE {
        true => Ok(line),
        false => Err(line.into()),
    }
}

/// All values of an epoch of shifted, mirrored and cut images of 5×7 pixels, 105 bytes each: no multiple of four.
fn epoch(device: &Device, transfer: Transfer) -> Result<Vec<f32>, Failed> {
    let samples = (0..23).map(|label: usize| {
        let pixels = (0..105).map(|place| (label * 31 + place * 17 + place * place) as u8);
        let image = Image {
            height: 5,
            width: 7,
            channels: 3,
            pixels: pixels.collect(),
        };
        Sample {
            image: image.into(),
            label,
        }
    });
    let split: Split = Arc::new(InMemDataset::new(samples.collect()));
    let pipeline = Pipeline {
        geometry: Geometry {
            size: [5, 7],
            fit: ResizeMode::Exact,
            channels: 3,
        },
        augment: Some(Augment {
            crop: Crop::Pad(2),
            flip: true,
            cutout: Some(4),
            ..Augment::default()
        }),
        normalize: Normalize {
            mean: vec![0.4914, 0.4822, 0.4465],
            std: vec![0.2470, 0.2435, 0.2616],
        },
    };
    let options = LoaderOptions {
        batch_size: 6,
        shuffle: Some(3),
        sampler: Sampler::Uniform,
        drop_last: false,
        workers: 1,
        prefetch: 1,
        on_bad: OnBad::Refuse,
        transfer,
    };
    let loader = Loader::new(split, pipeline, options, device);
    let mut values = Vec::new();
    for batch in loader.epoch(0, 0) {
        let images = batch?.images.into_data();
        values.extend(images.try_to_vec::<f32>().expect("single precision"));
    }
    Ok(values)
}
