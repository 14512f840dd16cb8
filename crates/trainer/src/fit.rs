//! The training loop: epochs of steps, each followed by a validation, a line of metrics and a checkpoint.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use burn::data::dataloader::DataLoader;
use burn::optim::ModuleOptimizer;
use burn::tensor::Device;
use burn::train::{
    EventProcessorTraining, Interrupter, Learner, LearnerEvent, SupervisedLearningStrategy,
    SupervisedTrainingEventProcessor, TrainLoader, TrainStep, TrainingComponents, TrainingItem,
    ValidLoader,
};
use burn_zoo_blocks::Classifier;
use burn_zoo_data::Loader;

use crate::checkpoint::{Checkpoints, Position};
use crate::evaluate::{ScoreError, score};
use crate::observe::{Observer, Phase, StepReport};
use crate::record::{Best, EpochRecord};
use crate::run_dir::RunDir;
use crate::schedule::Schedule;
use crate::scores::{NotFinite, Pending, Scores, StepScores};
use crate::step::Learnable;
use crate::{RunFile, TrainError};

/// How the loop came to its end.
pub(crate) enum Ending {
    /// All epochs are done.
    Finished(Position),
    /// Someone asked it to stop; a checkpoint is written.
    Interrupted(Position),
}

/// The loop and all it needs. burn-train calls it once, through [`SupervisedLearningStrategy`].
///
/// burn-train's `Learner` brings the model; its optimizer stays unused, since it cannot be read back for a checkpoint.
pub(crate) struct Fit {
    pub(crate) run: RunFile,
    pub(crate) dir: RunDir,
    /// What `best.bpk` says of itself.
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) train: Loader,
    pub(crate) valid: Loader,
    pub(crate) schedule: Schedule,
    /// The plain device; gradients are recorded on its autodiff twin.
    pub(crate) device: Device,
    pub(crate) interrupter: Interrupter,
    pub(crate) observer: Mutex<Box<dyn Observer>>,
    /// Pictures already named as unreadable.
    pub(crate) reported: Mutex<BTreeSet<String>>,
    /// Taken when the loop starts.
    pub(crate) start: Mutex<Option<(ModuleOptimizer, Position)>>,
    /// Left when it ends.
    pub(crate) ending: Arc<Mutex<Option<Result<Ending, TrainError>>>>,
}

type Events<M> = SupervisedTrainingEventProcessor<Learnable<M>>;

impl<M: Classifier + 'static> SupervisedLearningStrategy<Learnable<M>> for Fit {
    fn fit(
        &self,
        components: TrainingComponents<Learnable<M>>,
        learner: Learner<Learnable<M>>,
        _train: TrainLoader<Learnable<M>>,
        _valid: ValidLoader<Learnable<M>>,
        _starting_epoch: usize,
    ) -> (Learnable<M>, Events<M>) {
        let mut events = components.event_processor;
        let (optimizer, position) = take(&self.start).expect("burn-train calls fit once");
        let mut state = State {
            model: learner.model(),
            optimizer,
            position,
        };
        let ending = self.epochs(&mut state, &mut events);
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner) = Some(ending);
        (state.model, events)
    }
}

/// What a step changes.
struct State<M: Classifier> {
    model: Learnable<M>,
    optimizer: ModuleOptimizer,
    position: Position,
}

impl Fit {
    fn epochs<M>(&self, state: &mut State<M>, events: &mut Events<M>) -> Result<Ending, TrainError>
    where
        M: Classifier + 'static,
    {
        let start = Instant::now();
        let seconds_before = state.position.seconds;
        while state.position.epoch < self.run.train.epochs {
            let epoch = state.position.epoch + 1;
            let samples_before = state.position.totals.samples;
            let epoch_start = Instant::now();

            let finished = self.train_epoch(state, events)?;
            let train_seconds = epoch_start.elapsed().as_secs_f64();
            let scores = match finished {
                true => self.valid_epoch(state, events)?,
                false => None,
            };
            state.position.seconds = seconds_before + start.elapsed().as_secs_f64();
            let Some(valid) = scores else {
                self.save(state)?;
                return Ok(Ending::Interrupted(state.position.clone()));
            };

            let totals = std::mem::take(&mut state.position.totals);
            let record = EpochRecord {
                epoch,
                step: state.position.step,
                train: totals.scores(),
                valid,
                lr: self.schedule.lr(state.position.step.saturating_sub(1)),
                images_per_second: (totals.samples - samples_before) as f64 / train_seconds,
                seconds: state.position.seconds,
                skipped: self.train.num_items() - totals.samples,
            };
            self.finish_epoch(state, record)?;
            process(events.process_train(LearnerEvent::EndEpoch(epoch)))?;
            if self.interrupter.should_stop() && epoch < self.run.train.epochs {
                return Ok(Ending::Interrupted(state.position.clone()));
            }
        }
        Ok(Ending::Finished(state.position.clone()))
    }

    /// Trains on the rest of the current epoch. False when asked to stop before its end.
    fn train_epoch<M>(
        &self,
        state: &mut State<M>,
        events: &mut Events<M>,
    ) -> Result<bool, TrainError>
    where
        M: Classifier + 'static,
    {
        let epoch = state.position.epoch + 1;
        let batches = self.train.num_batches();
        let total_items = self.train.num_items();
        process(events.process_train(LearnerEvent::StartSplit {
            epoch_number: epoch,
            total_items,
        }))?;
        self.train.seek(state.position.epoch, state.position.batch);
        let mut pending = Pending::default();
        let mut pictures = self.train.iter();
        while let Some(batch) = pictures.next() {
            let step = state.position.step;
            self.device.seed(step_seed(self.run.seed, step));
            let lr = self.schedule.lr(step);

            let output = TrainStep::step(&state.model, batch?);
            state.model = state.optimizer.step(lr, state.model.clone(), output.grads);
            state.position.step += 1;
            // Not one more than before where the loader left out a batch without a readable picture.
            let progress = pictures.progress();
            state.position.batch = progress.items_processed.div_ceil(self.run.data.batch_size);

            pending.push(StepScores {
                loss: output.item.loss.clone().inner(),
                logits: output.item.output.clone().inner(),
                labels: output.item.targets.clone().inner(),
            });
            let stop = self.interrupter.should_stop();
            let due = self
                .run
                .checkpoint
                .every_steps
                .is_some_and(|n| state.position.step.is_multiple_of(n));
            let last = state.position.batch == batches;
            let mut loss = None;
            if pending.is_full() || stop || due || last {
                loss = read(&mut pending, &mut state.position)?;
            }
            self.observer().step(&StepReport {
                phase: Phase::Train,
                epoch,
                epochs: self.run.train.epochs,
                batch: state.position.batch,
                batches,
                loss,
                lr: Some(lr),
            });
            let item = TrainingItem::new(
                output.item,
                progress,
                Some(state.position.step),
                Some(lr.into()),
            );
            process(events.process_train(LearnerEvent::ProcessedItem(item)))?;
            if stop {
                return Ok(false);
            }
            if due && !last {
                self.save(state)?;
            }
        }
        read(&mut pending, &mut state.position)?;
        state.position.batch = batches;
        self.report_skipped(&self.train);
        if state.position.totals.samples == 0 {
            return Err(TrainError::Mismatch(
                "no training picture could be read".into(),
            ));
        }
        process(events.process_train(LearnerEvent::EndSplit(epoch)))?;
        Ok(true)
    }

    /// Scores the validation split. None when asked to stop before its end.
    fn valid_epoch<M>(
        &self,
        state: &State<M>,
        events: &mut Events<M>,
    ) -> Result<Option<Scores>, TrainError>
    where
        M: Classifier + 'static,
    {
        let Position { epoch, step, .. } = state.position;
        let epoch = epoch + 1;
        let model = state.model.model.valid();
        process(events.process_valid(LearnerEvent::StartSplit {
            epoch_number: epoch,
            total_items: self.valid.num_items(),
        }))?;
        let mut batch = 0;
        let totals = score(&model, &self.valid, |output, progress| {
            batch += 1;
            self.observer().step(&StepReport {
                phase: Phase::Valid,
                epoch,
                epochs: self.run.train.epochs,
                batch,
                batches: self.valid.num_batches(),
                loss: None,
                lr: None,
            });
            let item = TrainingItem::new(output, progress, Some(batch), None);
            process(events.process_valid(LearnerEvent::ProcessedItem(item)))?;
            Ok(match self.interrupter.should_stop() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            })
        });
        let totals = totals.map_err(|error| match error {
            ScoreError::Train(error) => error,
            ScoreError::NotFinite(loss) => TrainError::Diverged { loss, step, epoch },
        })?;
        self.report_skipped(&self.valid);
        if totals.is_some() {
            process(events.process_valid(LearnerEvent::EndSplit(epoch)))?;
        }
        Ok(totals.map(|totals| totals.scores()))
    }

    /// Writes an epoch down: best weights, metrics, checkpoint. A kill between any two of these costs nothing, since
    /// the checkpoint comes last and the files before it are written again from the one before.
    fn finish_epoch<M>(&self, state: &mut State<M>, record: EpochRecord) -> Result<(), TrainError>
    where
        M: Classifier + 'static,
    {
        let best = Best {
            epoch: record.epoch,
            valid: record.valid,
        };
        if state
            .position
            .best
            .is_none_or(|old| best.valid.top1 > old.valid.top1)
        {
            state.position.best = Some(best);
            self.dir
                .write_best(&state.model.model.valid(), &self.metadata)?;
        }
        state.position.history.push(record.clone());
        self.dir.write_metrics(&state.position.history)?;
        state.position.epoch += 1;
        state.position.batch = 0;
        self.save(state)?;
        self.observer().epoch(&record, self.run.train.epochs);
        Ok(())
    }

    fn save<M: Classifier>(&self, state: &State<M>) -> Result<(), TrainError> {
        self.checkpoints
            .save(&state.model.model, &state.optimizer, &state.position)?;
        Ok(())
    }

    fn report_skipped(&self, loader: &Loader) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        for message in loader.skipped() {
            if reported.insert(message.clone()) {
                self.observer().note(&format!("skipped: {message}"));
            }
        }
    }

    fn observer(&self) -> std::sync::MutexGuard<'_, Box<dyn Observer>> {
        self.observer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds the waiting steps to the epoch's sums; gives the newest loss.
fn read(pending: &mut Pending, position: &mut Position) -> Result<Option<f32>, TrainError> {
    let newest = pending.read_into(&mut position.totals);
    newest.map_err(|NotFinite { loss, ago }| TrainError::Diverged {
        loss,
        step: position.step - ago,
        epoch: position.epoch + 1,
    })
}

fn take<T>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn process(result: Result<(), impl std::fmt::Display>) -> Result<(), TrainError> {
    result.map_err(|error| TrainError::Events(error.to_string()))
}

/// The seed of everything random inside a step (dropout), from the run's seed and the step alone: SplitMix64.
fn step_seed(seed: u64, step: usize) -> u64 {
    let mut mixed = seed
        ^ (step as u64)
            .wrapping_add(1)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
