//! Glyphs: images of digits drawn by a procedure, each different, deterministic from a seed; nothing to download.

mod draw;
mod strokes;

use std::sync::Arc;

use burn::data::dataset::{Dataset, DatasetError};
use burn_zoo_data::{DatasetInfo, Image, ImageData, ImageSource, Sample};
use rayon::prelude::*;

use crate::dataset_name::DatasetName;
use crate::in_memory::InMemory;
use crate::open::OpenOptions;

/// Height and width of a glyph.
pub(crate) const SIDE: usize = 32;
const CLASSES: usize = 10;
const TRAIN_SIZE: usize = 20_000;
const VALID_SIZE: usize = 2_000;
/// Up to this many images (100 MB) are drawn once and kept in memory; of more, each is drawn when it is loaded.
const KEPT: usize = 100_000;
/// Mean and standard deviation over 20,000 images.
const MEAN: f32 = 0.699;
const STD: f32 = 0.220;

/// Any number of images, each drawn when it is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    seed: u64,
    part: Part,
    len: usize,
}

/// Training or validation split; they draw from different random streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Train = 0,
    Valid = 1,
}

impl Glyphs {
    /// A training split of `len` images.
    pub fn train(seed: u64, len: usize) -> Self {
        Self {
            seed,
            part: Part::Train,
            len,
        }
    }

    /// A validation split of `len` images, all of them different from the training images.
    pub fn valid(seed: u64, len: usize) -> Self {
        Self {
            seed,
            part: Part::Valid,
            len,
        }
    }

    /// An image of the digit `index % 10`, drawn from the seed, the split and the index alone.
    fn image(&self, index: usize) -> Image {
        let mut rng = draw::generator(self.seed, self.part as u64, index as u64);
        draw::draw(index % CLASSES, &mut rng)
    }
}

impl Dataset<Sample> for Glyphs {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        assert!(index < self.len, "glyph {index} of {}", self.len);
        Ok(Sample {
            image: ImageSource::Decoded(self.image(index)),
            label: index % CLASSES,
        })
    }

    fn len(&self) -> usize {
        self.len
    }
}

/// Both splits in the sizes of the options.
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

/// All images in memory, drawn on all cores.
fn draw_all(glyphs: Glyphs) -> InMemory {
    let mut pixels = vec![0; glyphs.len * SIDE * SIDE];
    let images = pixels.par_chunks_exact_mut(SIDE * SIDE).enumerate();
    images.for_each(|(index, image)| image.copy_from_slice(&glyphs.image(index).pixels));
    InMemory {
        height: SIDE,
        width: SIDE,
        channels: 1,
        pixels,
        labels: (0..glyphs.len).map(|index| index % CLASSES).collect(),
    }
}
