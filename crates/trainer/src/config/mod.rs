//! Run files: TOML with `extends` and `--set`, where a mistake is answered with its key, file and line.

mod augment;
mod batch_size;
mod devices;
mod error;
mod schema;
mod sources;
mod validate;

pub use augment::{
    AugmentSection, ColorJitterSection, CropMode, EraseMode, ErasingSection, PolicyName,
};
pub use batch_size::BatchSize;
pub use devices::DevicesSection;
pub use error::RunFileError;
pub use schema::{
    CheckpointSection, DataSection, FitMode, LogsSection, ModelSection, Monitor, OnBadMode,
    RunFile, SamplingMode, TrainSection,
};

use std::path::Path;

use sources::Sources;

impl RunFile {
    /// Reads `path`, the files it `extends`, and then the `overrides` (`key=value`, the key dotted, the value in TOML
    /// or a bare word).
    ///
    /// # Errors
    /// [`RunFileError`] on the first file that cannot be read, syntax error, unknown key, wrong type or value out of
    /// range.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self, RunFileError> {
        let mut layers = Sources::read(path)?;
        for assignment in overrides {
            layers.set(assignment)?;
        }
        let run: Self = serde_path_to_error::deserialize(layers.table.clone())
            .map_err(|error| layers.explain(error))?;
        if let Some((key, expected)) = validate::invalid(&run) {
            return Err(layers.out_of_range(&key, &expected));
        }
        Ok(run)
    }

    /// The run file with every default written out, as TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a run file has only types that TOML has")
    }
}
