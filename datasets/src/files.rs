//! A split of picture files, decoded when asked for.

use std::path::PathBuf;

use burn::data::dataset::{Dataset, DatasetError};
use burn_zoo_data::{Sample, decode};

/// Picture files with their labels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Files {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) labels: Vec<usize>,
}

impl Files {
    pub(crate) fn push(&mut self, path: PathBuf, label: usize) {
        self.paths.push(path);
        self.labels.push(label);
    }
}

impl Dataset<Sample> for Files {
    /// The error names the file and what was found in it.
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        let picture = decode(&self.paths[index]).map_err(DatasetError::new)?;
        Ok(Sample {
            picture,
            label: self.labels[index],
        })
    }

    fn len(&self) -> usize {
        self.paths.len()
    }
}
