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
use toml::{Table, Value};

use crate::optim::{OptimizerSection, ParamGroupsSection};
use crate::schedule::ScheduleSection;

impl RunFile {
    /// A run without a file: `model` on `data` for `epochs`, everything else at its default, to be changed field by field.
    pub fn new(model: &str, data: &str, optimizer: OptimizerSection, epochs: usize) -> Self {
        let section = |key: &str, value: Value| Table::from_iter([(key.to_owned(), value)]);
        let expect = "one key is required, the others have defaults";
        Self {
            name: None,
            seed: 0,
            model: section("arch", model.into()).try_into().expect(expect),
            data: section("name", data.into()).try_into().expect(expect),
            augment: AugmentSection::default(),
            optimizer,
            param_groups: ParamGroupsSection::default(),
            schedule: ScheduleSection::default(),
            train: section("epochs", Value::Integer(epochs as i64))
                .try_into()
                .expect(expect),
            ema: None,
            checkpoint: CheckpointSection::default(),
            logs: LogsSection::default(),
            devices: DevicesSection::default(),
        }
    }

    /// Reads `path`, the files it `extends`, and then the `overrides` (`key=value`, the key dotted, the value in TOML
    /// or a bare word).
    ///
    /// # Errors
    /// [`RunFileError`] on the first file that cannot be read, syntax error, unknown key, wrong type or value out of
    /// range.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self, RunFileError> {
        let mut sources = Sources::read(path)?;
        for assignment in overrides {
            sources.set(assignment)?;
        }
        let run: Self = serde_path_to_error::deserialize(sources.table.clone())
            .map_err(|error| sources.explain(error))?;
        if let Some((key, expected)) = validate::invalid(&run) {
            return Err(sources.out_of_range(&key, &expected));
        }
        Ok(run)
    }

    /// The run file with every default written out, as TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a run file has only types that TOML has")
    }
}
