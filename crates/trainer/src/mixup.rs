//! Mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019): images of a batch mixed with their neighbours, and their targets
//! likewise.

use burn::tensor::{Tensor, s};
use burn_zoo_data::Batch;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution};

use crate::config::RunFile;
use crate::loss::{Targets, soft};

/// Mixup, CutMix and label smoothing as the run file has them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mixup {
    mixup: Option<f64>,
    cutmix: Option<f64>,
    prob: f64,
    switch_prob: f64,
    smoothing: f64,
}

/// How one batch is mixed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Recipe {
    /// λ of each image and 1 − λ of its neighbour.
    Blend { lambda: f64 },
    /// The rectangle is the neighbour's.
    Paste {
        rows: [usize; 2],
        columns: [usize; 2],
    },
}

impl Mixup {
    pub(crate) fn new(run: &RunFile) -> Self {
        let augment = &run.augment;
        Self {
            mixup: augment.mixup,
            cutmix: augment.cutmix,
            prob: augment.mix_prob.unwrap_or(1.0),
            switch_prob: augment.switch_prob.unwrap_or(0.5),
            smoothing: run.train.label_smoothing,
        }
    }

    /// The batch as the network sees it, and its targets; what is random follows from `seed` alone.
    ///
    /// The neighbour of an image is the one before it, the first's is the last (torchvision's `v2.MixUp` and
    /// `v2.CutMix`); a batch is mixed in one way and with one λ (Zhang et al. 2018; Yun et al. 2019).
    pub(crate) fn apply(&self, batch: Batch, classes: usize, seed: u64) -> (Batch, Targets) {
        let Batch {
            images,
            labels,
            indices,
        } = batch;
        let [_, _, height, width] = images.dims();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let Some(recipe) = self.recipe([height, width], &mut rng) else {
            let targets = Targets::smoothed(labels.clone(), classes, self.smoothing);
            let batch = Batch {
                images,
                labels,
                indices,
            };
            return (batch, targets);
        };
        let targets = soft(labels.clone(), classes, self.smoothing);
        let neighbours = rolled(images.clone());
        let (images, lambda) = match recipe {
            Recipe::Blend { lambda } => (
                images.mul_scalar(lambda) + neighbours.mul_scalar(1.0 - lambda),
                lambda,
            ),
            Recipe::Paste {
                rows: [top, bottom],
                columns: [left, right],
            } => {
                let window = s![.., .., top..bottom, left..right];
                let area = (bottom - top) * (right - left);
                let pasted = match area {
                    0 => images,
                    _ => images.slice_assign(window, neighbours.slice(window)),
                };
                (pasted, 1.0 - area as f64 / (height * width) as f64)
            }
        };
        let mixed = targets.clone().mul_scalar(lambda) + rolled(targets).mul_scalar(1.0 - lambda);
        let batch = Batch {
            images,
            labels,
            indices,
        };
        (batch, Targets::Soft(mixed))
    }

    /// Whether and how the next batch is mixed.
    fn recipe(&self, size: [usize; 2], rng: &mut impl Rng) -> Option<Recipe> {
        if self.mixup.is_none() && self.cutmix.is_none() || !rng.random_bool(self.prob) {
            return None;
        }
        let (alpha, pastes) = match (self.mixup, self.cutmix) {
            (Some(mixup), Some(cutmix)) => match rng.random_bool(self.switch_prob) {
                true => (cutmix, true),
                false => (mixup, false),
            },
            (mixup, cutmix) => (mixup.or(cutmix)?, cutmix.is_some()),
        };
        let beta = Beta::new(alpha, alpha).expect("the run file's alpha is above 0");
        let lambda = beta.sample(rng);
        if !pastes {
            return Some(Recipe::Blend { lambda });
        }
        // A rectangle of the image's shape and of 1 − λ of its area, around any point; what sticks out is cut off.
        let [rows, columns] = size.map(|length| {
            let centre = rng.random_range(0..length);
            let half = (0.5 * (1.0 - lambda).sqrt() * length as f64) as usize;
            [centre.saturating_sub(half), (centre + half).min(length)]
        });
        Some(Recipe::Paste { rows, columns })
    }
}

/// Row `i` becomes row `i + 1`, the last the first.
fn rolled<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    let last = tensor.dims()[0] - 1;
    if last == 0 {
        return tensor;
    }
    let first = tensor.clone().narrow(0, last, 1);
    Tensor::cat(vec![first, tensor.narrow(0, 0, last)], 0)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Int};

    use super::*;

    fn mixing(mixup: Option<f64>, cutmix: Option<f64>) -> Mixup {
        Mixup {
            mixup,
            cutmix,
            prob: 1.0,
            switch_prob: 0.5,
            smoothing: 0.0,
        }
    }

    /// Three images of 6×4 pixels, each of one value: 0, 1 and 2.
    fn batch() -> Batch {
        let device = Device::flex();
        let values = Tensor::<1>::from_floats([0.0, 1.0, 2.0], &device);
        Batch {
            images: values.reshape([3, 1, 1, 1]).repeat(&[1, 1, 6, 4]),
            labels: Tensor::<1, Int>::from_ints([0, 1, 2], &device),
            indices: vec![0, 1, 2],
        }
    }

    fn applied(mixing: &Mixup, seed: u64) -> (Vec<f32>, Vec<f32>) {
        let (batch, targets) = mixing.apply(batch(), 3, seed);
        let Targets::Soft(targets) = targets else {
            panic!("mixed targets are soft")
        };
        let values = |data: burn::tensor::TensorData| data.try_to_vec().expect("f32");
        (
            values(batch.images.into_data()),
            values(targets.into_data()),
        )
    }

    #[test]
    fn mixup_blends_images_and_targets_alike() {
        let (images, targets) = applied(&mixing(Some(0.8), None), 3);
        let lambda = targets[0];
        assert!(lambda > 0.0 && lambda < 1.0, "{lambda}");
        // The first image is 0 and its neighbour 2.
        assert!((images[0] - 2.0 * (1.0 - lambda)).abs() < 1e-6);
        assert!((targets[2] - (1.0 - lambda)).abs() < 1e-6);
        // The second is 1 and its neighbour 0.
        assert!((images[24] - lambda).abs() < 1e-6);
        assert!((targets[3] - (1.0 - lambda)).abs() < 1e-6 && (targets[4] - lambda).abs() < 1e-6);
    }

    #[test]
    fn cutmix_pastes_as_much_as_the_targets_say() {
        for seed in 0..20 {
            let (images, targets) = applied(&mixing(None, Some(1.0)), seed);
            let own = images[..24].iter().filter(|&&value| value == 0.0).count();
            let pasted = images[..24].iter().filter(|&&value| value == 2.0).count();
            assert_eq!(own + pasted, 24);
            assert!((targets[0] - own as f32 / 24.0).abs() < 1e-6, "seed {seed}");
            assert!(
                (targets[2] - pasted as f32 / 24.0).abs() < 1e-6,
                "seed {seed}"
            );
        }
    }

    #[test]
    fn a_seed_decides_and_both_kinds_come_up() {
        let both = mixing(Some(0.8), Some(1.0));
        assert_eq!(applied(&both, 5), applied(&both, 5));
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let recipes: Vec<Recipe> = (0..400)
            .filter_map(|_| both.recipe([8, 8], &mut rng))
            .collect();
        let blends = recipes
            .iter()
            .filter(|r| matches!(r, Recipe::Blend { .. }))
            .count();
        assert!(
            (160..240).contains(&blends),
            "{blends} of {}",
            recipes.len()
        );
        let seldom = Mixup { prob: 0.25, ..both };
        let mixed = (0..400)
            .filter_map(|_| seldom.recipe([8, 8], &mut rng))
            .count();
        assert!((70..130).contains(&mixed), "{mixed}");
    }

    #[test]
    fn without_mixing_and_smoothing_the_classes_stay() {
        let (batch, targets) = mixing(None, None).apply(batch(), 3, 0);
        assert!(matches!(targets, Targets::Classes(_)));
        assert_eq!(batch.images.dims(), [3, 1, 6, 4]);
    }
}
