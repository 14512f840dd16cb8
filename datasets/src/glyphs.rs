//! Glyphs: digits drawn from hand-made strokes, each different, deterministic from a seed; nothing to download.

mod draw;
mod strokes;

use std::sync::Arc;

use burn::data::dataset::{Dataset, DatasetError};
use burn_zoo_data::{DatasetInfo, ImageData, ImageSource, Sample};

use crate::dataset_name::DatasetName;
use crate::in_memory::InMemory;
use crate::open::OpenOptions;

/// Height and width of a glyph.
pub(crate) const SIDE: usize = 32;
const CLASSES: usize = 10;
const TRAIN_SIZE: usize = 20_000;
const VALID_SIZE: usize = 2_000;
/// Up to this many glyphs (100 MB) are drawn once and kept; more are drawn each time they are asked for.
const KEPT: usize = 100_000;

/// Any number of glyphs, drawn when asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    seed: u64,
    part: Part,
    len: usize,
}

/// The two splits draw from different numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Train = 0,
    Valid = 1,
}

impl Glyphs {
    /// `len` glyphs to learn from.
    pub fn train(seed: u64, len: usize) -> Self {
        Self {
            seed,
            part: Part::Train,
            len,
        }
    }

    /// `len` glyphs to validate on; none of them is a training glyph.
    pub fn valid(seed: u64, len: usize) -> Self {
        Self {
            seed,
            part: Part::Valid,
            len,
        }
    }
}

impl Dataset<Sample> for Glyphs {
    /// Digit `index % 10`, drawn from the seed, the split and the index alone.
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        assert!(index < self.len, "glyph {index} of {}", self.len);
        let label = index % CLASSES;
        let mut rng = draw::generator(self.seed, self.part as u64, index as u64);
        Ok(Sample {
            image: ImageSource::Decoded(draw::draw(label, &mut rng)),
            label,
        })
    }

    fn len(&self) -> usize {
        self.len
    }
}

/// Opens the set in the sizes asked for.
pub(crate) fn open(options: &OpenOptions) -> ImageData {
    let train = Glyphs::train(options.seed, options.train_size.unwrap_or(TRAIN_SIZE));
    let valid = Glyphs::valid(options.seed, options.valid_size.unwrap_or(VALID_SIZE));
    let kept = |glyphs: Glyphs| -> burn_zoo_data::Split {
        if glyphs.len <= KEPT {
            Arc::new(draw_all(glyphs))
        } else {
            Arc::new(glyphs)
        }
    };
    let info = DatasetInfo {
        name: DatasetName::Glyphs.to_string(),
        classes: (0..CLASSES).map(|digit| digit.to_string()).collect(),
        channels: 1,
        size: Some([SIDE, SIDE]),
        mean: vec![MEAN],
        std: vec![STD],
    };
    ImageData {
        labels: (0..train.len).map(|index| index % CLASSES).collect(),
        train: kept(train),
        valid: kept(valid),
        shards: None,
        info,
    }
}

/// Mean and standard deviation over 20,000 glyphs.
const MEAN: f32 = 0.699;
const STD: f32 = 0.220;

/// Every glyph of a set in memory, drawn on all cores.
fn draw_all(glyphs: Glyphs) -> InMemory {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = glyphs.len.div_ceil(threads).max(1);
    let mut pixels = vec![0; glyphs.len * SIDE * SIDE];
    std::thread::scope(|scope| {
        for (number, part) in pixels.chunks_mut(share * SIDE * SIDE).enumerate() {
            scope.spawn(move || {
                for (i, place) in part.chunks_exact_mut(SIDE * SIDE).enumerate() {
                    let index = number * share + i;
                    let mut rng = draw::generator(glyphs.seed, glyphs.part as u64, index as u64);
                    place.copy_from_slice(&draw::draw(index % CLASSES, &mut rng).pixels);
                }
            });
        }
    });
    let labels = (0..glyphs.len).map(|index| index % CLASSES).collect();
    InMemory {
        size: [SIDE, SIDE],
        channels: 1,
        pixels,
        labels,
    }
}
