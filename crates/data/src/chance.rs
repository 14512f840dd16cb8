//! Where every random number of the data pipeline comes from: the seed, the epoch and the index, nothing else.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Which use a stream serves, so that the order of an epoch and its augmentations never share numbers.
const ORDER: &[u8; 8] = b"order\0\0\0";
const AUGMENT: &[u8; 8] = b"augment\0";

/// The generator of the augmentations of sample `index` (its place in the data set) in `epoch`.
///
/// The 32-byte ChaCha key is `seed ‖ epoch ‖ index ‖ purpose`, each 8 bytes little-endian: distinct triples give
/// independent streams, whichever thread draws them and in whatever order.
pub fn sample_rng(seed: u64, epoch: usize, index: usize) -> ChaCha8Rng {
    stream(seed, epoch, index, AUGMENT)
}

/// The numbers `0..len` in the order in which `epoch` visits them (Fisher–Yates over a generator keyed by seed and
/// epoch).
pub fn epoch_order(seed: u64, epoch: usize, len: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    order.shuffle(&mut stream(seed, epoch, 0, ORDER));
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
    fn streams_differ_in_every_argument() {
        let draw = |seed, epoch, index| sample_rng(seed, epoch, index).next_u64();
        let all = [draw(0, 0, 0), draw(1, 0, 0), draw(0, 1, 0), draw(0, 0, 1)];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b));
        }
    }

    #[test]
    fn the_stream_is_pinned_so_that_an_old_run_can_be_repeated() {
        assert_eq!(epoch_order(1, 2, 8), [4, 2, 7, 0, 5, 3, 1, 6]);
    }
}
