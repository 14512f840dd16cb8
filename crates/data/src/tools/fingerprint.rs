//! Fingerprints that find identical and nearly identical images.
//!
//! Identical images have the same size and pixels. Nearly identical images have difference hashes (Krawetz's dHash: 9×8
//! grey cells, one bit for each cell that is brighter than its right neighbour) that differ in at most 4 bits, and similar
//! cells: the hash alone takes all images with a plain background for one. A copy that was compressed again, resized or
//! slightly retouched is found; one that was cropped or rotated is not.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::image::{Image, with_channels};
use crate::transforms::resize::resize;

/// Cells of the small grey image.
const ROWS: usize = 8;
const COLUMNS: usize = 9;
const CELLS: usize = ROWS * COLUMNS;
/// Levels by which a cell must be brighter to count, so that compression leaves plain areas plain.
const STEP: u8 = 1;
/// Bits in which the hashes of near duplicates may differ.
const HASH_BITS: u32 = 4;
/// Largest root mean square difference of the cells of near duplicates, in levels, after brightness is equalised.
const CELL_LEVELS: f64 = 4.0;
/// Largest difference of their brightness, in levels.
const BRIGHTNESS_LEVELS: f64 = 8.0;

/// A summary of an image's looks in few bytes. Two are equal if size and pixels of the images are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    /// Hash of size and pixels.
    exact: u64,
    /// Difference hash of the cells.
    hash: u64,
    cells: [u8; CELLS],
}

impl Fingerprint {
    /// The fingerprint of an image; `None` if it has no pixels.
    pub fn of(image: &Image) -> Option<Self> {
        if image.pixels.is_empty() {
            return None;
        }
        let mut exact = DefaultHasher::new();
        (image.size(), &image.pixels).hash(&mut exact);
        let small = with_channels(Cow::Owned(resize(image, [ROWS, COLUMNS])), 1);
        let cells: [u8; CELLS] = small.pixels.try_into().expect("one value per cell");
        let mut hash = 0;
        for row in cells.chunks_exact(COLUMNS) {
            for pair in row.windows(2) {
                hash = hash << 1 | u64::from(pair[0] > pair[1].saturating_add(STEP));
            }
        }
        Some(Self {
            exact: exact.finish(),
            hash,
            cells,
        })
    }

    fn brightness(&self) -> f64 {
        let sum: u32 = self.cells.iter().map(|&cell| u32::from(cell)).sum();
        f64::from(sum) / self.cells.len() as f64
    }

    /// Whether the two images are nearly identical.
    fn is_near(&self, other: &Self) -> bool {
        if (self.hash ^ other.hash).count_ones() > HASH_BITS {
            return false;
        }
        let shift = self.brightness() - other.brightness();
        if shift.abs() > BRIGHTNESS_LEVELS {
            return false;
        }
        let differences = self.cells.iter().zip(&other.cells).map(|(&own, &theirs)| {
            let difference = f64::from(own) - f64::from(theirs) - shift;
            difference * difference
        });
        let mean = differences.sum::<f64>() / self.cells.len() as f64;
        mean <= CELL_LEVELS * CELL_LEVELS
    }
}

/// The groups of images that are identical or nearly so: indices in ascending order, groups by their first members.
///
/// Takes time that grows little faster than the number of images: hashes that differ in at most 4 bits are equal in one
/// of 5 parts at least, so only images with a part in common are compared.
pub fn near_duplicates(fingerprints: &[Fingerprint]) -> Vec<Vec<usize>> {
    let mut groups = Groups::new(fingerprints.len());
    // One image represents all that are identical.
    let mut first: HashMap<u64, usize> = HashMap::new();
    let mut different = Vec::new();
    for (index, fingerprint) in fingerprints.iter().enumerate() {
        match first.get(&fingerprint.exact) {
            Some(&same) if fingerprints[same] == *fingerprint => groups.join(same, index),
            _ => {
                first.insert(fingerprint.exact, index);
                different.push(index);
            }
        }
    }
    let parts = HASH_BITS + 1;
    let bits = u64::BITS.div_ceil(parts);
    let brightness: Vec<f64> = fingerprints.iter().map(Fingerprint::brightness).collect();
    for part in 0..parts {
        let key = |&index: &usize| fingerprints[index].hash >> (part * bits) & ((1 << bits) - 1);
        // Images with a part in common, by brightness, so that the search ends where it differs too much.
        different.sort_unstable_by(|a, b| {
            let order = key(a).cmp(&key(b));
            order
                .then(brightness[*a].total_cmp(&brightness[*b]))
                .then(a.cmp(b))
        });
        for (position, &index) in different.iter().enumerate() {
            let near = different[position + 1..].iter().take_while(|other| {
                key(other) == key(&index)
                    && brightness[**other] - brightness[index] <= BRIGHTNESS_LEVELS
            });
            for &other in near {
                if !groups.are_joined(index, other)
                    && fingerprints[index].is_near(&fingerprints[other])
                {
                    groups.join(index, other);
                }
            }
        }
    }
    groups.of_several()
}

/// Disjoint sets (union-find).
struct Groups {
    parents: Vec<usize>,
}

impl Groups {
    fn new(len: usize) -> Self {
        Self {
            parents: (0..len).collect(),
        }
    }

    fn root(&mut self, mut index: usize) -> usize {
        while self.parents[index] != index {
            self.parents[index] = self.parents[self.parents[index]];
            index = self.parents[index];
        }
        index
    }

    fn are_joined(&mut self, a: usize, b: usize) -> bool {
        self.root(a) == self.root(b)
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        // The smaller index becomes the root.
        self.parents[a.max(b)] = a.min(b);
    }

    fn of_several(mut self) -> Vec<Vec<usize>> {
        let mut members: HashMap<usize, Vec<usize>> = HashMap::new();
        for index in 0..self.parents.len() {
            let root = self.root(index);
            members.entry(root).or_default().push(index);
        }
        let mut groups: Vec<_> = members
            .into_values()
            .filter(|members| members.len() > 1)
            .collect();
        groups.sort_unstable();
        groups
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// An image of a few random blobs, smooth enough to be recognised when it is small.
    fn image(seed: u64) -> Image {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let blobs: Vec<[f64; 3]> = (0..6)
            .map(|_| [0.0; 3].map(|_: f64| rng.random_range(0.0..64.0)))
            .collect();
        let value = |x: usize, y: usize| {
            let light = blobs.iter().map(|[cx, cy, size]| {
                let distance = (x as f64 - cx).powi(2) + (y as f64 - cy).powi(2);
                120.0 * (-distance / (8.0 + size * 4.0)).exp()
            });
            light.sum::<f64>().min(255.0) as u8
        };
        Image {
            height: 64,
            width: 64,
            channels: 1,
            pixels: (0..64 * 64).map(|i| value(i % 64, i / 64)).collect(),
        }
    }

    fn prints(images: &[Image]) -> Vec<Fingerprint> {
        images
            .iter()
            .map(|image| Fingerprint::of(image).expect("it has pixels"))
            .collect()
    }

    #[test]
    fn copies_are_found_through_noise_brightness_and_size() {
        let mut images: Vec<Image> = (0..100).map(image).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let noisy = images[10].pixels.iter();
        let noisy = noisy.map(|&value| value.saturating_add((rng.next_u32() % 4) as u8));
        images.push(Image {
            pixels: noisy.collect(),
            ..images[10].clone()
        });
        images.push(resize(&images[20], [48, 40]));
        images.push(images[30].clone());
        let found = near_duplicates(&prints(&images));
        assert_eq!(found, [vec![10, 100], vec![20, 101], vec![30, 102]]);
        let [a, b] = [30, 102].map(|index| Fingerprint::of(&images[index]).expect("pixels"));
        assert_eq!(a, b);
        assert_ne!(Some(a), Fingerprint::of(&images[31]));
    }

    #[test]
    fn the_search_finds_what_comparing_all_finds() {
        // Hashes of few different bits, so that many are near each other.
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let random: Vec<Fingerprint> = (0..400)
            .map(|exact| Fingerprint {
                exact,
                hash: rng.next_u64() & rng.next_u64() & rng.next_u64() & rng.next_u64(),
                cells: [(rng.next_u32() % 40) as u8; CELLS],
            })
            .collect();
        let mut groups = Groups::new(random.len());
        for a in 0..random.len() {
            for b in 0..a {
                if random[a].is_near(&random[b]) {
                    groups.join(a, b);
                }
            }
        }
        let expected = groups.of_several();
        assert!(!expected.is_empty());
        assert_eq!(near_duplicates(&random), expected);
    }

    #[test]
    fn many_that_are_alike_take_no_longer_than_many_that_are_not() {
        let plain = Fingerprint {
            exact: 0,
            hash: 0,
            cells: [0; CELLS],
        };
        let same = near_duplicates(&vec![plain; 200_000]);
        assert_eq!(same.len(), 1);
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let different: Vec<Fingerprint> = (0..200_000)
            .map(|exact| Fingerprint {
                exact,
                hash: rng.next_u64(),
                cells: plain.cells,
            })
            .collect();
        assert_eq!(near_duplicates(&different).len(), 0);
    }
}
