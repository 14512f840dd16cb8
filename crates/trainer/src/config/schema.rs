//! The keys of a run file, their types and defaults. Unknown keys are errors.

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn_zoo_data::OnBad;
use serde::{Deserialize, Serialize};

use super::augment::AugmentSection;
use super::batch_size::BatchSize;
use super::devices::DevicesSection;
use crate::ema::EmaSection;
use crate::loaders::PREFETCH;
use crate::optim::{OptimizerSection, ParamGroupsSection};
use crate::precision::Precision;
use crate::schedule::ScheduleSection;

/// One run: everything that decides its result, and nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunFile {
    /// Name of the run and of its folder below `runs/`; default: `<data set>-<architecture>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Seed of the weights, the order of the samples, the augmentation and the dropout.
    #[serde(default)]
    pub seed: u64,
    /// The network.
    pub model: ModelSection,
    /// The images.
    pub data: DataSection,
    /// Random changes of the training images; none by default.
    #[serde(default)]
    pub augment: AugmentSection,
    /// How gradients become updates.
    pub optimizer: OptimizerSection,
    /// Parameters that are not all updated alike.
    #[serde(default, skip_serializing_if = "ParamGroupsSection::is_default")]
    pub param_groups: ParamGroupsSection,
    /// How the learning rate moves.
    #[serde(default)]
    pub schedule: ScheduleSection,
    /// How long, and what happens in a step.
    pub train: TrainSection,
    /// Averaged weights beside the trained ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ema: Option<EmaSection>,
    /// What is kept on disk.
    #[serde(default)]
    pub checkpoint: CheckpointSection,
    /// In which forms the metrics are written.
    #[serde(default)]
    pub logs: LogsSection,
    /// Devices that share the work; none for the one that the command line chooses.
    #[serde(default, skip_serializing_if = "DevicesSection::is_empty")]
    pub devices: DevicesSection,
}

impl RunFile {
    /// The run's name: the one given, or `<data set>-<architecture>`.
    pub fn run_name(&self) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None => format!("{}-{}", self.data.name, self.model.arch),
        }
    }
}

/// `[model]`: which network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSection {
    /// Name of the architecture, as `zoo models` lists it.
    pub arch: String,
    /// Classes of the head; default: the data set's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_classes: Option<usize>,
    /// Channels of the input, 1 or 3; default: the data set's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_channels: Option<usize>,
    /// Whether GoogLeNet has its auxiliary heads; default: as in its paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aux_heads: Option<bool>,
    /// Dropout: probability that a step drops a unit before the last layer, from 0 to below 1; default: the network's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropout: Option<f64>,
    /// Stochastic depth (drop-path rate): probability that a step leaves out a ResNet's last unit, the others in proportion to their depth;
    /// default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stochastic_depth: Option<f64>,
    /// Weights to start from, in any format that `zoo import` reads; a head for other classes starts afresh. Relative
    /// paths start at the working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<PathBuf>,
    /// Layers that stay as they are, by the first parts of their names: `["conv1", "layer1"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<String>,
}

/// `[data]`: which images, and how they become the network's input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSection {
    /// Name of the data set, as `zoo data list` lists it.
    pub name: String,
    /// Folder of the data set; relative paths start at the working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
    /// Use at most this many training images (glyphs: make this many).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_size: Option<usize>,
    /// Use at most this many validation images (glyphs: make this many).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_size: Option<usize>,
    /// Height and width of the network's input in pixels; default: the architecture's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// How an image of another size is made to fit.
    #[serde(default)]
    pub fit: FitMode,
    /// With `fit = "resize"`: length of the shorter side before the centre crop; default `size * 256 / 224`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize: Option<usize>,
    /// Samples of one training step, or of one batch of it where several are averaged; `"auto"` for as many as the
    /// device's memory holds.
    #[serde(default)]
    pub batch_size: BatchSize,
    /// Samples of one evaluation step; default: `batch_size`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eval_batch_size: Option<usize>,
    /// Samples among which the order of an epoch is random where the data set is `shards`: they are read at about the same
    /// time, from a server into at most 256 MiB.
    #[serde(
        default = "default_shuffle_window",
        skip_serializing_if = "is_default_shuffle_window"
    )]
    pub shuffle_window: usize,
    /// Threads that decode and augment. The result does not depend on their number.
    #[serde(default = "default_workers")]
    pub workers: usize,
    /// MiB of the batches that are made ahead; one batch at least.
    #[serde(
        default = "default_prefetch",
        skip_serializing_if = "is_default_prefetch"
    )]
    pub prefetch_mib: usize,
    /// MiB that a split, as bytes, may take on a GPU: one that takes no more, and is augmented by shifts, flips and cutouts
    /// at most, lies there as a whole. 0 for none.
    #[serde(
        default = "default_on_device",
        skip_serializing_if = "is_default_on_device"
    )]
    pub on_device_mib: usize,
    /// How the images of an epoch are drawn.
    #[serde(default, skip_serializing_if = "SamplingMode::is_default")]
    pub sampling: SamplingMode,
    /// What to do with an image that cannot be read.
    #[serde(default)]
    pub on_bad: OnBadMode,
    /// With `sampling = "balanced"`: how often a class is drawn where that is not once as often as the others, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub class_weights: BTreeMap<String, f64>,
}

/// How the training images of an epoch are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SamplingMode {
    /// Every image once, in random order.
    #[default]
    Shuffle,
    /// As many as there are images, of each class as many as of any other on average; an image may come twice.
    Balanced,
}

impl SamplingMode {
    fn is_default(&self) -> bool {
        *self == Self::Shuffle
    }
}

fn default_prefetch() -> usize {
    PREFETCH >> 20
}

fn is_default_prefetch(mib: &usize) -> bool {
    *mib == default_prefetch()
}

fn default_on_device() -> usize {
    1024
}

fn is_default_on_device(mib: &usize) -> bool {
    *mib == default_on_device()
}

fn default_workers() -> usize {
    2
}

fn default_shuffle_window() -> usize {
    2048
}

fn is_default_shuffle_window(window: &usize) -> bool {
    *window == default_shuffle_window()
}

/// How an image of another size is made to fit the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FitMode {
    /// It must have the size already.
    #[default]
    Exact,
    /// A black border all around (MNIST's 28 pixels to LeNet's 32).
    Pad,
    /// Resize the shorter side, then crop the centre (ImageNet evaluation).
    Resize,
}

/// What to do with an image that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBadMode {
    /// Stop with its name.
    #[default]
    Refuse,
    /// Leave it out, name it and count it.
    Skip,
}

impl From<OnBadMode> for OnBad {
    fn from(mode: OnBadMode) -> Self {
        match mode {
            OnBadMode::Refuse => OnBad::Refuse,
            OnBadMode::Skip => OnBad::Skip,
        }
    }
}

/// `[train]`: how long, and what happens in a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainSection {
    /// Passes over the training images.
    pub epochs: usize,
    /// Batches whose gradients are averaged for one optimizer step.
    #[serde(default = "default_one", skip_serializing_if = "is_one")]
    pub accumulate: usize,
    /// The data type in which a step computes; weights, optimizer and validation are in single precision always.
    #[serde(default, skip_serializing_if = "Precision::is_default")]
    pub precision: Precision,
    /// Compute cheap activations again in the backward pass instead of keeping them: less memory, more time, the same results.
    #[serde(default, skip_serializing_if = "is_false")]
    pub gradient_checkpointing: bool,
    /// Label smoothing: probability of every target that is spread over all classes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub label_smoothing: f64,
    /// Scale the gradients so that their norm, all together, is at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
    /// Cut every value of the gradients to at most this, and at least its negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_value: Option<f64>,
    /// Stop when the monitored score has not become better for this many epochs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_stop: Option<usize>,
}

fn default_one() -> usize {
    1
}

fn is_one(count: &usize) -> bool {
    *count == 1
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// `[checkpoint]`: what is kept on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointSection {
    /// Write one every so many steps, beside the one at the end of each epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_steps: Option<usize>,
    /// How many of the newest to keep.
    #[serde(default = "default_keep")]
    pub keep: usize,
    /// The validation score by which an epoch is better than another.
    #[serde(default, skip_serializing_if = "is_top1")]
    pub monitor: Monitor,
    /// Keep the weights of this many of the best epochs, in `best/`, beside `best.bpk`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_best: Option<usize>,
}

/// A validation score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Monitor {
    /// Higher is better.
    #[default]
    Top1,
    /// Higher is better.
    Top5,
    /// Lower is better.
    Loss,
}

fn is_top1(monitor: &Monitor) -> bool {
    *monitor == Monitor::Top1
}

impl Default for CheckpointSection {
    fn default() -> Self {
        Self {
            every_steps: None,
            keep: default_keep(),
            monitor: Monitor::default(),
            keep_best: None,
        }
    }
}

fn default_keep() -> usize {
    2
}

/// `[logs]`: in which forms the metrics are written beside `metrics.jsonl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogsSection {
    /// `metrics.csv`.
    #[serde(default = "default_true")]
    pub csv: bool,
    /// TensorBoard's event file.
    #[serde(default = "default_true")]
    pub tensorboard: bool,
}

impl Default for LogsSection {
    fn default() -> Self {
        Self {
            csv: true,
            tensorboard: true,
        }
    }
}

fn default_true() -> bool {
    true
}
