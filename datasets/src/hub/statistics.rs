//! Size, mean and std of a data set's images if all have the same size, as in MNIST. Otherwise ImageNet's mean and std stay,
//! which pretrained networks expect.

use burn::data::dataset::Dataset;
use burn_zoo_data::{DatasetInfo, Image, Split};
use rand::SeedableRng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;

use rayon::prelude::*;

/// Number of images to measure, drawn at random.
const MEASURED: usize = 10_000;

/// Sums over the values of images of one size.
#[derive(Clone, Copy)]
struct Sums {
    size: [usize; 2],
    channels: usize,
    /// Number of values per channel.
    values: u64,
    /// For each channel: the sum of the values and of their squares.
    sums: [[u64; 2]; 3],
}

/// Measures the images, and sets size, mean and std in `info` if all have the same size.
pub(super) fn measure([train, valid]: [&Split; 2], info: &mut DatasetInfo) {
    let Some(all) = sums_of(train) else {
        return;
    };
    // Validation images count for the size alone.
    if sums_of(valid).is_some_and(|valid| valid.size == all.size) {
        info.size = Some(all.size);
        info.channels = all.channels;
        (info.mean, info.std) = all.statistics();
    }
}

/// Sums over a sample of a split; none if these images differ in size.
fn sums_of(split: &Split) -> Option<Sums> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut indices = sample(&mut rng, split.len(), split.len().min(MEASURED)).into_vec();
    // Sorted for sequential reads.
    indices.sort_unstable();
    // A damaged image is ignored here and reported in training.
    let read = |index: usize| -> Option<Image> {
        let sample = split.get(index).ok()?;
        sample.image.decode().ok()
    };
    let first = indices.iter().find_map(|&index| read(index))?;
    let size = [first.height, first.width];
    let of_size = |&index: &usize| match read(index).map(|image| Sums::of(&image)) {
        Some(sums) if sums.size != size => Err(()),
        other => Ok(other),
    };
    // The first image of another size ends it.
    let sums: Vec<Option<Sums>> = indices
        .par_iter()
        .map(of_size)
        .collect::<Result<_, _>>()
        .ok()?;
    sums.into_iter().flatten().reduce(Sums::add)
}

impl Sums {
    fn of(image: &Image) -> Self {
        let mut sums = [[0; 2]; 3];
        for (channel, sums) in sums.iter_mut().enumerate() {
            // A grey value counts for all three channels.
            let own = image.pixels.iter().skip(channel.min(image.channels - 1));
            for value in own.step_by(image.channels).map(|&value| u64::from(value)) {
                sums[0] += value;
                sums[1] += value * value;
            }
        }
        Self {
            size: [image.height, image.width],
            channels: image.channels,
            values: (image.height * image.width) as u64,
            sums,
        }
    }

    fn add(mut self, other: Self) -> Self {
        self.channels = self.channels.max(other.channels);
        self.values += other.values;
        for (sums, others) in self.sums.iter_mut().zip(other.sums) {
            sums[0] += others[0];
            sums[1] += others[1];
        }
        self
    }

    /// Mean and std of each channel, of values between 0 and 1.
    fn statistics(&self) -> (Vec<f32>, Vec<f32>) {
        let of = |&[sum, squares]: &[u64; 2]| {
            let values = self.values as f64 * 255.0;
            let mean = sum as f64 / values;
            let variance = squares as f64 / (values * 255.0) - mean * mean;
            // Constant images have no std to divide by.
            let std = if variance > 1e-12 {
                variance.sqrt()
            } else {
                1.0
            };
            (mean as f32, std as f32)
        };
        self.sums[..self.channels].iter().map(of).unzip()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use burn::data::dataset::InMemDataset;
    use burn_zoo_data::{ImageSource, Sample};

    use super::*;
    use crate::dataset_name::DatasetName;
    use crate::open::info_for_any_size;

    fn image(height: usize, channels: usize, pixels: &[u8]) -> Image {
        Image {
            height,
            width: pixels.len() / height / channels,
            channels,
            pixels: pixels.to_vec(),
        }
    }

    /// What is stated of a split of these images.
    fn measured(images: &[Image]) -> DatasetInfo {
        let samples = images.iter().map(|image| Sample {
            image: ImageSource::Decoded(image.clone()),
            label: 0,
        });
        let split: Split = Arc::new(InMemDataset::new(samples.collect()));
        let mut info = info_for_any_size(DatasetName::Shards, vec!["a".to_owned()]);
        measure([&split, &split], &mut info);
        info
    }

    #[test]
    fn images_of_one_size_are_measured() {
        let dark = image(2, 1, &[0, 0]);
        let bright = image(2, 1, &[255, 255]);
        let info = measured(&[dark.clone(), bright.clone()]);
        assert_eq!((info.size, info.channels), (Some([2, 1]), 1));
        assert_eq!((info.mean, info.std), (vec![0.5], vec![0.5]));
        let lying = image(1, 1, &[0, 0]);
        let info = measured(&[dark, bright, lying]);
        assert_eq!((info.size, info.channels), (None, 3));
        assert_eq!(info.mean, [0.485, 0.456, 0.406]);
    }

    #[test]
    fn sums_give_mean_and_deviation() {
        let grey = Sums::of(&image(2, 1, &[0, 255, 0, 255]));
        assert_eq!(grey.statistics(), (vec![0.5], vec![0.5]));
        let colour = Sums::of(&image(1, 3, &[255, 0, 51, 255, 255, 51]));
        let (mean, std) = colour.statistics();
        assert_eq!(mean, [1.0, 0.5, 0.2]);
        assert_eq!(std, [1.0, 0.5, 1.0]);
        // A grey image among RGB images has three channels too.
        let both = grey.add(Sums {
            size: [2, 2],
            ..colour
        });
        assert_eq!(both.statistics().0, [4.0 / 6.0, 0.5, (2.0 + 0.4) / 6.0]);
    }
}
