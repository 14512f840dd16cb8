//! A config-driven trainer for image classifiers, generic over the [`Classifier`](burn_zoo_blocks::Classifier).
//!
//! [`RunFile`] holds the settings, [`train()`] trains in a run folder, [`evaluate()`] measures the result. The training loop
//! is one file, `train.rs`. The trainer knows no architecture, no data set, no kind of device and no terminal.

mod config;
mod data_parallel;
mod ema;
mod error;
mod eval;
mod loaders;
mod loss;
mod mixup;
mod monitor;
mod observer;
mod optim;
mod out_of_memory;
mod precision;
mod request;
mod run_dir;
mod sampling;
mod schedule;
mod seed;
mod step;
mod train;

/// Stops a run after the current step.
pub use burn::train::Interrupter;
/// The records of a run folder, and what reads them.
pub use burn_zoo_report as report;
pub use burn_zoo_report::{
    Best, ClassRecord, EpochRecord, EvaluationRecord, Machine, Metrics, Mistake, PrecisionRecall,
    Summary,
};
pub use config::{
    AugmentSection, BatchSize, CheckpointSection, ColorJitterSection, CropMode, DataSection,
    DevicesSection, EraseMode, ErasingSection, FitMode, LogsSection, ModelSection, Monitor,
    OnBadMode, PolicyName, RunFile, RunFileError, SamplingMode, TrainSection,
};
pub use ema::EmaSection;
pub use error::TrainError;
pub use eval::{ClassMetrics, Dense, Evaluation, Views, evaluate};
pub use loaders::{PREFETCH, Pipelines, pipelines, transfer};
pub use observer::{Observer, Phase, Silent, StepReport};
pub use optim::{AdjustLr, OptimizerSection, ParamGroupsSection};
pub use out_of_memory::out_of_memory;
pub use precision::Precision;
pub use request::{Outcome, TrainRequest};
pub use run_dir::{Existing, check_unchanged, has_checkpoint, write_atomic};
pub use schedule::{Schedule, ScheduleKind, ScheduleSection, ScheduleUnit};
pub use train::train;
