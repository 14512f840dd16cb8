//! What a training is given, and how it ends.

use std::path::PathBuf;

use burn::tensor::Device;
use burn::train::Interrupter;
use burn_zoo_data::ImageData;
use burn_zoo_report::{Machine, Summary};

use crate::RunFile;
use crate::observer::{Observer, Silent};
use crate::run_dir::Existing;

/// Everything a training needs.
pub struct TrainRequest<M> {
    /// The settings.
    pub run: RunFile,
    /// Builds the network on `device`; called after the generator is seeded with `run.seed`, so that the seed decides its
    /// weights.
    pub model: Box<dyn FnOnce(&Device) -> M>,
    /// Metadata of `best.bpk`: keys and values.
    pub metadata: Vec<(String, String)>,
    /// Height and width of the network's input where the run file names none.
    pub input_size: [usize; 2],
    /// The images.
    pub data: ImageData,
    /// The device of the network. Gradients are recorded on its autodiff twin.
    pub device: Device,
    /// Bytes that a split of small images may take there, in one tensor; 0 where the device computes in main memory.
    pub device_cache_bytes: u64,
    /// Further devices, each of which computes a part of every batch.
    pub more_devices: Vec<Device>,
    /// What the folder says of the machine; its `started` is set here.
    pub machine: Machine,
    /// The run's folder.
    pub out: PathBuf,
    /// What to do when the folder holds a run already.
    pub existing: Existing,
    /// Follows the run.
    pub observer: Box<dyn Observer>,
    /// Stops the run after the current step.
    pub interrupter: Interrupter,
}

impl<M> TrainRequest<M> {
    /// A training of the network that `model` creates, for images of `input_size` (height, width), in the folder `out`:
    /// nobody follows it, one device, and a folder that holds a run already is refused.
    pub fn new(
        run: RunFile,
        model: impl FnOnce(&Device) -> M + 'static,
        input_size: [usize; 2],
        data: ImageData,
        device: Device,
        out: PathBuf,
    ) -> Self {
        Self {
            run,
            model: Box::new(model),
            metadata: Vec::new(),
            input_size,
            data,
            device,
            device_cache_bytes: 0,
            more_devices: Vec::new(),
            machine: Machine::default(),
            out,
            existing: Existing::Refuse,
            observer: Box::new(Silent),
            interrupter: Interrupter::new(),
        }
    }
}

/// How a training ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// All epochs are done; `summary.json` and `report.html` are written.
    Finished(Summary),
    /// It was stopped; a checkpoint is written.
    Interrupted {
        /// Epochs that are done.
        epochs: usize,
        /// Optimizer steps made.
        steps: usize,
    },
}
