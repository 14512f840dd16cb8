//! From a run file to a training request, for one run or a sweep of them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Device;
use burn::train::Interrupter;
use burn_zoo::data::{ImageData, Normalize};
use burn_zoo::trainer::{Existing, Observer, RunFile, TrainRequest, has_checkpoint, pipelines};
use burn_zoo::{Model, ModelCard, ModelConfig, ModelInfo};

use crate::device_group::DeviceGroup;
use crate::devices::device_cache_bytes;
use crate::error::CliError;
use crate::load;
use crate::machine::machine;
use crate::progress::status;
use crate::terminal::Terminal;

/// A run whose network and images fit each other.
pub(crate) struct PreparedRun {
    run: RunFile,
    info: &'static ModelInfo,
    config: ModelConfig,
    data: ImageData,
    normalize: Normalize,
}

/// Where a run is written and how it is followed.
pub(crate) struct RunOptions {
    pub(crate) out: PathBuf,
    pub(crate) existing: Existing,
    pub(crate) observer: Box<dyn Observer>,
    pub(crate) interrupter: Interrupter,
}

impl PreparedRun {
    /// Finds what is wrong with a run before anything of it is written.
    pub(crate) fn new(run: RunFile, data: ImageData) -> Result<Self, CliError> {
        let info = load::model_of(&run)?;
        let config = burn_zoo::config_for(&run, &data.info)?;
        let [_, height, width] = info.input;
        // The trainer builds its own.
        let normalize = pipelines(&run, &data.info, [height, width])?
            .valid
            .normalize;
        Ok(Self {
            run,
            info,
            config,
            data,
            normalize,
        })
    }

    /// The network with the weights that the run starts from, where it names some.
    pub(crate) fn started(&self, device: &Device) -> Result<Option<Model>, CliError> {
        let weights = self.run.model.weights.as_ref();
        let started = weights
            .map(|weights| burn_zoo::fine_tuned(&self.run, &self.data.info, weights, device));
        started.transpose().map_err(CliError::input)
    }

    pub(crate) fn request(
        self,
        options: RunOptions,
        devices: &DeviceGroup,
    ) -> Result<TrainRequest<Model>, CliError> {
        let device = devices.first.clone();
        // A checkpoint has its own weights: those that the run started from may be gone by then.
        let resumes = options.existing == Existing::Resume && has_checkpoint(&options.out);
        let started = match resumes {
            true => None,
            false => self.started(&device)?,
        };
        let Normalize { mean, std } = self.normalize;
        let card = ModelCard {
            model: self.info.name.to_owned(),
            statistics: Some([mean, std]),
            source: None,
        };
        let [_, height, width] = self.info.input;
        let config = self.config;
        Ok(TrainRequest {
            run: self.run,
            model: Box::new(move |device| started.unwrap_or_else(|| config.init(device))),
            metadata: card
                .metadata()
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
            input_size: [height, width],
            data: self.data,
            machine: machine(&device, &devices.names),
            device_cache_bytes: device_cache_bytes(&device),
            device,
            more_devices: devices.others.clone(),
            out: options.out,
            existing: options.existing,
            observer: options.observer,
            interrupter: options.interrupter,
        })
    }
}

/// The first Ctrl-C lets the step end, the second does not. Once for a process. `terminal` has the dashboard.
pub(crate) fn stop_on_signal(
    interrupter: &Interrupter,
    terminal: Option<Arc<Terminal>>,
) -> Result<(), CliError> {
    static ASKED: AtomicBool = AtomicBool::new(false);
    let interrupter = interrupter.clone();
    let stop = move || {
        if ASKED.swap(true, Ordering::SeqCst) {
            if let Some(terminal) = &terminal {
                terminal.restore();
            }
            std::process::exit(130);
        }
        if terminal.is_none() {
            status("stopping after this step; Ctrl-C again quits at once");
        }
        interrupter.stop(Some("interrupted"));
    };
    ctrlc::set_handler(stop)
        .map_err(|error| CliError::Failed(format!("cannot listen for Ctrl-C: {error}")))
}
