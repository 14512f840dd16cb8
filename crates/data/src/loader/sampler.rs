//! In which order the samples of an epoch come.

use std::sync::Arc;

use crate::loader::prefetch::LoadError;
use crate::rng::{are_weights, epoch_order, shard_order, weighted_order};

/// How the samples of an epoch are shuffled.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Sampler {
    /// Each sample may follow each other.
    #[default]
    Uniform,
    /// The chance of each sample of the split, in proportion, to be the next one; an epoch is as long as it would be, and may
    /// visit a sample any number of times (PyTorch's `WeightedRandomSampler`).
    Weighted(Arc<[f64]>),
    /// Samples of a shard stay together, for splits that are read in sequence; see [`shard_order`].
    Shards {
        /// The first sample of each shard, and the number of all.
        starts: Arc<[usize]>,
        /// Samples among which the order is random.
        window: usize,
    },
}

impl Sampler {
    /// Why it is no order of so many samples.
    pub(crate) fn refusal(&self, samples: usize) -> Option<LoadError> {
        match self {
            Self::Weighted(weights) if weights.len() != samples || !are_weights(weights) => {
                Some(LoadError::Weights {
                    found: weights.len(),
                    samples,
                })
            }
            Self::Shards { starts, .. }
                if starts.first() != Some(&0)
                    || starts.last() != Some(&samples)
                    || !starts.is_sorted() =>
            {
                Some(LoadError::Shards { samples })
            }
            _ => None,
        }
    }

    /// The order of `epoch`; empty where the order was [refused](Self::refusal).
    pub(crate) fn of(&self, seed: u64, epoch: usize, samples: usize) -> Vec<usize> {
        match self {
            Self::Uniform => epoch_order(seed, epoch, samples),
            Self::Weighted(weights) => weighted_order(seed, epoch, weights).unwrap_or_default(),
            Self::Shards { starts, window } => shard_order(seed, epoch, starts, *window),
        }
    }
}
