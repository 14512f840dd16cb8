//! RandAugment, TrivialAugment and AutoAugment: which operations change an image, and how strongly.

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

use super::op::{AUTO, Op, RAND, Scale, WIDE};
use super::sub_policies::{CIFAR10, IMAGENET, SVHN, Step};
use crate::error::{PipelineError, ensure};
use crate::image::Image;

/// A choice among many operations, as torchvision's transforms of the same names make it for a Pillow image: without
/// interpolation, black where the image has no pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// `num_ops` of fourteen operations, each equally likely every time, all equally strong (Cubuk et al. 2020).
    RandAugment {
        /// Operations one after the other; torchvision's default is 2.
        num_ops: usize,
        /// Strength from 0 to 30; torchvision's default is 9.
        magnitude: usize,
    },
    /// One of the fourteen operations, at a strength between nothing and far more than RandAugment's (Müller and Hutter
    /// 2021).
    TrivialAugmentWide,
    /// One of 25 pairs of operations, found by a search on a data set (Cubuk et al. 2019).
    AutoAugment(AutoAugment),
}

/// The data set that the pairs of [`Policy::AutoAugment`] were found on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoAugment {
    /// ImageNet.
    ImageNet,
    /// CIFAR-10.
    Cifar10,
    /// Street View House Numbers.
    Svhn,
}

impl AutoAugment {
    pub(super) fn pairs(self) -> &'static [[Step; 2]; 25] {
        match self {
            Self::ImageNet => &IMAGENET,
            Self::Cifar10 => &CIFAR10,
            Self::Svhn => &SVHN,
        }
    }
}

impl Policy {
    pub(super) fn apply(&self, image: &mut Image, rng: &mut impl Rng) {
        match *self {
            Self::RandAugment { num_ops, magnitude } => {
                for _ in 0..num_ops {
                    let op = Op::CHOICE[rng.random_range(0..Op::CHOICE.len())];
                    change(image, op, magnitude, &RAND, rng);
                }
            }
            Self::TrivialAugmentWide => {
                let op = Op::CHOICE[rng.random_range(0..Op::CHOICE.len())];
                let bin = rng.random_range(0..WIDE.bins);
                change(image, op, bin, &WIDE, rng);
            }
            Self::AutoAugment(which) => {
                let pair = which.pairs().choose(rng).expect("there are 25");
                for &(op, probability, bin) in pair {
                    if rng.random_bool(probability) {
                        change(image, op, bin, &AUTO, rng);
                    }
                }
            }
        }
    }

    pub(super) fn validate(&self) -> Result<(), PipelineError> {
        let Self::RandAugment { num_ops, magnitude } = *self else {
            return Ok(());
        };
        let most = RAND.bins - 1;
        ensure(magnitude <= most, || {
            format!("augment.magnitude = {magnitude}: expected 0 to {most}")
        })?;
        ensure(num_ops > 0, || {
            "augment.num_ops = 0: expected 1 or more".to_owned()
        })
    }
}

/// Applies `op` at step `bin` of `scale`, in a random direction if it has two.
fn change(image: &mut Image, op: Op, bin: usize, scale: &Scale, rng: &mut impl Rng) {
    let magnitude = scale.magnitude(op, bin, [image.height, image.width]);
    let is_negative = op.is_signed() && rng.random_bool(0.5);
    op.apply(image, if is_negative { -magnitude } else { magnitude });
}
