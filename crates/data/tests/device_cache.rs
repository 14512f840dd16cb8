//! Splits cached on their device: the batches are those that workers make, and nothing is read twice.

mod fake_dataset;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use burn::data::dataset::{Dataset, DatasetError, InMemDataset};
use burn::tensor::Device;
use burn_zoo_data::{
    Augment, Crop, Erasing, Image, Loader, LoaderOptions, OnBad, Pipeline, ResizeMode, Sample,
    Sampler, Split, Transfer, Unreachable,
};
use fake_dataset::{Bits, FakeDataset, epoch, epoch_from, loader, options, pipeline};

const CACHED: Transfer = Transfer::CacheOnDevice { limit: 1 << 20 };

/// Images of 5×7 pixels: 35 or 105 bytes each, not a multiple of four.
fn odd(channels: usize) -> Split {
    let samples = (0..23).map(|index| {
        let pixels = (0..5 * 7 * channels).map(|i| (index * 31 + i * 17 + i * i) as u8);
        let image = Image {
            height: 5,
            width: 7,
            channels,
            pixels: pixels.collect(),
        };
        Sample {
            image: image.into(),
            label: index,
        }
    });
    Arc::new(InMemDataset::new(samples.collect()))
}

fn augmented(size: [usize; 2], channels: usize, augment: Augment) -> Pipeline {
    let mut pipeline = pipeline();
    pipeline.geometry.size = size;
    pipeline.geometry.channels = channels;
    pipeline.geometry.fit = ResizeMode::Pad;
    pipeline.augment = Some(augment);
    pipeline.normalize.mean = vec![0.4814; channels];
    pipeline.normalize.std = vec![0.2423; channels];
    pipeline
}

/// Two epochs, the second from its middle on, by this transfer.
fn epochs(split: &Split, pipeline: &Pipeline, sampler: &Sampler, transfer: Transfer) -> Vec<Bits> {
    let options = LoaderOptions {
        transfer,
        sampler: sampler.clone(),
        ..options()
    };
    let loader = Loader::new(split.clone(), pipeline.clone(), options, &Device::flex());
    let mut bits = epoch(&loader);
    bits.extend(epoch_from(&loader, 1, 2));
    bits
}

#[test]
fn a_device_makes_the_batches_that_workers_make() {
    let weights = (0..23).map(|index| f64::from(index % 3)).collect();
    let pad = Crop::Pad(2);
    let plain = Augment::default();
    let changes = [
        plain.clone(),
        Augment {
            flip: true,
            ..plain.clone()
        },
        Augment {
            crop: pad,
            ..plain.clone()
        },
        Augment {
            crop: pad,
            flip: true,
            ..plain.clone()
        },
        Augment {
            crop: Crop::Pad(5),
            flip: true,
            cutout: Some(4),
            ..plain.clone()
        },
        Augment {
            cutout: Some(3),
            ..plain
        },
    ];
    for channels in [1, 3] {
        for augment in &changes {
            for size in [[5, 7], [8, 9]] {
                let pipeline = augmented(size, channels, augment.clone());
                for sampler in [Sampler::Uniform, Sampler::Weighted(Arc::clone(&weights))] {
                    let [cached, made] = [CACHED, Transfer::Values]
                        .map(|transfer| epochs(&odd(3), &pipeline, &sampler, transfer));
                    assert!(cached == made, "{channels}, {size:?}, {augment:?}");
                }
            }
        }
    }
}

#[test]
fn a_cached_split_is_read_once() {
    let dataset = Arc::new(FakeDataset {
        len: 23,
        ..FakeDataset::default()
    });
    let options = LoaderOptions {
        transfer: CACHED,
        ..options()
    };
    let read = |transfer: Transfer, pipeline: Pipeline| {
        let options = LoaderOptions {
            transfer,
            ..options.clone()
        };
        let loader = Loader::new(dataset.clone(), pipeline, options, &Device::flex());
        dataset.loaded.store(0, Ordering::Relaxed);
        for _ in 0..3 {
            epoch(&loader);
        }
        dataset.loaded.load(Ordering::Relaxed)
    };
    let epochs = read(Transfer::Bytes, pipeline());
    assert_eq!(read(CACHED, pipeline()), 23);
    // Too large, or with augmentation that the device does not do: read every epoch.
    assert_eq!(
        read(Transfer::CacheOnDevice { limit: 23 * 16 }, pipeline()),
        23
    );
    assert_eq!(
        read(Transfer::CacheOnDevice { limit: 23 * 16 - 1 }, pipeline()),
        epochs
    );
    let mut erased = pipeline();
    let augment = erased.augment.take().unwrap_or_default();
    erased.augment = Some(Augment {
        erasing: Some(Erasing::default()),
        ..augment
    });
    assert_eq!(read(CACHED, erased), epochs);
}

/// A split of which one image cannot be read.
struct OneDamaged(Split);

#[derive(Debug, thiserror::Error)]
#[error("folder/7.png: a damaged PNG")]
struct Damaged;

impl Dataset<Sample> for OneDamaged {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        match index {
            7 => Err(DatasetError::new(Damaged)),
            _ => self.0.get(index),
        }
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

#[test]
fn a_bad_image_is_refused_or_skipped() {
    let split: Split = Arc::new(OneDamaged(fake_dataset::split(23)));
    let on = |on_bad| {
        let options = LoaderOptions {
            transfer: CACHED,
            on_bad,
            ..options()
        };
        loader(split.clone(), options)
    };
    let refusing = on(OnBad::Refuse);
    let error = refusing
        .epoch(0, 0)
        .find_map(Result::err)
        .unwrap()
        .to_string();
    assert!(error.contains("folder/7.png"), "{error}");
    let skipping = on(OnBad::Skip);
    assert_eq!(fake_dataset::labels(&epoch(&skipping)).len(), 22);
    assert_eq!(skipping.skipped().len(), 1);
}

/// A split whose server is down.
struct Down;

impl Dataset<Sample> for Down {
    fn get(&self, _index: usize) -> Result<Sample, DatasetError> {
        Err(DatasetError::new(Unreachable("no answer".into())))
    }

    fn len(&self) -> usize {
        23
    }
}

#[test]
fn an_unreachable_split_is_never_skipped() {
    for transfer in [CACHED, Transfer::Values] {
        let options = LoaderOptions {
            transfer,
            on_bad: OnBad::Skip,
            ..options()
        };
        let loader = loader(Arc::new(Down), options);
        let error = loader.epoch(0, 0).next().unwrap().unwrap_err().to_string();
        assert_eq!(error, "no answer");
        assert!(loader.skipped().is_empty());
    }
}
