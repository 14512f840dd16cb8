//! Subsets of a split that keep its classes in balance.

use std::sync::Arc;

use burn::data::dataset::{Dataset, DatasetError};
use burn_zoo_data::{Sample, Split};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::error::OpenError;

/// A split and the label of each of its samples, known without loading them.
pub(crate) struct LabelledSplit {
    pub(crate) split: Split,
    pub(crate) labels: Vec<usize>,
    /// Index of the first sample of each shard, then the number of samples; none where samples are not in shards.
    pub(crate) starts: Option<Vec<usize>>,
}

impl LabelledSplit {
    /// A split that is not in shards.
    pub(crate) fn new(labels: Vec<usize>, split: impl Dataset<Sample> + 'static) -> Self {
        Self {
            split: Arc::new(split),
            labels,
            starts: None,
        }
    }

    /// At most `size` of the samples, spread over the classes as evenly as possible.
    pub(crate) fn capped(self, size: Option<usize>, seed: u64) -> Self {
        match size {
            Some(size) if size < self.labels.len() => self.at(balanced(&self.labels, size, seed)),
            _ => self,
        }
    }

    /// A training and a validation split; `fraction` of each class is in the second.
    ///
    /// # Errors
    /// When `fraction` is not between 0 and 1.
    pub(crate) fn stratified_split(
        &self,
        fraction: f64,
        seed: u64,
    ) -> Result<(Self, Self), OpenError> {
        let (train, valid) = stratified_split(&self.labels, fraction, seed)?;
        Ok((self.at(train), self.at(valid)))
    }

    /// The samples at `indices`, which ascend.
    fn at(&self, indices: Vec<usize>) -> Self {
        let before = |start: &usize| indices.partition_point(|index| index < start);
        Self {
            starts: self
                .starts
                .as_ref()
                .map(|starts| starts.iter().map(before).collect()),
            labels: indices.iter().map(|&index| self.labels[index]).collect(),
            split: Arc::new(Subset {
                split: self.split.clone(),
                indices,
            }),
        }
    }
}

/// The indices of each class, in random order.
fn shuffled_classes(labels: &[usize], seed: u64) -> Vec<Vec<usize>> {
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

/// Training and validation indices, each in ascending order. `fraction` of each class is for validation: at least one sample
/// of a class with two or more, and never all of them.
fn stratified_split(
    labels: &[usize],
    fraction: f64,
    seed: u64,
) -> Result<(Vec<usize>, Vec<usize>), OpenError> {
    if !(fraction > 0.0 && fraction < 1.0) {
        return Err(OpenError::Option(format!(
            "valid_fraction is {fraction}: expected between 0 and 1"
        )));
    }
    let (mut train, mut valid) = (Vec::new(), Vec::new());
    for members in shuffled_classes(labels, seed) {
        let most = members.len().saturating_sub(1);
        let count = (members.len() as f64 * fraction).round() as usize;
        let (held_out, rest) = members.split_at(count.clamp(most.min(1), most));
        valid.extend_from_slice(held_out);
        train.extend_from_slice(rest);
    }
    train.sort_unstable();
    valid.sort_unstable();
    Ok((train, valid))
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
struct Subset {
    split: Split,
    indices: Vec<usize>,
}

impl Dataset<Sample> for Subset {
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
    fn a_fraction_of_every_class_is_for_validation() {
        let labels = [0, 0, 0, 0, 0, 1, 1, 2];
        let (train, valid) = stratified_split(&labels, 0.2, 0).unwrap();
        let mut all = [train.clone(), valid.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..8).collect::<Vec<_>>());
        let valid: Vec<usize> = valid.iter().map(|&index| labels[index]).collect();
        assert_eq!(valid, [0, 1], "one of five, one of two, none of one");
        assert!(train.is_sorted());
        assert!(stratified_split(&labels, 1.0, 0).is_err());
    }

    #[test]
    fn a_small_class_gives_all_it_has() {
        let labels = [0, 0, 0, 0, 1];
        let chosen = balanced(&labels, 4, 0);
        assert_eq!(chosen.len(), 4);
        assert!(chosen.contains(&4));
    }
}
