//! The loader: the same batches for any number of workers, complete epochs, bad samples refused or skipped.

mod fake_dataset;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use burn::tensor::Device;
use burn_zoo_data::{Loader, LoaderOptions, OnBad};
use proptest::prelude::*;

use fake_dataset::{
    BATCH, FakeDataset, epoch, epoch_from, labels, loader, options, pipeline, split,
};

#[test]
fn workers_do_not_change_a_bit() {
    let epochs = |workers, prefetch| {
        let loader = loader(
            split(23),
            LoaderOptions {
                workers,
                prefetch,
                ..options()
            },
        );
        [epoch(&loader), epoch_from(&loader, 1, 0)]
    };
    let reference = epochs(0, 0);
    for (workers, prefetch) in [(1, 0), (2, BATCH), (4, 16 * BATCH)] {
        assert!(epochs(workers, prefetch) == reference, "{workers} workers");
    }
}

#[test]
fn an_epoch_visits_every_sample_once_and_epochs_differ() {
    let loader = loader(split(23), options());
    assert_eq!((loader.num_batches(), loader.num_items()), (6, 23));
    let (first, second) = (epoch(&loader), epoch_from(&loader, 1, 0));
    assert_eq!(first.len(), 6);
    for epoch in [&first, &second] {
        let mut labels = labels(epoch);
        labels.sort_unstable();
        assert_eq!(labels, (0..23).collect::<Vec<i64>>());
    }
    assert_ne!(labels(&first), labels(&second));
    assert_ne!(labels(&first), (0..23).collect::<Vec<i64>>());
}

#[test]
fn augmentation_depends_on_the_epoch() {
    let loader = loader(
        split(8),
        LoaderOptions {
            shuffle: None,
            ..options()
        },
    );
    let (first, second) = (epoch(&loader), epoch_from(&loader, 1, 0));
    assert_eq!(labels(&first), labels(&second));
    assert_ne!(first, second);
}

#[test]
fn without_a_seed_the_order_is_the_splits() {
    let loader = loader(
        split(9),
        LoaderOptions {
            shuffle: None,
            ..options()
        },
    );
    assert_eq!(labels(&epoch(&loader)), (0..9).collect::<Vec<i64>>());
}

#[test]
fn an_epoch_resumes_in_its_middle() {
    for workers in [0, 3] {
        let loader = loader(
            split(50),
            LoaderOptions {
                workers,
                ..options()
            },
        );
        let (first, second) = (epoch(&loader), epoch_from(&loader, 1, 0));
        assert_eq!(epoch_from(&loader, 0, 5), first[5..]);
        assert_eq!(epoch_from(&loader, 1, 12), second[12..]);
        assert!(epoch_from(&loader, 1, 13).is_empty(), "nothing is left");
    }
}

#[test]
fn drop_last_leaves_whole_batches() {
    let whole = loader(
        split(23),
        LoaderOptions {
            drop_last: true,
            ..options()
        },
    );
    assert_eq!((whole.num_batches(), whole.num_items()), (5, 20));
    let epoch = epoch(&whole);
    assert!(epoch.len() == 5 && epoch.iter().all(|(labels, _)| labels.len() == 4));
    let few = loader(
        split(3),
        LoaderOptions {
            drop_last: true,
            ..options()
        },
    );
    let error = few.epoch(0, 0).next().unwrap().unwrap_err().to_string();
    assert!(
        error.contains("3 samples") && error.contains("batch of 4"),
        "{error}"
    );
}

#[test]
fn a_bad_sample_ends_the_epoch_with_its_name() {
    for workers in [0, 1, 3] {
        let dataset = FakeDataset {
            len: 23,
            bad: vec![11],
            ..FakeDataset::default()
        };
        let loader = loader(
            Arc::new(dataset),
            LoaderOptions {
                workers,
                shuffle: None,
                ..options()
            },
        );
        let items: Vec<_> = loader.epoch(0, 0).collect();
        assert_eq!(items.len(), 3, "two batches and the error, then the end");
        let error = items[2].as_ref().unwrap_err().to_string();
        assert_eq!(error, "folder/11.png: a damaged PNG");
    }
}

#[test]
fn a_panic_is_an_error_and_not_a_hang() {
    for workers in [0, 2] {
        let dataset = FakeDataset {
            len: 23,
            panics: vec![5],
            ..FakeDataset::default()
        };
        let loader = loader(
            Arc::new(dataset),
            LoaderOptions {
                workers,
                shuffle: None,
                ..options()
            },
        );
        let error = loader
            .epoch(0, 0)
            .find_map(Result::err)
            .unwrap()
            .to_string();
        assert!(
            error.contains("sample 5") && error.contains("no sample 5"),
            "{error}"
        );
    }
}

#[test]
fn skipped_samples_are_counted_once_and_nothing_else_is_lost() {
    for workers in [0, 3] {
        let dataset = FakeDataset {
            len: 23,
            bad: vec![3, 8, 9, 10, 11],
            panics: vec![20],
            ..FakeDataset::default()
        };
        let options = LoaderOptions {
            workers,
            shuffle: None,
            on_bad: OnBad::Skip,
            ..options()
        };
        let loader = loader(Arc::new(dataset), options);
        for _ in 0..2 {
            let epoch = epoch(&loader);
            assert_eq!(
                labels(&epoch),
                [0, 1, 2, 4, 5, 6, 7, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22]
            );
            assert_eq!(
                epoch.len(),
                5,
                "a batch of which nothing is left is left out"
            );
        }
        let skipped = loader.skipped();
        assert_eq!(skipped.len(), 6, "{skipped:?}");
        assert_eq!(skipped[0], "folder/3.png: a damaged PNG");
        assert!(skipped[5].contains("panicked"));
    }
}

#[test]
fn a_batch_knows_the_indices_of_its_images() {
    let dataset = FakeDataset {
        len: 23,
        bad: vec![3, 8, 9, 10, 11],
        ..FakeDataset::default()
    };
    let loader = loader(
        Arc::new(dataset),
        LoaderOptions {
            on_bad: OnBad::Skip,
            ..options()
        },
    );
    for batch in loader.epoch(0, 0) {
        let batch = batch.expect("bad ones are skipped");
        let labels = batch.labels.into_data().convert::<i64>();
        // In this split a label is its index.
        let indices: Vec<i64> = batch.indices.iter().map(|&index| index as i64).collect();
        assert_eq!(labels.as_slice::<i64>().expect("converted"), indices);
    }
}

#[test]
fn an_epoch_without_a_single_good_sample_is_an_error() {
    let dataset = FakeDataset {
        len: 5,
        bad: (0..5).collect(),
        ..FakeDataset::default()
    };
    let loader = loader(
        Arc::new(dataset),
        LoaderOptions {
            on_bad: OnBad::Skip,
            ..options()
        },
    );
    let items: Vec<_> = loader.epoch(0, 0).collect();
    assert_eq!(items.len(), 1);
    let error = items[0].as_ref().unwrap_err().to_string();
    assert!(
        error.contains("none of the 5 samples") && error.contains("folder/0.png"),
        "{error}"
    );
}

#[test]
fn dropping_an_epoch_ends_its_threads() {
    let dataset = Arc::new(FakeDataset {
        len: 10_000,
        ..FakeDataset::default()
    });
    let loader = loader(
        dataset.clone(),
        LoaderOptions {
            workers: 4,
            prefetch: 3 * BATCH + BATCH / 2,
            ..options()
        },
    );
    let mut epoch = loader.epoch(0, 0);
    epoch.next().unwrap().unwrap();
    epoch.next().unwrap().unwrap();
    // Time for a worker that exceeds the bound.
    std::thread::sleep(Duration::from_millis(20));
    drop(epoch);
    let loaded = dataset.loaded.load(Ordering::Relaxed);
    assert!(
        loaded <= (2 + 3) * 4,
        "two batches taken, room for three ahead: {loaded} samples"
    );
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(
        dataset.loaded.load(Ordering::Relaxed),
        loaded,
        "nobody loads any more"
    );
    drop(loader);
    assert_eq!(Arc::strong_count(&dataset), 1, "no thread holds the split");
}

#[test]
fn invalid_settings_are_the_first_item() {
    let zero = loader(
        split(5),
        LoaderOptions {
            batch_size: 0,
            ..options()
        },
    );
    assert_eq!(zero.num_batches(), 0);
    let items: Vec<_> = zero.epoch(0, 0).collect();
    assert!(
        items.len() == 1
            && items[0]
                .as_ref()
                .unwrap_err()
                .to_string()
                .contains("batch size is 0")
    );
    let mut wrong = pipeline();
    wrong.normalize.std[0] = 0.0;
    let wrong = Loader::new(split(5), wrong, options(), &Device::flex());
    assert!(
        wrong
            .epoch(0, 0)
            .next()
            .unwrap()
            .unwrap_err()
            .to_string()
            .contains("above 0")
    );
    assert_eq!(loader(split(0), options()).epoch(0, 0).count(), 0);
}

#[test]
fn the_shape_is_batch_channels_height_width() {
    let loader = loader(split(5), options());
    let shapes: Vec<_> = loader
        .epoch(0, 0)
        .map(|batch| batch.unwrap().images.dims())
        .collect();
    assert_eq!(shapes, [[4, 1, 4, 4], [1, 1, 4, 4]]);
}

#[test]
fn progress_counts_samples_to_the_end() {
    let loader = loader(split(10), options());
    let mut epoch = loader.epoch(0, 0);
    let mut seen = vec![epoch.items_done()];
    while epoch.next().is_some() {
        seen.push(epoch.items_done());
    }
    assert_eq!(seen, [0, 4, 8, 10]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn no_sample_is_lost_or_doubled(
        len in 1usize..60, batch_size in 1usize..9, workers in 0usize..4, batches in 0usize..4, seed: Option<u64>,
        start in 0usize..8,
    ) {
        let prefetch = batches * BATCH;
        let options = LoaderOptions { batch_size, shuffle: seed, workers, prefetch, ..options() };
        let loader = loader(split(len), options);
        let whole = epoch(&loader);
        let mut counts = BTreeMap::new();
        for label in labels(&whole) {
            *counts.entry(label).or_insert(0) += 1;
        }
        prop_assert_eq!(counts, (0..len as i64).map(|label| (label, 1)).collect::<BTreeMap<_, _>>());
        prop_assert_eq!(epoch_from(&loader, 0, start), whole[start.min(whole.len())..].to_vec());
    }
}
