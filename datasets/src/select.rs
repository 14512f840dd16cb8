//! Parts of a split that keep its classes in balance.

use std::sync::Arc;

use burn::data::dataset::{Dataset, DatasetError};
use burn_zoo_data::{Sample, Split};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// A split and the label of each of its samples, known without loading them.
pub(crate) struct Labelled {
    pub(crate) split: Split,
    pub(crate) labels: Vec<usize>,
    /// Where the samples of each shard begin, and the number of all; none where samples lie on their own.
    pub(crate) starts: Option<Vec<usize>>,
}

impl Labelled {
    /// Samples that lie on their own.
    pub(crate) fn new(split: Split, labels: Vec<usize>) -> Self {
        Self {
            split,
            labels,
            starts: None,
        }
    }

    /// The same, whose samples lie in shards.
    pub(crate) fn in_shards(self, starts: Vec<usize>) -> Self {
        Self {
            starts: Some(starts),
            ..self
        }
    }

    /// At most `size` of the samples, as evenly spread over the classes as they allow.
    pub(crate) fn capped(self, size: Option<usize>, seed: u64) -> Self {
        let Some(size) = size.filter(|&size| size < self.labels.len()) else {
            return self;
        };
        let indices = balanced(&self.labels, size, seed);
        let kept_before = |start: &usize| indices.partition_point(|index| index < start);
        Self {
            starts: self
                .starts
                .map(|starts| starts.iter().map(kept_before).collect()),
            labels: indices.iter().map(|&index| self.labels[index]).collect(),
            split: Arc::new(Part {
                split: self.split,
                indices,
            }),
        }
    }
}

/// The indices of each class, in random order.
pub(crate) fn shuffled_classes(labels: &[usize], seed: u64) -> Vec<Vec<usize>> {
    let classes = labels.iter().max().map_or(0, |&last| last + 1);
    let mut members = vec![Vec::new(); classes];
    for (index, &label) in labels.iter().enumerate() {
        members[label].push(index);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for class in &mut members {
        class.shuffle(&mut rng);
    }
    members
}

/// `size` indices: the first of every class, the second of every class and so on, in ascending order.
fn balanced(labels: &[usize], size: usize, seed: u64) -> Vec<usize> {
    let members = shuffled_classes(labels, seed);
    let rounds = members.iter().map(Vec::len).max().unwrap_or(0);
    let mut indices: Vec<usize> = (0..rounds)
        .flat_map(|round| {
            members
                .iter()
                .filter_map(move |class| class.get(round).copied())
        })
        .take(size)
        .collect();
    indices.sort_unstable();
    indices
}

/// Some samples of a split.
struct Part {
    split: Split,
    indices: Vec<usize>,
}

impl Dataset<Sample> for Part {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        self.split.get(self.indices[index])
    }

    fn len(&self) -> usize {
        self.indices.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_keeps_the_classes_in_balance() {
        let labels: Vec<usize> = (0..100).map(|i| usize::from(i >= 90)).collect();
        let chosen = balanced(&labels, 12, 3);
        assert_eq!(chosen.iter().filter(|&&i| labels[i] == 1).count(), 6);
        assert!(chosen.is_sorted());
        assert_eq!(chosen, balanced(&labels, 12, 3));
        assert_ne!(chosen, balanced(&labels, 12, 4));
    }

    #[test]
    fn a_small_class_gives_all_it_has() {
        let labels = [0, 0, 0, 0, 1];
        let chosen = balanced(&labels, 4, 0);
        assert_eq!(chosen.len(), 4);
        assert!(chosen.contains(&4));
    }
}
