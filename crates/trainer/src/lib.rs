//! A config-driven trainer for image classifiers, generic over the [`Classifier`](burn_zoo_blocks::Classifier).
//!
//! [`RunFile`] says what, [`train()`] does it in a run folder, [`evaluate()`] scores the result. The loop is one file,
//! `fit.rs`. The trainer knows no architecture, no data set, no device and no terminal.

mod checkpoint;
mod details;
mod ema;
mod error;
mod evaluate;
mod files;
mod findings;
mod fit;
mod gradients;
mod logs;
mod loss;
mod mix;
mod monitor;
mod observe;
mod optimizer;
mod out_of_memory;
mod pipeline;
mod precision;
mod renderer;
mod run_dir;
mod run_file;
mod sampling;
mod schedule;
mod scores;
mod seed;
mod state;
mod step;
mod team;
mod train;
mod views;

/// The records of a run folder, and what reads them.
pub use burn_zoo_report as report;
pub use burn_zoo_report::{
    Best, ClassRecord, ClassScores, EpochRecord, EvaluationRecord, Machine, Mistake, Scores,
    Summary,
};
pub use checkpoint::has_checkpoint;
pub use details::Details;
pub use ema::EmaSection;
pub use error::TrainError;
pub use evaluate::{Evaluation, evaluate};
pub use files::write_atomic;
pub use observe::{Observer, Phase, Silent, StepReport};
pub use optimizer::{AdjustLr, OptimizerSection, ParamGroupsSection};
pub use out_of_memory::out_of_memory;
pub use pipeline::{PREFETCH, Pipelines, pipelines, upload};
pub use precision::Precision;
pub use run_dir::{Existing, check_unchanged};
pub use run_file::{
    AugmentSection, BatchSize, CheckpointSection, ColorJitterSection, CropMode, DataSection,
    DevicesSection, EraseMode, ErasingSection, FitMode, LogsSection, ModelSection, Monitor,
    OnBadMode, PolicyName, RunFile, RunFileError, SamplingMode, TrainSection,
};
pub use schedule::{Schedule, ScheduleKind, ScheduleSection, ScheduleUnit};
pub use train::{Job, Outcome, train};
pub use views::{Dense, Views};
