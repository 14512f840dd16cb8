//! Sums over the images of a split.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::data::dataset::Dataset;
use burn_zoo::data::{Fingerprint, Image, Split};
use burn_zoo::report::SplitInspection;
use indicatif::ProgressBar;

/// An image that could be read.
pub(super) struct Print {
    pub(super) index: usize,
    pub(super) label: usize,
    pub(super) print: Fingerprint,
}

/// Sums over images.
#[derive(Default)]
pub(super) struct DatasetStats {
    /// The images that could be read, in the order of the split.
    pub(super) prints: Vec<Print>,
    sizes: BTreeMap<String, usize>,
    /// For each channel: the sum of values and of squares.
    sums: [[f64; 2]; 3],
    /// Values of one channel.
    values: f64,
    damaged: BTreeMap<usize, String>,
}

impl DatasetStats {
    /// Reads a split with as many threads as there are cores.
    pub(super) fn of(split: &Split, bar: &ProgressBar) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let next = AtomicUsize::new(0);
        let work = || {
            let mut dataset_stats = Self::default();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= split.len() {
                    return dataset_stats;
                }
                let read = split.get(index).map_err(|error| error.to_string());
                let read = read.and_then(|sample| {
                    let image = sample.image.decode();
                    Ok((sample.label, image.map_err(|error| error.to_string())?))
                });
                match read {
                    Ok((label, image)) => dataset_stats.count(index, label, &image),
                    Err(message) => _ = dataset_stats.damaged.insert(index, message),
                }
                bar.inc(1);
            }
        };
        let parts: Vec<Self> = std::thread::scope(|scope| {
            let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            handles
                .into_iter()
                .map(|handle| {
                    handle
                        .join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect()
        });
        let mut all = parts.into_iter().fold(Self::default(), Self::merge);
        all.prints.sort_unstable_by_key(|print| print.index);
        all
    }

    fn count(&mut self, index: usize, label: usize, image: &Image) {
        let Image {
            height,
            width,
            channels,
            ref pixels,
        } = *image;
        let Some(print) = Fingerprint::of(image) else {
            let message = format!("image {index} has no pixels ({height}×{width})");
            self.damaged.insert(index, message);
            return;
        };
        self.prints.push(Print {
            index,
            label,
            print,
        });
        *self
            .sizes
            .entry(format!("{height}×{width}×{channels}"))
            .or_default() += 1;
        self.values += (height * width) as f64;
        for (channel, sums) in self.sums.iter_mut().enumerate() {
            // Integers of an image add up exactly.
            let own = pixels
                .iter()
                .skip(channel.min(channels - 1))
                .step_by(channels);
            let (sum, squares) = own.fold((0_u64, 0_u64), |(sum, squares), &value| {
                (
                    sum + u64::from(value),
                    squares + u64::from(value) * u64::from(value),
                )
            });
            sums[0] += sum as f64 / 255.0;
            sums[1] += squares as f64 / (255.0 * 255.0);
        }
    }

    fn merge(mut self, other: Self) -> Self {
        self.prints.extend(other.prints);
        for (size, count) in other.sizes {
            *self.sizes.entry(size).or_default() += count;
        }
        for (sums, others) in self.sums.iter_mut().zip(other.sums) {
            sums[0] += others[0];
            sums[1] += others[1];
        }
        self.values += other.values;
        self.damaged.extend(other.damaged);
        self
    }

    /// Images of each class.
    pub(super) fn of_classes(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        for print in &self.prints {
            counts[print.label] += 1;
        }
        counts
    }

    pub(super) fn report(self, images: usize, channels: usize, classes: usize) -> SplitInspection {
        let values = self.values.max(1.0);
        let means = self.sums.map(|[sum, _]| sum / values);
        let stds = self.sums.map(|[sum, squares]| {
            let mean = sum / values;
            (squares / values - mean * mean).max(0.0).sqrt()
        });
        let counts = self.of_classes(classes);
        let [least, most] = [counts.iter().min(), counts.iter().max()];
        SplitInspection {
            images,
            imbalance: match (least, most) {
                (Some(&least), Some(&most)) if least > 0 => Some(most as f64 / least as f64),
                _ => None,
            },
            sizes: self.sizes,
            mean: means[..channels.min(3)].to_vec(),
            std: stds[..channels.min(3)].to_vec(),
            damaged: self.damaged.into_values().collect(),
        }
    }
}
