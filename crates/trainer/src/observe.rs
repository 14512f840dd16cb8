//! How a caller follows a run without burn-train's dashboard.

use burn_zoo_report::EpochRecord;

/// Follows a run. Every method may be called often and must be quick.
pub trait Observer: Send {
    /// After each step.
    fn step(&mut self, _report: &StepReport) {}

    /// After each epoch, when its metrics and checkpoint are on disk.
    fn epoch(&mut self, _record: &EpochRecord, _epochs: usize) {}

    /// Something worth a line: a picture that was skipped, a run that is resumed.
    fn note(&mut self, _message: &str) {}
}

/// Follows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {}

/// A step's place in the run.
#[derive(Debug, Clone, PartialEq)]
pub struct StepReport {
    /// What the step did.
    pub phase: Phase,
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// Epochs of the run.
    pub epochs: usize,
    /// Batches of this phase that are done.
    pub batch: usize,
    /// Batches of this phase in all.
    pub batches: usize,
    /// Mean loss of a recent batch, where it has just been read from the device.
    pub loss: Option<f32>,
    /// The learning rate, in training.
    pub lr: Option<f64>,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// An optimizer step.
    Train,
    /// A batch of the validation split.
    Valid,
}
