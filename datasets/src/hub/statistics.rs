//! What is stated of a set's pictures: where all are of one size, as MNIST's are, that size and statistics of their own;
//! else those of ImageNet's pictures, which pretrained networks expect.

use burn::data::dataset::Dataset;
use burn_zoo_data::{DatasetInfo, Picture, Split};
use rand::SeedableRng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;

use crate::tree::on_all_cores;

/// Pictures that are looked at, drawn at random: MNIST's pictures of even numbers are darker than the others.
const SEEN: usize = 10_000;

/// Sums over the values of pictures of one size.
#[derive(Clone, Copy)]
struct Sums {
    size: [usize; 2],
    channels: usize,
    /// Values of one channel.
    values: u64,
    /// For each channel: the sum of the values and of their squares.
    sums: [[u64; 2]; 3],
}

/// Looks at the pictures, and states in `info` what they have in common.
pub(super) fn measure([train, valid]: [&Split; 2], info: &mut DatasetInfo) {
    let Some(all) = seen(train) else {
        return;
    };
    // Those that are validated on have a say in the size alone.
    if seen(valid).is_some_and(|valid| valid.size == all.size) {
        info.size = Some(all.size);
        info.channels = all.channels;
        (info.mean, info.std) = all.statistics();
    }
}

/// The sums over some pictures of a split, if all of these are of one size.
fn seen(split: &Split) -> Option<Sums> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut indices = sample(&mut rng, split.len(), split.len().min(SEEN)).into_vec();
    // In the order in which they lie.
    indices.sort_unstable();
    // A damaged picture says nothing; who trains on it is told.
    let read = |index: usize| -> Option<Picture> {
        let sample = split.get(index).ok()?;
        sample.picture.decode().ok()
    };
    let first = indices.iter().find_map(|&index| read(index))?;
    let size = [first.height, first.width];
    let of_size = |&index: &usize| match read(index).map(|picture| Sums::of(&picture)) {
        Some(sums) if sums.size != size => Err(()),
        other => Ok(other),
    };
    // The first of another size ends it.
    let seen = on_all_cores(&indices, of_size).ok()?;
    seen.into_iter().flatten().reduce(Sums::and)
}

impl Sums {
    fn of(picture: &Picture) -> Self {
        let mut sums = [[0; 2]; 3];
        for (channel, sums) in sums.iter_mut().enumerate() {
            // Grey is alike in all three.
            let own = picture
                .pixels
                .iter()
                .skip(channel.min(picture.channels - 1));
            for value in own.step_by(picture.channels).map(|&value| u64::from(value)) {
                sums[0] += value;
                sums[1] += value * value;
            }
        }
        Self {
            size: [picture.height, picture.width],
            channels: picture.channels,
            values: (picture.height * picture.width) as u64,
            sums,
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.channels = self.channels.max(other.channels);
        self.values += other.values;
        for (sums, others) in self.sums.iter_mut().zip(other.sums) {
            sums[0] += others[0];
            sums[1] += others[1];
        }
        self
    }

    /// Mean and deviation of each channel, of values between 0 and 1.
    fn statistics(&self) -> (Vec<f32>, Vec<f32>) {
        let of = |&[sum, squares]: &[u64; 2]| {
            let values = self.values as f64 * 255.0;
            let mean = sum as f64 / values;
            let variance = squares as f64 / (values * 255.0) - mean * mean;
            // Pictures of one value alone are divided by 1.
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
    use burn_zoo_data::{Sample, Stored};

    use super::*;
    use crate::name::Name;
    use crate::open::of_any_size;

    fn picture(height: usize, channels: usize, pixels: &[u8]) -> Picture {
        Picture {
            height,
            width: pixels.len() / height / channels,
            channels,
            pixels: pixels.to_vec(),
        }
    }

    /// What is stated of a split of these pictures.
    fn measured(pictures: &[Picture]) -> DatasetInfo {
        let samples = pictures.iter().map(|picture| Sample {
            picture: Stored::Decoded(picture.clone()),
            label: 0,
        });
        let split: Split = Arc::new(InMemDataset::new(samples.collect()));
        let mut info = of_any_size(Name::Shards, vec!["a".to_owned()]);
        measure([&split, &split], &mut info);
        info
    }

    #[test]
    fn pictures_of_one_size_have_statistics_of_their_own() {
        let dark = picture(2, 1, &[0, 0]);
        let bright = picture(2, 1, &[255, 255]);
        let info = measured(&[dark.clone(), bright.clone()]);
        assert_eq!((info.size, info.channels), (Some([2, 1]), 1));
        assert_eq!((info.mean, info.std), (vec![0.5], vec![0.5]));
        let lying = picture(1, 1, &[0, 0]);
        let info = measured(&[dark, bright, lying]);
        assert_eq!((info.size, info.channels), (None, 3));
        assert_eq!(info.mean, [0.485, 0.456, 0.406]);
    }

    #[test]
    fn sums_give_mean_and_deviation() {
        let grey = Sums::of(&picture(2, 1, &[0, 255, 0, 255]));
        assert_eq!(grey.statistics(), (vec![0.5], vec![0.5]));
        let colour = Sums::of(&picture(1, 3, &[255, 0, 51, 255, 255, 51]));
        let (mean, std) = colour.statistics();
        assert_eq!(mean, [1.0, 0.5, 0.2]);
        assert_eq!(std, [1.0, 0.5, 1.0]);
        // A grey picture among coloured ones has three channels too.
        let both = grey.and(Sums {
            size: [2, 2],
            ..colour
        });
        assert_eq!(both.statistics().0, [4.0 / 6.0, 0.5, (2.0 + 0.4) / 6.0]);
    }
}
