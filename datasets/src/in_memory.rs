//! A split held in memory, one byte per value.

use burn::data::dataset::{Dataset, DatasetError};
use burn_zoo_data::{Image, ImageSource, Sample};

/// Images of one size with their labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InMemory {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    /// The images one after the other, each height × width × channels.
    pub(crate) pixels: Vec<u8>,
    pub(crate) labels: Vec<usize>,
}

impl Dataset<Sample> for InMemory {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        let length = self.height * self.width * self.channels;
        let image = Image {
            height: self.height,
            width: self.width,
            channels: self.channels,
            pixels: self.pixels[index * length..][..length].to_vec(),
        };
        Ok(Sample {
            image: ImageSource::Decoded(image),
            label: self.labels[index],
        })
    }

    fn len(&self) -> usize {
        self.labels.len()
    }
}
