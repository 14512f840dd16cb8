//! From a run file to a job for the trainer, for one run or a sweep of them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Device;
use burn::train::Interrupter;
use burn::train::renderer::MetricsRenderer;
use burn_zoo::data::{ImageData, Normalize};
use burn_zoo::trainer::{Existing, Observer, RunFile, TrainRequest, has_checkpoint, pipelines};
use burn_zoo::{Model, ModelConfig, ModelInfo, Origin};

use crate::devices::room_for_images;
use crate::error::Failure;
use crate::machine::machine;
use crate::progress::say;
use crate::setup;
use crate::team::Team;
use crate::terminal::Terminal;

/// A run whose network and images are known to fit.
pub(crate) struct Ready {
    run: RunFile,
    info: &'static ModelInfo,
    config: ModelConfig,
    data: ImageData,
    normalize: Normalize,
}

/// Where a run goes and who follows it.
pub(crate) struct Target {
    pub(crate) out: PathBuf,
    pub(crate) existing: Existing,
    pub(crate) dashboard: Option<Box<dyn MetricsRenderer>>,
    pub(crate) observer: Box<dyn Observer>,
    pub(crate) interrupter: Interrupter,
}

impl Ready {
    /// Finds what is wrong with a run before anything of it is written.
    pub(crate) fn new(run: RunFile, data: ImageData) -> Result<Self, Failure> {
        let info = setup::model_of(&run)?;
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
    pub(crate) fn started(&self, device: &Device) -> Result<Option<Model>, Failure> {
        let weights = self.run.model.weights.as_ref();
        let started = weights
            .map(|weights| burn_zoo::fine_tuned(&self.run, &self.data.info, weights, device));
        started.transpose().map_err(Failure::input)
    }

    pub(crate) fn job(self, target: Target, team: &Team) -> Result<Job<Model>, Failure> {
        let device = team.first.clone();
        // A checkpoint has weights of its own: those that the run began with may be gone by then.
        let goes_on = target.existing == Existing::Resume && has_checkpoint(&target.out);
        let started = match goes_on {
            true => None,
            false => self.started(&device)?,
        };
        let Normalize { mean, std } = self.normalize;
        let origin = Origin {
            model: self.info.name,
            statistics: Some([mean, std]),
            source: None,
        };
        let [_, height, width] = self.info.input;
        let config = self.config;
        Ok(Job {
            run: self.run,
            model: Box::new(move |device| started.unwrap_or_else(|| config.init(device))),
            metadata: origin
                .metadata()
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
            input_size: [height, width],
            data: self.data,
            machine: machine(&device, &team.names),
            room_for_images: room_for_images(&device),
            device,
            others: team.others.clone(),
            out: target.out,
            existing: target.existing,
            dashboard: target.dashboard,
            observer: target.observer,
            interrupter: target.interrupter,
        })
    }
}

/// The first Ctrl-C lets the step end, the second does not. Once for a process. `terminal` has the dashboard.
pub(crate) fn stop_on_signal(
    interrupter: &Interrupter,
    terminal: Option<Arc<Terminal>>,
) -> Result<(), Failure> {
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
            say("stopping after this step; Ctrl-C again quits at once");
        }
        interrupter.stop(Some("interrupted"));
    };
    ctrlc::set_handler(stop)
        .map_err(|error| Failure::Failed(format!("cannot listen for Ctrl-C: {error}")))
}
