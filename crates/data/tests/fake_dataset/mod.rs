//! A data set of numbered images, and its epochs for comparison.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::data::dataset::{Dataset, DatasetError};
use burn::tensor::Device;
use burn_zoo_data::{
    Augment, Batch, Crop, Geometry, Image, ImageSource, Loader, LoaderOptions, Normalize, OnBad,
    Pipeline, ResizeMode, Sample, Sampler, Split, Transfer,
};

/// `len` small images whose label is their index; some fail or panic.
#[derive(Default)]
pub(crate) struct FakeDataset {
    pub(crate) len: usize,
    pub(crate) bad: Vec<usize>,
    pub(crate) panics: Vec<usize>,
    pub(crate) loaded: AtomicUsize,
}

#[derive(Debug, thiserror::Error)]
#[error("folder/{0}.png: a damaged PNG")]
pub(crate) struct Damaged(pub(crate) usize);

impl Dataset<Sample> for FakeDataset {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        self.loaded.fetch_add(1, Ordering::Relaxed);
        assert!(!self.panics.contains(&index), "no sample {index}");
        if self.bad.contains(&index) {
            return Err(DatasetError::new(Damaged(index)));
        }
        let pixels = (0..16).map(|i| (index * 7 + i * 13) as u8).collect();
        Ok(Sample {
            image: ImageSource::Decoded(Image {
                height: 4,
                width: 4,
                channels: 1,
                pixels,
            }),
            label: index,
        })
    }

    fn len(&self) -> usize {
        self.len
    }
}

pub(crate) fn split(len: usize) -> Split {
    Arc::new(FakeDataset {
        len,
        ..FakeDataset::default()
    })
}

pub(crate) fn pipeline() -> Pipeline {
    Pipeline {
        geometry: Geometry {
            size: [4, 4],
            fit: ResizeMode::Exact,
            channels: 1,
        },
        augment: Some(Augment {
            crop: Crop::Pad(1),
            flip: true,
            ..Augment::default()
        }),
        normalize: Normalize {
            mean: vec![0.5],
            std: vec![0.5],
        },
    }
}

/// Bytes of four images.
pub(crate) const BATCH: usize = 4 * 16 * size_of::<f32>();

pub(crate) fn options() -> LoaderOptions {
    LoaderOptions {
        batch_size: 4,
        sampler: Sampler::Uniform,
        shuffle: Some(1),
        drop_last: false,
        workers: 2,
        prefetch: 2 * BATCH,
        on_bad: OnBad::Refuse,
        transfer: Transfer::Values,
    }
}

pub(crate) fn loader(split: Split, options: LoaderOptions) -> Loader {
    Loader::new(split, pipeline(), options, &Device::flex())
}

/// Labels and bits of the pixels.
pub(crate) type Bits = (Vec<i64>, Vec<u32>);

pub(crate) fn bits(batch: Batch) -> Bits {
    let images: Vec<f32> = batch
        .images
        .into_data()
        .convert::<f32>()
        .try_into_vec()
        .unwrap();
    let labels = batch
        .labels
        .into_data()
        .convert::<i64>()
        .try_into_vec()
        .unwrap();
    (labels, images.into_iter().map(f32::to_bits).collect())
}

/// The first epoch of a loader.
pub(crate) fn epoch(loader: &Loader) -> Vec<Bits> {
    epoch_from(loader, 0, 0)
}

/// The batches of an epoch from `first` on.
pub(crate) fn epoch_from(loader: &Loader, epoch: usize, first: usize) -> Vec<Bits> {
    let batches = loader.epoch(epoch, first);
    batches.map(|batch| bits(batch.unwrap())).collect()
}

pub(crate) fn labels(epoch: &[Bits]) -> Vec<i64> {
    epoch
        .iter()
        .flat_map(|(labels, _)| labels.clone())
        .collect()
}
