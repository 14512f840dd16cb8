//! Random generators of the data pipeline, each a pure function of the seed, the epoch and an index.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_distr::Distribution;
use rand_distr::weighted::WeightedIndex;

// The purpose of a stream: the order of an epoch and its augmentations never share random values.
const ORDER: &[u8; 8] = b"order\0\0\0";
const AUGMENT: &[u8; 8] = b"augment\0";
const DRAWN: &[u8; 8] = b"drawn\0\0\0";
const SHARDS: &[u8; 8] = b"shards\0\0";

/// The generator for the augmentation of sample `index` of a split in `epoch`.
///
/// The 32-byte ChaCha key is `seed ‖ epoch ‖ index ‖ purpose`, each 8 bytes little-endian: distinct triples give
/// independent streams, whichever thread draws them and in whatever order.
pub fn sample_rng(seed: u64, epoch: usize, index: usize) -> ChaCha8Rng {
    stream(seed, epoch, index, AUGMENT)
}

/// The indices `0..len` in the order of `epoch`: shuffled (Fisher–Yates) by a generator keyed by seed and epoch.
pub fn epoch_order(seed: u64, epoch: usize, len: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    order.shuffle(&mut stream(seed, epoch, 0, ORDER));
    order
}

/// Whether these are weights to draw by: none negative or NaN, and one above 0.
pub(crate) fn are_weights(weights: &[f64]) -> bool {
    WeightedIndex::new(weights).is_ok()
}

/// As many indices as there are weights, drawn with replacement in proportion to the weights; `None` unless they
/// [are weights](are_weights).
pub(crate) fn weighted_order(seed: u64, epoch: usize, weights: &[f64]) -> Option<Vec<usize>> {
    let rng = stream(seed, epoch, 0, ORDER);
    let draws = WeightedIndex::new(weights).ok()?.sample_iter(rng);
    Some(draws.take(weights.len()).collect())
}

/// The generator for the augmentation at `position` of an epoch that may visit a sample more than once.
pub(crate) fn draw_rng(seed: u64, epoch: usize, position: usize) -> ChaCha8Rng {
    stream(seed, epoch, position, DRAWN)
}

/// The indices `0..len` in an order of `epoch` that reads shards in sequence: the shards are shuffled, then the samples
/// within every `window` of the result, so that what is read at about the same time lies close together.
///
/// `starts` holds the first index of each shard, then `len`. A window of 0 counts as 1.
pub(crate) fn shard_order(seed: u64, epoch: usize, starts: &[usize], window: usize) -> Vec<usize> {
    let mut rng = stream(seed, epoch, 0, SHARDS);
    let mut shards: Vec<&[usize]> = starts.windows(2).collect();
    shards.shuffle(&mut rng);
    let mut order: Vec<usize> = shards.iter().flat_map(|shard| shard[0]..shard[1]).collect();
    for window in order.chunks_mut(window.max(1)) {
        window.shuffle(&mut rng);
    }
    order
}

fn stream(seed: u64, epoch: usize, index: usize, purpose: &[u8; 8]) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&(epoch as u64).to_le_bytes());
    key[16..24].copy_from_slice(&(index as u64).to_le_bytes());
    key[24..].copy_from_slice(purpose);
    ChaCha8Rng::from_seed(key)
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn an_order_is_a_permutation_that_depends_on_seed_and_epoch() {
        let first = epoch_order(7, 0, 1000);
        let mut sorted = first.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
        assert_eq!(first, epoch_order(7, 0, 1000));
        assert_ne!(first, epoch_order(7, 1, 1000));
        assert_ne!(first, epoch_order(8, 0, 1000));
    }

    #[test]
    fn the_order_of_shards_keeps_them_together() {
        let starts = [0, 300, 301, 301, 700, 1000];
        let order = shard_order(7, 3, &starts, 50);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
        assert_eq!(order, shard_order(7, 3, &starts, 50));
        assert_ne!(order, shard_order(7, 4, &starts, 50));
        // Every window lies in few shards, and is not in order.
        let shard = |index: &usize| starts.partition_point(|start| start <= index);
        for window in order.chunks(50) {
            let mut shards: Vec<usize> = window.iter().map(shard).collect();
            shards.sort_unstable();
            shards.dedup();
            assert!(shards.len() <= 3, "{shards:?}");
            assert!(!window.is_sorted());
        }
        // Pinned, so that an old run can be repeated.
        assert_eq!(shard_order(1, 2, &[0, 4, 8], 2), [5, 4, 6, 7, 1, 0, 2, 3]);
        assert!(shard_order(1, 2, &[0, 0], 2).is_empty());
    }

    #[test]
    fn streams_differ_in_every_argument() {
        let draw = |seed, epoch, index| sample_rng(seed, epoch, index).next_u64();
        let all = [draw(0, 0, 0), draw(1, 0, 0), draw(0, 1, 0), draw(0, 0, 1)];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b));
        }
    }

    #[test]
    fn samples_are_drawn_in_proportion_to_their_weights() {
        let weights: Vec<f64> = (0..10_000).map(|i| f64::from(i % 4)).collect();
        let order = weighted_order(3, 0, &weights).expect("they are weights");
        assert_eq!(Some(&order), weighted_order(3, 0, &weights).as_ref());
        assert_ne!(Some(&order), weighted_order(3, 1, &weights).as_ref());
        for wrong in [&[][..], &[0.0, 0.0], &[1.0, -1.0], &[f64::NAN, 1.0]] {
            assert_eq!(weighted_order(3, 0, wrong), None, "{wrong:?}");
        }
        let mut counts = [0_usize; 4];
        order.iter().for_each(|i| counts[i % 4] += 1);
        // Fractions 0, 1/6, 2/6 and 3/6, within four standard deviations.
        assert_eq!(counts[0], 0);
        for (class, expected) in [(1, 1667), (2, 3333), (3, 5000)] {
            assert!(counts[class].abs_diff(expected) < 200, "{counts:?}");
        }
    }

    #[test]
    fn the_stream_is_pinned_so_that_an_old_run_can_be_repeated() {
        assert_eq!(epoch_order(1, 2, 8), [4, 2, 7, 0, 5, 3, 1, 6]);
        assert_eq!(
            weighted_order(1, 2, &[1.0; 8]),
            Some(vec![2, 3, 5, 7, 0, 4, 2, 4])
        );
    }
}
