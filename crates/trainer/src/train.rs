//! From a run file, a model and a data set to a trained run folder.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use burn::optim::SgdConfig;
use burn::tensor::Device;
use burn::train::logger::InMemoryMetricLogger;
use burn::train::metric::{AccuracyMetric, LearningRateMetric, LossMetric, TopKAccuracyMetric};
use burn::train::renderer::MetricsRenderer;
use burn::train::{Interrupter, Learner, SupervisedTraining, TrainingStrategy};
use burn_zoo_blocks::{Classifier, freeze, trainable_params};
use burn_zoo_data::{ImageData, Loader, LoaderOptions, Transfer};

use crate::checkpoint::{self, Position, Start};
use crate::fit::Fit;
use crate::mix::Mixing;
use crate::observe::Observer;
use crate::optimizer::optimizer_for;
use crate::pipeline::{pipelines, upload_once, valid_loader};
use crate::renderer::NoRenderer;
use crate::run_dir::{Existing, RunDir};
use crate::sampling::order;
use crate::step::Learnable;
use crate::team::Team;
use crate::{RunFile, TrainError};
use burn_zoo_report::{Machine, Summary};

/// How the loop came to its end.
pub(crate) enum Ending {
    /// All epochs are done.
    Finished(Position),
    /// Someone asked it to stop; a checkpoint is written.
    Interrupted(Position),
}

/// Everything a training needs.
pub struct Job<M> {
    /// The settings.
    pub run: RunFile,
    /// Builds the network on `device`; called after the generator is seeded with `run.seed`, so that its weights are
    /// the run's.
    pub model: Box<dyn FnOnce(&Device) -> M>,
    /// What `best.bpk` says of itself: keys and values.
    pub metadata: Vec<(String, String)>,
    /// Height and width that the network is made for, where the run file names none.
    pub input_size: [usize; 2],
    /// The pictures.
    pub data: ImageData,
    /// Where the network lives. Gradients are recorded on its autodiff twin.
    pub device: Device,
    /// Bytes that a split of small pictures may take there, in one tensor; 0 where the device computes in main memory.
    pub room_for_images: u64,
    /// Further devices, each of which computes its share of every batch.
    pub others: Vec<Device>,
    /// What the folder says of the machine; its `started` is set here.
    pub machine: Machine,
    /// The run's folder.
    pub out: PathBuf,
    /// What to do when the folder holds a run already.
    pub existing: Existing,
    /// burn-train's dashboard, where there is a terminal for it.
    pub dashboard: Option<Box<dyn MetricsRenderer>>,
    /// Who follows the run.
    pub observer: Box<dyn Observer>,
    /// Stops the run after the step under way.
    pub interrupter: Interrupter,
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

/// Trains a model as a run file says, in a run folder.
///
/// The same run on the same device gives the same numbers, provided that nothing else in the process draws from the
/// backend's generator (a second training, say): Burn has one for each device.
///
/// # Errors
/// [`TrainError`]: a mismatch of model and data, a run folder that is not to be touched, a sample that cannot be read,
/// a loss that diverges, a disk that is full. The newest checkpoint survives each of them.
pub fn train<M: Classifier + 'static>(mut job: Job<M>) -> Result<Outcome, TrainError> {
    let device = job.device.clone();
    device.seed(job.run.seed);
    // `train` draws the weights, which Burn leaves undrawn until they are used, and asks for their gradients.
    let model = (job.model)(&device).train();
    check(&job.run, &model, &job.data)?;
    let section = &job.run.train;
    let team = Team::new(
        &device,
        &job.others,
        section.precision,
        section.gradient_checkpointing,
    )?;
    let params = trainable_params(&model);

    // What may be wrong is found before the folder is touched.
    frozen(model.clone(), &job.run)?;
    let upload = upload_once(&job.run, &device, job.room_for_images);
    let (train, valid) = loaders(&job.run, &job.data, job.input_size, &device, upload)?;
    let steps_per_epoch = train.num_batches().div_ceil(job.run.train.accumulate);
    let total_steps = steps_per_epoch * job.run.train.epochs;
    let schedule = job
        .run
        .schedule
        .init(job.run.optimizer.lr(), steps_per_epoch, total_steps);
    if job
        .run
        .schedule
        .warmup_steps
        .is_some_and(|n| n > total_steps)
    {
        return Err(TrainError::Mismatch(format!(
            "run file, key `schedule.warmup_steps`: the run has {total_steps} steps, expected at most as many"
        )));
    }

    job.machine.started = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64());
    let dir = RunDir::open(&job.out, &job.run, job.existing, job.machine)?;
    let checkpoints = dir.checkpoints(job.run.checkpoint.keep)?;
    let learnable = Learnable { model };
    let optimizer = optimizer_for(&job.run, &learnable, &device);
    let Learnable { mut model } = learnable;
    let mut start = Start {
        optimizer,
        position: Position {
            loss_scale: job.run.train.precision.loss_scale(),
            ..Position::default()
        },
        average: job.run.ema.map(|_| model.valid()),
    };
    match checkpoints.newest()? {
        Some(path) => {
            (model, start) = checkpoint::load(&path, model, start.optimizer, start.average)?;
            let position = &start.position;
            job.observer.note(&format!(
                "resuming {} at epoch {}, batch {}",
                job.out.display(),
                position.epoch + 1,
                position.batch
            ));
        }
        None if job.existing == Existing::Resume => {
            job.observer
                .note("no checkpoint yet: starting at the first epoch");
        }
        None => {}
    }

    if let Some(note) = effective_batch(&job.run, 1 + job.others.len()) {
        job.observer.note(&note);
    }

    // Whatever a kill left: the logs say what the checkpoint says.
    dir.write_metrics(&start.position.history)?;
    let model = frozen(model, &job.run)?;

    let ending = Arc::new(Mutex::new(None));
    let fit = Fit {
        mixing: Mixing::new(&job.run),
        run: job.run.clone(),
        dir,
        metadata: job.metadata,
        checkpoints,
        train: train.clone(),
        valid: valid.clone(),
        valid_split: job.data.valid.clone(),
        classes: job.data.info.classes.clone(),
        schedule,
        team,
        interrupter: job.interrupter.clone(),
        observer: Mutex::new(job.observer),
        reported: Mutex::default(),
        start: Mutex::new(Some(start)),
        ending: ending.clone(),
    };
    let fit = Arc::new(fit);
    launch(
        fit.clone(),
        Learnable { model },
        train,
        valid,
        job.dashboard,
        job.interrupter,
    );

    let ending = ending.lock().unwrap_or_else(PoisonError::into_inner).take();
    match ending.expect("the loop leaves its ending") {
        Ok(Ending::Interrupted(position)) => {
            fit.dir.write_report()?;
            Ok(Outcome::Interrupted {
                epochs: position.epoch,
                steps: position.step,
            })
        }
        Ok(Ending::Finished(position)) => {
            let summary = summarise(&job.run, params, &position)?;
            fit.dir.write_summary(&summary)?;
            fit.dir.write_report()?;
            Ok(Outcome::Finished(summary))
        }
        Err(error) => {
            // Why the run ended says more than why there is no page of it.
            let _ = fit.dir.write_report();
            Err(error)
        }
    }
}

/// Hands the loop to burn-train, which brings the metrics and the dashboard.
fn launch<M: Classifier + 'static>(
    fit: Arc<Fit<M>>,
    model: Learnable<M>,
    train: Loader,
    valid: Loader,
    dashboard: Option<Box<dyn MetricsRenderer>>,
    interrupter: Interrupter,
) {
    let epochs = fit.run.train.epochs;
    let name = fit.run.run_name();
    let mut training = SupervisedTraining::new(".", Arc::new(train), Arc::new(valid))
        .with_training_strategy(TrainingStrategy::Custom(fit))
        .with_interrupter(interrupter)
        // The run folder has its own log, and a library installs no global logger.
        .with_application_logger(None)
        .with_metric_logger(InMemoryMetricLogger::default())
        .num_epochs(epochs)
        .label(&name);
    training = match dashboard {
        Some(dashboard) => training
            .renderer(dashboard)
            .metrics((
                LossMetric::new(),
                AccuracyMetric::new(),
                TopKAccuracyMetric::new(5),
            ))
            .metric_train_numeric(LearningRateMetric::new()),
        None => training.renderer(Box::new(NoRenderer)),
    };
    // Never stepped: see `Fit`.
    let unused = SgdConfig::new().init();
    training.launch(Learner::new(model, unused, 0.0));
}

/// `model` without gradients in the layers that `model.freeze` names.
fn frozen<M: Classifier>(model: M, run: &RunFile) -> Result<M, TrainError> {
    let prefixes: Vec<&str> = run.model.freeze.iter().map(String::as_str).collect();
    freeze(model, &prefixes)
        .map_err(|error| TrainError::Mismatch(format!("run file, key `model.freeze`: {error}")))
}

fn check<M: Classifier>(run: &RunFile, model: &M, data: &ImageData) -> Result<(), TrainError> {
    let (head, classes) = (model.num_classes(), data.info.classes.len());
    if head != classes {
        return Err(TrainError::Mismatch(format!(
            "{} has {head} classes, the data set {} has {classes}; leave model.num_classes out or set it to {classes}",
            run.model.arch, data.info.name
        )));
    }
    for (split, pictures) in [("training", &data.train), ("validation", &data.valid)] {
        if pictures.is_empty() {
            return Err(TrainError::Mismatch(format!(
                "the data set {} has no {split} pictures",
                data.info.name
            )));
        }
    }
    Ok(())
}

fn loaders(
    run: &RunFile,
    data: &ImageData,
    input_size: [usize; 2],
    device: &Device,
    upload: Transfer,
) -> Result<(Loader, Loader), TrainError> {
    let Some(batch_size) = run.data.batch_size.number() else {
        return Err(TrainError::Mismatch(
            "run file, key `data.batch_size`: found \"auto\", expected the number that was found to fit".into(),
        ));
    };
    let pipelines = pipelines(run, &data.info, input_size)?;
    let options = LoaderOptions {
        batch_size,
        shuffle: Some(run.seed),
        order: order(run, data)?,
        // A ragged last batch would be tuned for anew on a GPU, and is noise for batch norm.
        drop_last: data.train.len() >= batch_size,
        workers: run.data.workers,
        prefetch: run.data.prefetch_mib << 20,
        on_bad: run.data.on_bad.into(),
        upload,
    };
    let learning = device.clone().autodiff();
    let train = Loader::new(data.train.clone(), pipelines.train, options, &learning);
    let valid = valid_loader(run, data.valid.clone(), pipelines.valid, device, upload);
    // A batch that fits beside the training pictures shall fit beside these too.
    valid.preload();
    Ok((train, valid))
}

/// How many pictures a step learns from, where that is not simply `data.batch_size` on one device.
fn effective_batch(run: &RunFile, devices: usize) -> Option<String> {
    let (batch, accumulate) = (run.data.batch_size.number()?, run.train.accumulate);
    if devices == 1 && accumulate == 1 {
        return None;
    }
    let least = batch / devices;
    let share = match batch % devices {
        _ if devices == 1 => format!("1 device, {batch} pictures"),
        0 => format!("{devices} devices, {least} pictures each"),
        _ => format!("{devices} devices, {least} or {} pictures each", least + 1),
    };
    let batches = match accumulate {
        1 => String::new(),
        _ => format!(", {accumulate} batches a step"),
    };
    Some(format!(
        "{share}{batches}: effective batch {}, learning rate {}",
        batch * accumulate,
        run.optimizer.lr()
    ))
}

fn summarise(run: &RunFile, params: usize, position: &Position) -> Result<Summary, TrainError> {
    let (Some(last), Some(best)) = (position.history.last(), position.best) else {
        return Err(TrainError::Mismatch("the run has no finished epoch".into()));
    };
    let speeds = position
        .history
        .iter()
        .map(|record| record.images_per_second)
        // An epoch that was resumed in its validation has trained nothing in this process.
        .filter(|speed| *speed > 0.0);
    let (sum, epochs) = speeds.fold((0.0, 0), |(sum, n), speed| (sum + speed, n + 1));
    Ok(Summary {
        model: run.model.arch.clone(),
        dataset: run.data.name.clone(),
        epochs: position.epoch,
        params,
        valid: last.valid,
        best,
        best_ema: position.best_ema,
        images_per_second: sum / f64::from(epochs.max(1)),
        seconds: position.seconds,
    })
}
