//! A split of image files, each read when its sample is loaded.

use std::path::PathBuf;

use burn::data::dataset::{Dataset, DatasetError};
use burn_zoo_data::{ImageSource, Sample};

/// Image files with their labels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FileList {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) labels: Vec<usize>,
}

impl FileList {
    pub(crate) fn extend(&mut self, paths: Vec<PathBuf>, label: usize) {
        self.paths.extend(paths);
        self.labels.resize(self.paths.len(), label);
    }
}

impl Dataset<Sample> for FileList {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        Ok(Sample {
            image: ImageSource::File(self.paths[index].clone()),
            label: self.labels[index],
        })
    }

    fn len(&self) -> usize {
        self.paths.len()
    }
}
