//! The threads behind a loader: batches made ahead, handed over in order, never more than a bound.

use std::collections::BTreeMap;
use std::error::Error;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use burn::data::dataset::DatasetError;
use rand_chacha::ChaCha8Rng;

use super::{OnBad, locked};
use crate::decode::panic_message;
use crate::error::{LoadError, PipelineError, Unreachable};
use crate::rng::{draw_rng, sample_rng};
use crate::sample::Split;
use crate::transforms::pipeline::{Dest, Pipeline};

/// The images of a batch in main memory: `[batch, channels, height, width]`.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Images {
    /// Normalised.
    Values(Vec<f32>),
    /// Not normalised.
    Bytes(Vec<u8>),
}

impl Images {
    fn zeros(in_bytes: bool, len: usize) -> Self {
        match in_bytes {
            true => Self::Bytes(vec![0; len]),
            false => Self::Values(vec![0.0; len]),
        }
    }

    fn dest(&mut self, range: Range<usize>) -> Dest<'_> {
        match self {
            Self::Values(values) => Dest::Values(&mut values[range]),
            Self::Bytes(bytes) => Dest::Bytes(&mut bytes[range]),
        }
    }

    pub(super) fn split_off(&mut self, at: usize) -> Self {
        match self {
            Self::Values(values) => Self::Values(values.split_off(at)),
            Self::Bytes(bytes) => Self::Bytes(bytes.split_off(at)),
        }
    }
}

/// A batch in main memory.
#[derive(Debug)]
pub(super) struct HostBatch {
    pub(super) images: Images,
    pub(super) labels: Vec<i64>,
    /// Index of each sample in its split.
    pub(super) indices: Vec<usize>,
    /// Index and message of the samples that were skipped.
    pub(super) bad: Vec<(usize, String)>,
}

/// Why a sample could not be loaded.
enum SampleError {
    /// The sample is bad.
    Bad(String),
    /// Its data set is out of reach.
    Unreachable(String),
}

impl SampleError {
    fn of(error: &DatasetError) -> Self {
        let message = error.to_string();
        match error.source() {
            Some(source) if source.is::<Unreachable>() => Self::Unreachable(message),
            _ => Self::Bad(message),
        }
    }
}

/// All that decides the content of an epoch's batches.
pub(super) struct EpochPlan {
    pub(super) split: Split,
    pub(super) pipeline: Arc<Pipeline>,
    /// Whether images are normalised on their device.
    pub(super) in_bytes: bool,
    /// Indices into the split, in the order of the epoch.
    pub(super) order: Vec<usize>,
    /// Whether the order may name a sample twice; it is then augmented in two ways.
    pub(super) repeats: bool,
    pub(super) batch_size: usize,
    pub(super) batches: usize,
    pub(super) seed: u64,
    pub(super) epoch: usize,
    pub(super) on_bad: OnBad,
}

impl EpochPlan {
    /// Makes batch number `batch`, or less of it once `is_stopped`: nobody wants it then.
    pub(super) fn load(
        &self,
        batch: usize,
        is_stopped: impl Fn() -> bool,
    ) -> Result<HostBatch, LoadError> {
        let positions = self.positions(batch);
        let values = self.pipeline.input_len();
        let mut made = HostBatch {
            images: Images::zeros(self.in_bytes, positions.len() * values),
            labels: Vec::with_capacity(positions.len()),
            indices: Vec::with_capacity(positions.len()),
            bad: Vec::new(),
        };
        for (position, &index) in positions.clone().zip(&self.order[positions]) {
            if is_stopped() {
                break;
            }
            let filled = made.labels.len() * values;
            let dest = made.images.dest(filled..filled + values);
            match (self.load_sample(index, position, dest), self.on_bad) {
                (Ok(label), _) => {
                    made.labels.push(label as i64);
                    made.indices.push(index);
                }
                (Err(SampleError::Bad(message)), OnBad::Skip) => made.bad.push((index, message)),
                (Err(SampleError::Bad(message) | SampleError::Unreachable(message)), _) => {
                    return Err(LoadError::Sample(message));
                }
            }
        }
        // What skipped samples leave empty.
        made.images.split_off(made.labels.len() * values);
        Ok(made)
    }

    /// The positions of batch number `batch` in the order.
    pub(super) fn positions(&self, batch: usize) -> Range<usize> {
        let start = batch * self.batch_size;
        start..(start + self.batch_size).min(self.order.len())
    }

    /// The generator for the augmentation of sample `index`, at `position` of the order.
    pub(super) fn rng(&self, index: usize, position: usize) -> ChaCha8Rng {
        match self.repeats {
            true => draw_rng(self.seed, self.epoch, position),
            false => sample_rng(self.seed, self.epoch, index),
        }
    }

    /// Loads one sample into `dest` and returns its label.
    fn load_sample(
        &self,
        index: usize,
        position: usize,
        dest: Dest<'_>,
    ) -> Result<usize, SampleError> {
        let load = || {
            let sample = self.split.get(index);
            let sample = sample.map_err(|error| SampleError::of(&error))?;
            let mut rng = self.rng(index, position);
            self.pipeline
                .load_to(sample.image, dest, &mut rng, |_| ())
                .map_err(|error| match error {
                    PipelineError::Unreadable(message) => SampleError::Bad(message),
                    error => SampleError::Bad(format!("sample {index}: {error}")),
                })?;
            Ok(sample.label)
        };
        // A panic in a data set must not end the thread, and the epoch with it.
        catch_unwind(AssertUnwindSafe(load)).unwrap_or_else(|panic| {
            let message = panic_message(&*panic);
            let message = format!("sample {index}: the data set panicked: {message}");
            Err(SampleError::Bad(message))
        })
    }
}

/// Worker threads and the batches that they have made. Dropping it ends the threads.
pub(super) struct Prefetch {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    /// Notified whenever the state changes.
    changed: Condvar,
}

struct State {
    /// The next batch that no worker has begun.
    unclaimed: usize,
    /// The next batch that the consumer takes.
    wanted: usize,
    ready: BTreeMap<usize, Result<HostBatch, LoadError>>,
    stopped: bool,
}

impl Prefetch {
    /// Starts `workers` threads on the batches from `first` on, at most `ahead` of them unconsumed at a time.
    pub(super) fn start(plan: Arc<EpochPlan>, first: usize, workers: usize, ahead: usize) -> Self {
        let state = State {
            unclaimed: first,
            wanted: first,
            ready: BTreeMap::new(),
            stopped: false,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let mut threads = Vec::new();
        for number in 0..workers.min(plan.batches - first) {
            let (worker, plan) = (shared.clone(), plan.clone());
            let thread = std::thread::Builder::new().name(format!("loader-{number}"));
            match thread.spawn(move || worker.work(&plan, ahead)) {
                Ok(thread) => threads.push(thread),
                // Fewer threads do the same work; without any the consumer would wait for ever.
                Err(error) if threads.is_empty() => {
                    let error = LoadError::Thread(error.to_string());
                    locked(&shared.state).ready.insert(first, Err(error));
                }
                Err(_) => break,
            }
        }
        Self { shared, threads }
    }

    /// Waits for batch number `batch`; batches must be taken in order.
    pub(super) fn take(&self, batch: usize) -> Result<HostBatch, LoadError> {
        let mut state = self
            .shared
            .wait_while(|state| !state.ready.contains_key(&batch));
        state.wanted = batch + 1;
        let ready = state.ready.remove(&batch);
        self.shared.changed.notify_all();
        ready.expect("it was waited for")
    }
}

impl Drop for Prefetch {
    fn drop(&mut self) {
        locked(&self.shared.state).stopped = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // Workers catch every panic: there is nothing left to report.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn work(&self, plan: &EpochPlan, ahead: usize) {
        while let Some(batch) = self.claim(plan.batches, ahead) {
            // Even after a panic the batch becomes ready: the consumer may be waiting for it.
            let load = || plan.load(batch, || locked(&self.state).stopped);
            let made = catch_unwind(AssertUnwindSafe(load)).unwrap_or_else(|panic| {
                let message = panic_message(&*panic);
                let message = format!("batch {batch} could not be made: {message}");
                Err(LoadError::Sample(message))
            });
            locked(&self.state).ready.insert(batch, made);
            self.changed.notify_all();
        }
    }

    /// The next batch to make, once there is room for it; `None` when all are begun or nobody wants them.
    fn claim(&self, batches: usize, ahead: usize) -> Option<usize> {
        let is_over = |state: &State| state.stopped || state.unclaimed >= batches;
        let mut state =
            self.wait_while(|state| !is_over(state) && state.unclaimed >= state.wanted + ahead);
        if is_over(&state) {
            return None;
        }
        state.unclaimed += 1;
        Some(state.unclaimed - 1)
    }

    fn wait_while(&self, condition: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        self.changed
            .wait_while(locked(&self.state), |state| condition(state))
            .unwrap_or_else(PoisonError::into_inner)
    }
}
