//! How a caller follows a run: a progress bar, a dashboard, a log.

use burn_zoo_report::{EpochRecord, Metrics};

/// Follows a run. Every method may be called often and must be quick.
pub trait Observer: Send {
    /// Called after each batch.
    fn step(&mut self, _report: &StepReport) {}

    /// Called after each epoch, when its metrics and checkpoint are on disk.
    fn epoch(&mut self, _record: &EpochRecord, _epochs: usize) {}

    /// A message worth a line: an image that was skipped, a run that is resumed.
    fn note(&mut self, _message: &str) {}
}

/// Follows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {}

/// A batch's place in the run.
#[derive(Debug, Clone, PartialEq)]
pub struct StepReport {
    /// What was done with the batch.
    pub phase: Phase,
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// Epochs of the run.
    pub epochs: usize,
    /// Batches of this phase that are done.
    pub batch: usize,
    /// Batches of this phase in all.
    pub batches: usize,
    /// Images of this phase that are done.
    pub images: usize,
    /// Images of this phase in all.
    pub num_images: usize,
    /// Mean loss of a recent batch, where it has just been read from the device.
    pub loss: Option<f32>,
    /// Metrics of the phase so far, where they have just been read from the device.
    pub metrics: Option<Metrics>,
    /// The learning rate, in training.
    pub lr: Option<f64>,
}

/// What is done with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Forward and backward pass, and an optimizer step.
    Train,
    /// A forward pass over a batch of the validation split.
    Valid,
}
