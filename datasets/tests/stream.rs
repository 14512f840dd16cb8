//! A million samples in shards go through the loader in constant memory. Takes minutes and 2.1 GB of disk:
//!
//! ```sh
//! cargo test --release -p burn-zoo-datasets --test stream -- --ignored --nocapture
//! ```
//!
//! A test binary of its own, since it reads how much memory its process has had at most.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use burn::data::dataset::{Dataset, DatasetError};
use burn::tensor::Device;
use burn_zoo_data::{
    DatasetInfo, Geometry, Image, ImageData, ImageSource, Loader, LoaderOptions, Normalize, OnBad,
    Pipeline, ResizeMode, Sample, Sampler, Transfer, png,
};
use burn_zoo_datasets::{DatasetName, OpenOptions, PackOptions, open, pack};

/// InMemory that the process may have had at most, in MB; the batches ahead take 256 of them.
const MOST: f64 = 600.0;

/// `len` samples of 32×32 pixels, of which 64 are different.
struct Synthetic {
    files: Vec<Vec<u8>>,
    len: usize,
}

impl Synthetic {
    fn new(len: usize) -> Self {
        let file = |number: usize| {
            let pixels = (0..32 * 32 * 3).map(|i| (i * (number + 3) % 251) as u8);
            let image = Image {
                height: 32,
                width: 32,
                channels: 3,
                pixels: pixels.collect(),
            };
            png(&image).unwrap()
        };
        Self {
            files: (0..64).map(file).collect(),
            len,
        }
    }
}

impl Dataset<Sample> for Synthetic {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        let label = index % self.files.len();
        Ok(Sample {
            image: ImageSource::Encoded {
                name: format!("{index}.png").into(),
                bytes: self.files[label].clone(),
            },
            label,
        })
    }

    fn len(&self) -> usize {
        self.len
    }
}

/// Most memory that this process has had, in MB; none where the system does not say.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

/// Packs `len` samples into `folder` and goes through an epoch of them; gives the number that came.
fn stream(len: usize, folder: &Path) -> usize {
    let info = DatasetInfo {
        name: "synthetic".into(),
        classes: (0..64).map(|class| class.to_string()).collect(),
        channels: 3,
        size: Some([32, 32]),
        mean: vec![0.5; 3],
        std: vec![0.25; 3],
    };
    let data = ImageData {
        train: Arc::new(Synthetic::new(len)),
        valid: Arc::new(Synthetic::new(64)),
        labels: (0..len).map(|index| index % 64).collect(),
        shards: None,
        info,
    };
    let start = Instant::now();
    pack(&data, folder, &PackOptions::default(), &mut |_| {}).unwrap();
    eprintln!("packed in {:.1} s", start.elapsed().as_secs_f64());

    let options = OpenOptions {
        root: Some(folder.to_owned()),
        ..OpenOptions::default()
    };
    let start = Instant::now();
    let data = open(DatasetName::Shards, &options).unwrap();
    eprintln!("opened in {:.1} s", start.elapsed().as_secs_f64());
    let geometry = Geometry {
        size: [32, 32],
        fit: ResizeMode::Exact,
        channels: 3,
    };
    let normalize = Normalize {
        mean: data.info.mean.clone(),
        std: data.info.std.clone(),
    };
    let options = LoaderOptions {
        batch_size: 256,
        shuffle: Some(1),
        sampler: Sampler::Shards {
            starts: data.shards.clone().unwrap(),
            window: 2048,
        },
        drop_last: false,
        workers: 2,
        prefetch: 256 << 20,
        on_bad: OnBad::Refuse,
        transfer: Transfer::Values,
    };
    let pipeline = Pipeline::evaluation(geometry, normalize);
    let loader = Loader::new(data.train, pipeline, options, &Device::flex());
    let (start, mut seen) = (Instant::now(), vec![false; len]);
    for batch in loader.epoch(0, 0) {
        for index in batch.unwrap().indices {
            assert!(!std::mem::replace(&mut seen[index], true), "{index} twice");
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    eprintln!(
        "{len} samples in {seconds:.1} s, {:.0} a second",
        len as f64 / seconds
    );
    seen.iter().filter(|&&seen| seen).count()
}

#[test]
fn every_sample_of_every_shard_comes_once() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(stream(3000, folder.path()), 3000);
}

#[test]
#[ignore = "takes minutes and 2.1 GB of disk"]
fn a_million_samples_stream_in_constant_memory() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(stream(1_000_000, folder.path()), 1_000_000);
    let Some(peak) = peak() else {
        eprintln!("the system does not say how much memory a process had at most");
        return;
    };
    eprintln!("at most {peak:.0} MB");
    assert!(peak < MOST, "{peak:.0} MB");
}
