//! A split held in memory, one byte a value.

use burn::data::dataset::{Dataset, DatasetError};
use burn_zoo_data::{Image, ImageSource, Sample};

/// Images of one size with their labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InMemory {
    /// Height and width.
    pub(crate) size: [usize; 2],
    pub(crate) channels: usize,
    /// The images one after the other, each height × width × channels.
    pub(crate) pixels: Vec<u8>,
    pub(crate) labels: Vec<usize>,
}

impl InMemory {
    fn values(&self) -> usize {
        self.size[0] * self.size[1] * self.channels
    }
}

impl Dataset<Sample> for InMemory {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        let ([height, width], channels) = (self.size, self.channels);
        let label = self.labels[index];
        let pixels = self.pixels[index * self.values()..(index + 1) * self.values()].to_vec();
        Ok(Sample {
            image: ImageSource::Decoded(Image {
                height,
                width,
                channels,
                pixels,
            }),
            label,
        })
    }

    fn len(&self) -> usize {
        self.labels.len()
    }
}
