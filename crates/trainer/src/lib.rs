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
mod fit;
mod gradients;
mod loss;
mod mix;
mod monitor;
mod observe;
mod optimizer;
mod out_of_memory;
mod pipeline;
mod precision;
mod record;
mod renderer;
mod run_dir;
mod run_file;
mod schedule;
mod scores;
mod seed;
mod state;
mod step;
mod train;
mod views;

pub use checkpoint::has_checkpoint;
pub use details::{ClassScores, Details};
pub use ema::EmaSection;
pub use error::TrainError;
pub use evaluate::{Evaluation, evaluate};
pub use files::write_atomic;
pub use observe::{Observer, Phase, Silent, StepReport};
pub use optimizer::{AdjustLr, OptimizerSection, ParamGroupsSection};
pub use out_of_memory::out_of_memory;
pub use pipeline::{Pipelines, pipelines, valid_loader};
pub use precision::Precision;
pub use record::{Best, EpochRecord, Summary};
pub use run_dir::Existing;
pub use run_file::{
    AugmentSection, BatchSize, CheckpointSection, ColorJitterSection, CropMode, DataSection,
    EraseMode, ErasingSection, FitMode, ModelSection, Monitor, OnBadMode, PolicyName, RunFile,
    RunFileError, TrainSection,
};
pub use schedule::{Schedule, ScheduleKind, ScheduleSection, ScheduleUnit};
pub use scores::Scores;
pub use train::{Job, Outcome, train};
pub use views::{Dense, Views};
