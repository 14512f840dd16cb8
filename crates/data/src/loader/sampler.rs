//! The order of an epoch's samples.

use std::sync::Arc;

use crate::error::LoadError;
use crate::rng::{are_weights, epoch_order, shard_order, weighted_order};

/// How the samples of an epoch are shuffled.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Sampler {
    /// Every sample once, in random order.
    #[default]
    Uniform,
    /// Samples drawn with replacement, with probabilities in proportion to these weights, one per sample of the split
    /// (PyTorch's `WeightedRandomSampler`). An epoch has as many as the split.
    Weighted(Arc<[f64]>),
    /// Every sample once, the shards in random order and the samples shuffled within windows of that sequence, so that what
    /// is read at about the same time lies close together: for splits that are read in sequence.
    Shards {
        /// Index of the first sample of each shard, then the number of samples.
        starts: Arc<[usize]>,
        /// Samples among which the order is random, at least 1.
        window: usize,
    },
}

impl Sampler {
    /// Checks that it orders a split of so many samples.
    pub(crate) fn validate(&self, samples: usize) -> Result<(), LoadError> {
        match self {
            Self::Weighted(weights) if weights.len() != samples || !are_weights(weights) => {
                Err(LoadError::Weights {
                    found: weights.len(),
                    samples,
                })
            }
            Self::Shards { starts, .. }
                if starts.first() != Some(&0)
                    || starts.last() != Some(&samples)
                    || !starts.is_sorted() =>
            {
                Err(LoadError::Shards { samples })
            }
            _ => Ok(()),
        }
    }

    /// The order of `epoch`; empty if it is not [valid](Self::validate).
    pub(crate) fn order(&self, seed: u64, epoch: usize, samples: usize) -> Vec<usize> {
        match self {
            Self::Uniform => epoch_order(seed, epoch, samples),
            Self::Weighted(weights) => weighted_order(seed, epoch, weights).unwrap_or_default(),
            Self::Shards { starts, window } => shard_order(seed, epoch, starts, *window),
        }
    }
}
