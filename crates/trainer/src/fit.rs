//! The training loop: epochs of steps, each followed by a validation, a line of metrics and a checkpoint.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use burn::data::dataloader::{DataLoader, Progress};
use burn::train::{
    ClassificationOutput, EventProcessorTraining, Interrupter, Learner, LearnerEvent,
    SupervisedLearningStrategy, SupervisedTrainingEventProcessor, TrainLoader, TrainingComponents,
    TrainingItem, ValidLoader,
};
use burn_zoo_blocks::Classifier;
use burn_zoo_data::{Loader, Split};

use crate::checkpoint::{Checkpoints, Position, Start};
use crate::details::Details;
use crate::evaluate::{Evaluation, ScoreError, score};
use crate::findings::findings;
use crate::gradients::Gathered;
use crate::mix::Mixing;
use crate::observe::{Observer, Phase, StepReport};
use crate::out_of_memory::caught;
use crate::run_dir::{BEST, BEST_EMA, RunDir};
use crate::schedule::Schedule;
use crate::scores::{NotFinite, Pending, StepScores};
use crate::seed::step_seed;
use crate::state::State;
use crate::step::Learnable;
use crate::team::Team;
use crate::train::Ending;
use crate::{RunFile, TrainError};
use burn_zoo_report::{Best, EpochRecord, Scores};

/// The loop and all it needs. burn-train calls it once, through [`SupervisedLearningStrategy`].
///
/// burn-train's `Learner` brings the model; its optimizer stays unused, since it cannot be read back for a checkpoint.
pub(crate) struct Fit<M> {
    pub(crate) run: RunFile,
    pub(crate) dir: RunDir,
    /// What `best.bpk` says of itself.
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) train: Loader,
    pub(crate) valid: Loader,
    /// What the validation loader reads, for pictures to show.
    pub(crate) valid_split: Split,
    /// Names of the classes.
    pub(crate) classes: Vec<String>,
    pub(crate) schedule: Schedule,
    pub(crate) mixing: Mixing,
    pub(crate) team: Team,
    pub(crate) interrupter: Interrupter,
    pub(crate) observer: Mutex<Box<dyn Observer>>,
    /// Pictures already named as unreadable.
    pub(crate) reported: Mutex<BTreeSet<String>>,
    /// Taken when the loop starts.
    pub(crate) start: Mutex<Option<Start<M>>>,
    /// Left when it ends.
    pub(crate) ending: Arc<Mutex<Option<Result<Ending, TrainError>>>>,
}

type Events<M> = SupervisedTrainingEventProcessor<Learnable<M>>;

impl<M: Classifier + 'static> SupervisedLearningStrategy<Learnable<M>> for Fit<M> {
    fn fit(
        &self,
        components: TrainingComponents<Learnable<M>>,
        learner: Learner<Learnable<M>>,
        _train: TrainLoader<Learnable<M>>,
        _valid: ValidLoader<Learnable<M>>,
        _starting_epoch: usize,
    ) -> (Learnable<M>, Events<M>) {
        let mut events = components.event_processor;
        let start = take(&self.start).expect("burn-train calls fit once");
        let mut state = State {
            model: learner.model(),
            average: start.average,
            optimizer: start.optimizer,
            gathered: Gathered::default(),
            position: start.position,
        };
        let ending = caught(|| self.epochs(&mut state, &mut events));
        let ending = ending.unwrap_or_else(|reason| {
            Err(TrainError::OutOfMemory {
                batch_size: self.run.data.batch_size.or_default(),
                accumulate: self.run.train.accumulate,
                step: state.position.step + 1,
                reason,
            })
        });
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner) = Some(ending);
        (state.model, events)
    }
}

/// Scores of an epoch over the validation split.
struct Judged {
    network: Evaluation,
    average: Option<Scores>,
}

impl<M: Classifier + 'static> Fit<M> {
    fn epochs(&self, state: &mut State<M>, events: &mut Events<M>) -> Result<Ending, TrainError> {
        let start = Instant::now();
        let seconds_before = state.position.seconds;
        while !self.is_over(&state.position) {
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
            let Some(Judged { network, average }) = scores else {
                self.save(state)?;
                return Ok(Ending::Interrupted(state.position.clone()));
            };

            let totals = std::mem::take(&mut state.position.totals);
            let last_step = state.position.step.saturating_sub(1);
            let record = EpochRecord {
                epoch,
                step: state.position.step,
                train: totals.scores(),
                valid: network.scores,
                ema: average,
                lr: self.schedule.lr(last_step, &state.position.valid_losses()),
                images_per_second: (totals.samples - samples_before) as f64 / train_seconds,
                data_wait: self.train.take_waited().as_secs_f64() / train_seconds,
                seconds: state.position.seconds,
                skipped: self.train.num_items() - totals.samples,
            };
            self.finish_epoch(state, record, &network)?;
            process(events.process_train(LearnerEvent::EndEpoch(epoch)))?;
            if self.interrupter.should_stop() && !self.is_over(&state.position) {
                return Ok(Ending::Interrupted(state.position.clone()));
            }
        }
        Ok(Ending::Finished(state.position.clone()))
    }

    /// Whether all epochs are done, or the last ones brought nothing better.
    fn is_over(&self, position: &Position) -> bool {
        let patience = self.run.train.early_stop;
        let stuck = |best: &Best| patience.is_some_and(|n| position.epoch - best.epoch >= n);
        position.epoch >= self.run.train.epochs || position.best.as_ref().is_some_and(stuck)
    }

    /// Trains on the rest of the current epoch. False when asked to stop before its end.
    fn train_epoch(
        &self,
        state: &mut State<M>,
        events: &mut Events<M>,
    ) -> Result<bool, TrainError> {
        let epoch = state.position.epoch + 1;
        let batches = self.train.num_batches();
        let total_items = self.train.num_items();
        process(events.process_train(LearnerEvent::StartSplit {
            epoch_number: epoch,
            total_items,
        }))?;
        self.train.seek(state.position.epoch, state.position.batch);
        let mut pending = Pending::default();
        let mut pictures = self.train.shares(self.team.learning());
        let accumulate = self.run.train.accumulate;
        let classes = state.model.model.num_classes();
        let losses = state.position.valid_losses();
        while let Some(shares) = pictures.next() {
            let step = state.position.step;
            let seed = step_seed(self.run.seed, step * accumulate + state.gathered.batches());
            self.team.seed(seed);
            let lr = self.schedule.lr(step, &losses);
            // Mixing draws from another stream than the network's dropout.
            let mixed = |batch| self.mixing.apply(batch, classes, !seed);
            let shares = shares?.into_iter().map(mixed).collect();
            let scale = state.position.loss_scale.map_or(1.0, |scale| scale.factor);
            let precision = self.run.train.precision;
            let (mut outputs, gradients) = self.team.learn(&state.model, shares, precision, scale);
            state.gathered.add(&state.model, gradients);
            // Not one more than before where the loader left out a batch without a readable picture.
            let progress = pictures.progress();
            state.position.batch = progress
                .items_processed
                .div_ceil(self.run.data.batch_size.or_default());
            let last = state.position.batch == batches;
            // In between, gradients wait that no checkpoint holds.
            let stepped = last || state.position.batch.is_multiple_of(accumulate);
            if stepped {
                state.update(&self.run, lr)?;
            }

            for output in &outputs {
                pending.push(StepScores::of(output, step + 1));
            }
            let stop = stepped && self.interrupter.should_stop();
            let every_steps = self.run.checkpoint.every_steps;
            let due = stepped && every_steps.is_some_and(|n| state.position.step.is_multiple_of(n));
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
            // The dashboard follows the first device.
            let item = TrainingItem::new(
                outputs.swap_remove(0),
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
        if state.gathered.batches() > 0 {
            // The last batches had no readable picture.
            let lr = self.schedule.lr(state.position.step, &losses);
            state.update(&self.run, lr)?;
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

    /// Scores the network, and its average where there is one, over the validation split. None when asked to stop
    /// before the end.
    fn valid_epoch(
        &self,
        state: &State<M>,
        events: &mut Events<M>,
    ) -> Result<Option<Judged>, TrainError> {
        let epoch = state.position.epoch + 1;
        process(events.process_valid(LearnerEvent::StartSplit {
            epoch_number: epoch,
            total_items: self.valid.num_items(),
        }))?;
        let mut items = 0;
        let scores = self.valid_pass(&state.model.model.valid(), state, |output, progress| {
            items += 1;
            let item = TrainingItem::new(output, progress, Some(items), None);
            process(events.process_valid(LearnerEvent::ProcessedItem(item)))
        })?;
        let Some(network) = scores else {
            return Ok(None);
        };
        process(events.process_valid(LearnerEvent::EndSplit(epoch)))?;
        let mut average = None;
        if let Some(averaged) = &state.average {
            let Some(judged) = self.valid_pass(averaged, state, |_, _| Ok(()))? else {
                return Ok(None);
            };
            average = Some(judged.scores);
        }
        Ok(Some(Judged { network, average }))
    }

    /// Scores `network` over the validation split; `each` sees the output of every batch.
    fn valid_pass(
        &self,
        network: &M,
        state: &State<M>,
        mut each: impl FnMut(ClassificationOutput, Progress) -> Result<(), TrainError>,
    ) -> Result<Option<Evaluation>, TrainError> {
        let Position { epoch, step, .. } = state.position;
        let epoch = epoch + 1;
        let mut batch = 0;
        let mut details = Details::new(network.num_classes());
        let forward = |images| network.forward(images);
        let totals = score(
            forward,
            &self.valid,
            Some(&mut details),
            |output, progress| {
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
                each(output, progress)?;
                Ok(match self.interrupter.should_stop() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                })
            },
        );
        let totals = totals.map_err(|error| match error {
            ScoreError::Train(error) => error,
            ScoreError::NotFinite(loss) => TrainError::Diverged { loss, step, epoch },
        })?;
        self.report_skipped(&self.valid);
        let pictures = self.valid.num_items();
        Ok(totals.map(|totals| Evaluation::new(&totals, pictures, details)))
    }

    /// Writes an epoch down: best weights, metrics, checkpoint. A kill between any two of these costs nothing, since
    /// the checkpoint comes last and the files before it are written again from the one before.
    fn finish_epoch(
        &self,
        state: &mut State<M>,
        record: EpochRecord,
        evaluation: &Evaluation,
    ) -> Result<(), TrainError> {
        let monitor = self.run.checkpoint.monitor;
        let epoch = record.epoch;
        let network = state.model.model.valid();
        state.position.history.push(record.clone());
        if monitor.is_better(&record.valid, state.position.best) {
            let valid = record.valid;
            state.position.best = Some(Best { epoch, valid });
            self.dir.write_weights(BEST, &network, &self.metadata)?;
            let record = findings(epoch, evaluation, &self.classes, &self.valid_split);
            self.dir.write_evaluation(&record)?;
        }
        if let (Some(average), Some(valid)) = (&state.average, record.ema)
            && monitor.is_better(&valid, state.position.best_ema)
        {
            state.position.best_ema = Some(Best { epoch, valid });
            self.dir.write_weights(BEST_EMA, average, &self.metadata)?;
        }
        if let Some(count) = self.run.checkpoint.keep_best {
            let kept = monitor.best_epochs(&state.position.history, count);
            self.dir.keep_best(epoch, &kept, &network, &self.metadata)?;
        }
        self.dir.write_metrics(&state.position.history)?;
        state.position.epoch += 1;
        state.position.batch = 0;
        self.save(state)?;
        self.observer().epoch(&record, self.run.train.epochs);
        Ok(())
    }

    fn save(&self, state: &State<M>) -> Result<(), TrainError> {
        self.checkpoints.save(
            &state.model.model,
            &state.optimizer,
            state.average.as_ref(),
            &state.position,
        )?;
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
    let newest = pending.read_into(&mut position.totals, None);
    newest.map_err(|NotFinite { loss, step }| TrainError::Diverged {
        loss,
        step,
        epoch: position.epoch + 1,
    })
}

fn take<T>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn process(result: Result<(), impl std::fmt::Display>) -> Result<(), TrainError> {
    result.map_err(|error| TrainError::Events(error.to_string()))
}
