//! The loader with weighted and sharded samplers, and with transfer as bytes.

mod fake_dataset;

use std::sync::Arc;

use burn_zoo_data::{Augment, Erasing, Loader, LoaderOptions, Sampler, Transfer};

use burn::tensor::Device;
use fake_dataset::{epoch, epoch_from, labels, loader, options, pipeline, split};

fn weighted(weights: Vec<f64>, workers: usize) -> Loader {
    let options = LoaderOptions {
        sampler: Sampler::Weighted(Arc::from(weights)),
        workers,
        ..options()
    };
    loader(split(40), options)
}

#[test]
fn weights_decide_and_workers_do_not() {
    let weights: Vec<f64> = (0..40).map(|i| f64::from(i % 2)).collect();
    let one = weighted(weights.clone(), 0);
    let [first, second] = [epoch(&one), epoch_from(&one, 1, 0)];
    assert_eq!(labels(&first).len(), 40, "as long as any epoch");
    assert!(labels(&first).iter().all(|label| label % 2 == 1));
    assert_ne!(labels(&first), labels(&second));
    let three = weighted(weights, 3);
    assert!([epoch(&three), epoch_from(&three, 1, 0)] == [first.clone(), second]);
    assert!(
        epoch_from(&three, 0, 4) == first[4..],
        "resumed in the middle"
    );
}

#[test]
fn a_sample_drawn_twice_is_augmented_in_two_ways() {
    let mut only = vec![0.0; 40];
    only[7] = 1.0;
    let batches = epoch(&weighted(only, 2));
    let mut images: Vec<Vec<u32>> = batches
        .iter()
        .flat_map(|(_, bits)| bits.chunks(16).map(<[u32]>::to_vec))
        .collect();
    assert_eq!(images.len(), 40);
    images.sort();
    images.dedup();
    assert!(images.len() > 5, "{} different ones", images.len());
}

#[test]
fn invalid_weights_are_refused() {
    for weights in [vec![1.0; 39], vec![0.0; 40], vec![-1.0; 40]] {
        let loader = weighted(weights, 2);
        let error = loader.epoch(0, 0).next().unwrap().unwrap_err().to_string();
        assert!(error.contains("for 40 samples"), "{error}");
    }
}

#[test]
fn shards_that_do_not_fit_the_split_are_refused() {
    for starts in [
        vec![],
        vec![40],
        vec![0, 39],
        vec![0, 30, 20, 40],
        vec![0, 50],
    ] {
        let options = LoaderOptions {
            sampler: Sampler::Shards {
                starts: Arc::from(starts),
                window: 8,
            },
            ..options()
        };
        let loader = loader(split(40), options);
        let error = loader.epoch(0, 0).next().unwrap().unwrap_err().to_string();
        assert!(error.contains("do not fit 40 samples"), "{error}");
    }
}

#[test]
fn bytes_become_the_values_that_workers_would_have_made() {
    let by = |transfer| {
        let options = LoaderOptions {
            transfer,
            ..options()
        };
        let mut pipeline = pipeline();
        pipeline.normalize.mean = vec![0.4814];
        pipeline.normalize.std = vec![0.2423];
        let plain = Loader::new(
            split(23),
            pipeline.clone(),
            options.clone(),
            &Device::flex(),
        );
        // Noise after normalisation cannot go as bytes.
        let erasing = Some(Erasing::default());
        pipeline.augment = pipeline
            .augment
            .map(|augment| Augment { erasing, ..augment });
        let erased = Loader::new(split(23), pipeline, options, &Device::flex());
        [epoch(&plain), epoch(&erased)]
    };
    assert!(by(Transfer::Bytes) == by(Transfer::Values));
}
