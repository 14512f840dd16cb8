//! From a run file, a model and a data set to a trained run folder: the training loop.
//!
//! Read from the top: [`train`] sets up; [`Trainer::epochs`] goes through the epochs; [`Trainer::train_epoch`] makes the
//! steps; [`Trainer::validate`], [`Trainer::log`] and [`Trainer::save`] follow each epoch.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::{Instant, SystemTime};

use burn::optim::ModuleOptimizer;
use burn::train::Interrupter;
use burn_zoo_blocks::{Classifier, freeze, trainable_params};
use burn_zoo_data::{ImageData, Loader};
use burn_zoo_report::{Best, EpochRecord, Metrics, Summary};

use crate::data_parallel::DeviceGroup;
use crate::ema;
use crate::eval::{
    ClassMetrics, DeferredMetrics, Evaluation, NotFinite, evaluation_record, run_over,
};
use crate::loaders::loaders;
use crate::mixup::Mixup;
use crate::observer::{Observer, Phase, StepReport};
use crate::optim::{GradAccumulator, are_finite, clip, optimizer_for};
use crate::out_of_memory::catch_out_of_memory;
use crate::request::{Outcome, TrainRequest};
use crate::run_dir::{
    BEST, BEST_EMA, Checkpoints, Existing, Progress, ResumeState, RunDir, load_checkpoint,
};
use crate::schedule::Schedule;
use crate::seed::step_seed;
use crate::{RunFile, TrainError};

/// Trains a model as a run file says, in a run folder.
///
/// The same run on the same device gives the same weights, provided that nothing else in the process draws from the
/// backend's generator (a second training, say): Burn has one for each device.
///
/// # Errors
/// [`TrainError`]: a mismatch of model and data, a run folder that must not be touched, a sample that cannot be read,
/// a loss that diverges, a full disk. The newest checkpoint survives each of them.
pub fn train<M: Classifier + 'static>(request: TrainRequest<M>) -> Result<Outcome, TrainError> {
    let TrainRequest {
        run,
        model,
        metadata,
        input_size,
        data,
        device,
        device_cache_bytes,
        more_devices,
        mut machine,
        out,
        existing,
        mut observer,
        interrupter,
    } = request;

    // The network. `train` draws its weights, which Burn leaves undrawn until they are used, and asks for gradients.
    device.seed(run.seed);
    let model = model(&device).train();
    check(&run, &model, &data)?;
    let params = trainable_params(&model);

    // Mistakes in the settings are found before the folder is touched.
    frozen(model.clone(), &run)?;
    let devices = DeviceGroup::new(
        &device,
        &more_devices,
        run.train.precision,
        run.train.gradient_checkpointing,
    )?;
    let (train, valid) = loaders(&run, &data, input_size, &device, device_cache_bytes)?;
    let steps_per_epoch = train.num_batches().div_ceil(run.train.accumulate);
    let schedule = schedule(&run, steps_per_epoch)?;

    // The run folder, and in it the checkpoint that a resumed run starts from.
    machine.started = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64());
    let dir = RunDir::open(&out, &run, existing, machine)?;
    let checkpoints = dir.checkpoints(run.checkpoint.keep)?;
    let mut start = ResumeState {
        optimizer: optimizer_for(&run, &model, &device),
        ema: run.ema.map(|_| model.valid()),
        model,
        progress: Progress {
            loss_scale: run.train.precision.loss_scale(),
            ..Progress::default()
        },
    };
    match checkpoints.newest()? {
        Some(path) => {
            start = load_checkpoint(&path, start)?;
            observer.note(&format!(
                "resuming {} at epoch {}, batch {}",
                out.display(),
                start.progress.epoch + 1,
                start.progress.batch
            ));
        }
        None if existing == Existing::Resume => {
            observer.note("no checkpoint yet: starting at the first epoch");
        }
        None => {}
    }
    if let Some(note) = effective_batch(&run, 1 + more_devices.len()) {
        observer.note(&note);
    }
    // After a kill the logs may be ahead of the checkpoint.
    dir.write_metrics(&start.progress.history)?;

    let state = TrainState {
        model: frozen(start.model, &run)?,
        ema: start.ema,
        optimizer: start.optimizer,
        gradients: GradAccumulator::default(),
    };
    let mut trainer = Trainer {
        mixup: Mixup::new(&run),
        run,
        metadata,
        data,
        dir,
        checkpoints,
        train,
        valid,
        schedule,
        devices,
        progress: start.progress,
        reported: BTreeSet::new(),
        observer,
        interrupter,
    };
    let ended = catch_out_of_memory(|| trainer.epochs(state)).unwrap_or_else(|reason| {
        Err(TrainError::OutOfMemory {
            batch_size: trainer.run.data.batch_size.or_default(),
            accumulate: trainer.run.train.accumulate,
            step: trainer.progress.step + 1,
            reason,
        })
    });
    match ended {
        Ok(Ending::Finished) => {
            let summary = summary(&trainer.run, params, &trainer.progress)?;
            trainer.dir.write_summary(&summary)?;
            trainer.dir.write_report()?;
            Ok(Outcome::Finished(summary))
        }
        Ok(Ending::Interrupted) => {
            trainer.dir.write_report()?;
            Ok(Outcome::Interrupted {
                epochs: trainer.progress.epoch,
                steps: trainer.progress.step,
            })
        }
        Err(error) => {
            // Why the run ended says more than why there is no report of it.
            let _ = trainer.dir.write_report();
            Err(error)
        }
    }
}

/// How the loop ended.
enum Ending {
    /// All epochs are done.
    Finished,
    /// The interrupter stopped it; a checkpoint is written.
    Interrupted,
}

/// What every step changes.
struct TrainState<M: Classifier> {
    model: M,
    /// The exponential moving average of the weights, on the plain device.
    ema: Option<M>,
    optimizer: ModuleOptimizer,
    gradients: GradAccumulator<M>,
}

/// The loop, with everything that stays the same over the run and how far it is.
struct Trainer {
    run: RunFile,
    metadata: Vec<(String, String)>,
    data: ImageData,
    dir: RunDir,
    checkpoints: Checkpoints,
    train: Loader,
    valid: Loader,
    schedule: Schedule,
    mixup: Mixup,
    devices: DeviceGroup,
    progress: Progress,
    /// Images already named as unreadable.
    reported: BTreeSet<String>,
    observer: Box<dyn Observer>,
    interrupter: Interrupter,
}

/// Metrics of an epoch over the validation split.
struct ValidationResult {
    model: Evaluation,
    ema: Option<Metrics>,
}

impl Trainer {
    fn epochs<M: Classifier + 'static>(
        &mut self,
        mut state: TrainState<M>,
    ) -> Result<Ending, TrainError> {
        let start = Instant::now();
        let seconds_before = self.progress.seconds;
        while !self.is_over() {
            let samples_before = self.progress.sums.samples;
            let epoch_start = Instant::now();
            let finished;
            (state, finished) = self.train_epoch(state)?;
            let train_seconds = epoch_start.elapsed().as_secs_f64();
            let result = match finished {
                true => self.validate(&state)?,
                false => None,
            };
            self.progress.seconds = seconds_before + start.elapsed().as_secs_f64();
            let Some(result) = result else {
                self.save(&state)?;
                return Ok(Ending::Interrupted);
            };

            let sums = std::mem::take(&mut self.progress.sums);
            let last_step = self.progress.step.saturating_sub(1);
            let record = EpochRecord {
                epoch: self.progress.epoch + 1,
                step: self.progress.step,
                train: sums.metrics(),
                valid: result.model.metrics,
                ema: result.ema,
                lr: self.schedule.lr(last_step, &self.progress.valid_losses()),
                images_per_second: (sums.samples - samples_before) as f64 / train_seconds,
                data_wait: self.train.take_wait_time().as_secs_f64() / train_seconds,
                seconds: self.progress.seconds,
                skipped: self.train.num_items() - sums.samples,
            };
            // The checkpoint comes last: after a kill before it, all of this is written again from the checkpoint before.
            self.log(&state, &record, &result.model)?;
            self.progress.epoch += 1;
            self.progress.batch = 0;
            self.save(&state)?;
            self.observer.epoch(&record, self.run.train.epochs);
            if self.interrupter.should_stop() && !self.is_over() {
                return Ok(Ending::Interrupted);
            }
        }
        Ok(Ending::Finished)
    }

    /// Whether all epochs are done, or the last ones brought nothing better.
    fn is_over(&self) -> bool {
        let Progress { epoch, best, .. } = &self.progress;
        let patience = self.run.train.early_stop;
        let stopped_early = |best: &Best| patience.is_some_and(|n| epoch - best.epoch >= n);
        *epoch >= self.run.train.epochs || best.as_ref().is_some_and(stopped_early)
    }

    /// Trains on the rest of the current epoch. False when asked to stop before its end.
    fn train_epoch<M: Classifier + 'static>(
        &mut self,
        mut state: TrainState<M>,
    ) -> Result<(TrainState<M>, bool), TrainError> {
        let (loader, devices) = (self.train.clone(), self.devices.clone());
        let batches = loader.num_batches();
        let accumulate = self.run.train.accumulate;
        let classes = state.model.num_classes();
        let valid_losses = self.progress.valid_losses();
        let mut deferred = DeferredMetrics::default();
        let mut epoch = loader.epoch_on(
            self.progress.epoch,
            self.progress.batch,
            devices.with_gradients(),
        );
        while let Some(parts) = epoch.next() {
            let step = self.progress.step;
            let lr = self.schedule.lr(step, &valid_losses);
            let seed = step_seed(self.run.seed, step * accumulate + state.gradients.batches());
            devices.seed(seed);
            // Mixup draws from another stream than the network's dropout.
            let mix = |part| self.mixup.apply(part, classes, !seed);
            let parts = parts?.into_iter().map(mix).collect();
            let scale = self.progress.loss_scale.map_or(1.0, |scale| scale.factor);
            let (outputs, gradients) =
                devices.forward_backward(&state.model, parts, self.run.train.precision, scale);
            state.gradients.add(&state.model, gradients);

            // Counted in items, since the loader leaves out a batch without a readable image.
            self.progress.batch = epoch
                .items_done()
                .div_ceil(self.run.data.batch_size.or_default());
            let last = self.progress.batch == batches;
            // Between optimizer steps there are gradients that no checkpoint holds.
            let stepped = last || self.progress.batch.is_multiple_of(accumulate);
            if stepped {
                state = self.optimizer_step(state, lr)?;
            }

            let stop = stepped && self.interrupter.should_stop();
            let every_steps = self.run.checkpoint.every_steps;
            let due = stepped && every_steps.is_some_and(|n| self.progress.step.is_multiple_of(n));
            for output in outputs {
                deferred.push(output, step + 1);
            }
            let mut loss = None;
            if deferred.is_full() || stop || due || last {
                loss = self.read(&mut deferred)?;
            }
            self.observer.step(&StepReport {
                phase: Phase::Train,
                epoch: self.progress.epoch + 1,
                epochs: self.run.train.epochs,
                batch: self.progress.batch,
                batches,
                images: epoch.items_done(),
                num_images: loader.num_items(),
                loss,
                metrics: loss.map(|_| self.progress.sums.metrics()),
                lr: Some(lr),
            });
            if stop {
                return Ok((state, false));
            }
            if due && !last {
                self.save(&state)?;
            }
        }
        if state.gradients.batches() > 0 {
            // The last batches had no readable image.
            let lr = self.schedule.lr(self.progress.step, &valid_losses);
            state = self.optimizer_step(state, lr)?;
        }
        self.read(&mut deferred)?;
        self.progress.batch = batches;
        self.report_skipped(&loader);
        if self.progress.sums.samples == 0 {
            return Err(TrainError::Mismatch(
                "no training image could be read".into(),
            ));
        }
        Ok((state, true))
    }

    /// One optimizer step along the accumulated gradients; left out where the scale of the loss was too large for them.
    fn optimizer_step<M: Classifier + 'static>(
        &mut self,
        mut state: TrainState<M>,
        lr: f64,
    ) -> Result<TrainState<M>, TrainError> {
        let scale = self.progress.loss_scale;
        let factor = scale.map_or(1.0, |scale| scale.factor);
        let mut gradients = state.gradients.take(&state.model, factor);
        self.progress.step += 1;
        if let Some(scale) = scale {
            // Before clipping, which makes infinite gradients finite.
            let is_finite = are_finite(&state.model, &gradients);
            let next = scale.after(is_finite);
            if next.is_spent() {
                let step = self.progress.step;
                return Err(TrainError::Overflow { step });
            }
            self.progress.loss_scale = Some(next);
            if !is_finite {
                return Ok(state);
            }
        }
        clip(&state.model, &mut gradients, &self.run.train);
        state.model = state.optimizer.step(lr, state.model, gradients);
        if let (Some(section), Some(average)) = (self.run.ema, state.ema.take()) {
            let decay = section.decay_at(self.progress.step);
            state.ema = Some(ema::update(average, &state.model.valid(), decay));
        }
        Ok(state)
    }

    /// Adds the deferred steps to the epoch's sums; returns the newest loss.
    fn read(&mut self, deferred: &mut DeferredMetrics) -> Result<Option<f32>, TrainError> {
        let newest = deferred.read_into(&mut self.progress.sums, None);
        newest.map_err(|NotFinite { loss, step }| TrainError::Diverged {
            loss,
            step,
            epoch: self.progress.epoch + 1,
        })
    }

    /// Metrics of the network, and of its moving average where there is one, over the validation split. None when asked
    /// to stop before the end.
    fn validate<M: Classifier>(
        &mut self,
        state: &TrainState<M>,
    ) -> Result<Option<ValidationResult>, TrainError> {
        let Some(model) = self.validate_one(&state.model.valid())? else {
            return Ok(None);
        };
        let mut ema = None;
        if let Some(average) = &state.ema {
            let Some(evaluation) = self.validate_one(average)? else {
                return Ok(None);
            };
            ema = Some(evaluation.metrics);
        }
        Ok(Some(ValidationResult { model, ema }))
    }

    fn validate_one<M: Classifier>(&mut self, model: &M) -> Result<Option<Evaluation>, TrainError> {
        let Progress { epoch, step, .. } = self.progress;
        let epoch = epoch + 1;
        let loader = self.valid.clone();
        let mut batch = 0;
        let mut class_metrics = ClassMetrics::new(model.num_classes());
        let forward = |images| model.forward(images);
        let sums = run_over(
            forward,
            &loader,
            Some(&mut class_metrics),
            |images, metrics| {
                batch += 1;
                self.observer.step(&StepReport {
                    phase: Phase::Valid,
                    epoch,
                    epochs: self.run.train.epochs,
                    batch,
                    batches: loader.num_batches(),
                    images,
                    num_images: loader.num_items(),
                    loss: None,
                    metrics,
                    lr: None,
                });
                match self.interrupter.should_stop() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            },
        );
        let sums = sums.map_err(|error| error.while_training(step, epoch))?;
        self.report_skipped(&loader);
        Ok(sums.map(|sums| Evaluation::new(&sums, loader.num_items(), class_metrics)))
    }

    /// Writes an epoch down: the best weights with their evaluation, and the metrics.
    fn log<M: Classifier>(
        &mut self,
        state: &TrainState<M>,
        record: &EpochRecord,
        evaluation: &Evaluation,
    ) -> Result<(), TrainError> {
        let monitor = self.run.checkpoint.monitor;
        let EpochRecord {
            epoch, valid, ema, ..
        } = *record;
        let model = state.model.valid();
        self.progress.history.push(record.clone());
        if monitor.is_better(&valid, self.progress.best) {
            self.progress.best = Some(Best { epoch, valid });
            self.dir.write_weights(BEST, &model, &self.metadata)?;
            let record =
                evaluation_record(epoch, evaluation, &self.data.info.classes, &self.data.valid);
            self.dir.write_evaluation(&record)?;
        }
        if let (Some(average), Some(valid)) = (&state.ema, ema)
            && monitor.is_better(&valid, self.progress.best_ema)
        {
            self.progress.best_ema = Some(Best { epoch, valid });
            self.dir.write_weights(BEST_EMA, average, &self.metadata)?;
        }
        if let Some(count) = self.run.checkpoint.keep_best {
            let kept = monitor.best_epochs(&self.progress.history, count);
            self.dir.keep_best(epoch, &kept, &model, &self.metadata)?;
        }
        self.dir.write_metrics(&self.progress.history)
    }

    /// Writes a checkpoint.
    fn save<M: Classifier>(&self, state: &TrainState<M>) -> Result<(), TrainError> {
        self.checkpoints.save(
            &state.model,
            &state.optimizer,
            state.ema.as_ref(),
            &self.progress,
        )?;
        Ok(())
    }

    fn report_skipped(&mut self, loader: &Loader) {
        for message in loader.skipped() {
            if self.reported.insert(message.clone()) {
                self.observer.note(&format!("skipped: {message}"));
            }
        }
    }
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
    for (split, images) in [("training", &data.train), ("validation", &data.valid)] {
        if images.is_empty() {
            return Err(TrainError::Mismatch(format!(
                "the data set {} has no {split} images",
                data.info.name
            )));
        }
    }
    Ok(())
}

fn schedule(run: &RunFile, steps_per_epoch: usize) -> Result<Schedule, TrainError> {
    let total_steps = steps_per_epoch * run.train.epochs;
    if run.schedule.warmup_steps.is_some_and(|n| n > total_steps) {
        return Err(TrainError::Mismatch(format!(
            "run file, key `schedule.warmup_steps`: the run has {total_steps} steps, expected at most as many"
        )));
    }
    let lr = run.optimizer.lr();
    Ok(run.schedule.init(lr, steps_per_epoch, total_steps))
}

/// How many images each step averages over, where that is not simply `data.batch_size` on one device.
fn effective_batch(run: &RunFile, devices: usize) -> Option<String> {
    let (batch, accumulate) = (run.data.batch_size.number()?, run.train.accumulate);
    if devices == 1 && accumulate == 1 {
        return None;
    }
    let least = batch / devices;
    let parts = match batch % devices {
        _ if devices == 1 => format!("1 device, {batch} images"),
        0 => format!("{devices} devices, {least} images each"),
        _ => format!("{devices} devices, {least} or {} images each", least + 1),
    };
    let batches = match accumulate {
        1 => String::new(),
        _ => format!(", {accumulate} batches per step"),
    };
    Some(format!(
        "{parts}{batches}: effective batch {}, learning rate {}",
        batch * accumulate,
        run.optimizer.lr()
    ))
}

fn summary(run: &RunFile, params: usize, progress: &Progress) -> Result<Summary, TrainError> {
    let (Some(last), Some(best)) = (progress.history.last(), progress.best) else {
        return Err(TrainError::Mismatch("the run has no finished epoch".into()));
    };
    let speeds = progress
        .history
        .iter()
        .map(|record| record.images_per_second)
        // An epoch that was resumed in its validation has trained nothing in this process.
        .filter(|speed| *speed > 0.0);
    let (sum, epochs) = speeds.fold((0.0, 0), |(sum, n), speed| (sum + speed, n + 1));
    Ok(Summary {
        model: run.model.arch.clone(),
        dataset: run.data.name.clone(),
        epochs: progress.epoch,
        params,
        valid: last.valid,
        best,
        best_ema: progress.best_ema,
        images_per_second: sum / f64::from(epochs.max(1)),
        seconds: progress.seconds,
    })
}
