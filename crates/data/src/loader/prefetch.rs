//! The threads behind a loader: batches made ahead, handed over in order, never more than a bound.

use std::collections::BTreeMap;
use std::error::Error;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use burn::data::dataset::DatasetError;
use rand_chacha::ChaCha8Rng;

use crate::decode::panic_message;
use crate::loader::{OnBad, locked};
use crate::rng::{draw_rng, sample_rng};
use crate::sample::{Split, Unreachable};
use crate::transforms::pipeline::{Dest, Pipeline, PipelineError};

/// Why an epoch cannot go on.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("the batch size is 0: expected at least 1")]
    BatchSize,
    #[error(
        "the split has {samples} samples, fewer than one batch of {batch_size}, and an incomplete batch is dropped: \
         nothing would be left"
    )]
    TooFew { samples: usize, batch_size: usize },
    #[error(
        "{found} weights for {samples} samples: expected one each, finite, none below 0 and not all 0"
    )]
    Weights { found: usize, samples: usize },
    #[error(
        "the starts of the shards do not fit {samples} samples: expected 0 first, none below the one before it, and \
         {samples} last"
    )]
    Shards { samples: usize },
    #[error(transparent)]
    Pipeline(PipelineError),
    #[error("{0}")]
    Sample(String),
    #[error("none of the {skipped} samples can be loaded; the first: {first}")]
    NothingLeft { skipped: usize, first: String },
    #[error("a loader thread could not be started: {0}")]
    Thread(String),
}

/// The images of a batch in main memory: `[batch, channels, height, width]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Images {
    /// Normalised.
    Values(Vec<f32>),
    /// As they are.
    Bytes(Vec<u8>),
}

impl Images {
    fn zeros(in_bytes: bool, len: usize) -> Self {
        match in_bytes {
            true => Self::Bytes(vec![0; len]),
            false => Self::Values(vec![0.0; len]),
        }
    }

    fn place(&mut self, range: Range<usize>) -> Dest<'_> {
        match self {
            Self::Values(values) => Dest::Values(&mut values[range]),
            Self::Bytes(bytes) => Dest::Bytes(&mut bytes[range]),
        }
    }

    fn truncate(&mut self, len: usize) {
        match self {
            Self::Values(values) => values.truncate(len),
            Self::Bytes(bytes) => bytes.truncate(len),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Values(values) => values.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    pub(crate) fn split_off(&mut self, at: usize) -> Self {
        match self {
            Self::Values(values) => Self::Values(values.split_off(at)),
            Self::Bytes(bytes) => Self::Bytes(bytes.split_off(at)),
        }
    }
}

/// A batch in main memory.
#[derive(Debug)]
pub(crate) struct HostBatch {
    pub(crate) images: Images,
    pub(crate) labels: Vec<i64>,
    /// Where each sample stands in its split.
    pub(crate) indices: Vec<usize>,
    /// Index and message of the samples that were skipped.
    pub(crate) bad: Vec<(usize, String)>,
}

/// Why there is no input of a sample.
enum SampleError {
    /// It is bad itself.
    Sample(String),
    /// What it lies in cannot be reached.
    Dest(String),
}

impl SampleError {
    fn of(error: &DatasetError) -> Self {
        let message = error.to_string();
        match error
            .source()
            .is_some_and(|source| source.is::<Unreachable>())
        {
            true => Self::Dest(message),
            false => Self::Sample(message),
        }
    }
}

/// All that decides the content of an epoch's batches.
pub(crate) struct Job {
    pub(crate) split: Split,
    pub(crate) pipeline: Arc<Pipeline>,
    /// Whether images are normalised by the device that they go to.
    pub(crate) in_bytes: bool,
    /// Indices into the split, in the order of the epoch.
    pub(crate) order: Vec<usize>,
    /// Whether the order may name a sample twice, which is then augmented in two ways.
    pub(crate) repeats: bool,
    pub(crate) batch_size: usize,
    pub(crate) batches: usize,
    pub(crate) seed: u64,
    pub(crate) epoch: usize,
    pub(crate) on_bad: OnBad,
}

impl Job {
    /// Makes batch number `batch`; an empty batch once `stopped` says that nobody wants it any more.
    pub(crate) fn load(
        &self,
        batch: usize,
        stopped: impl Fn() -> bool,
    ) -> Result<HostBatch, LoadError> {
        let positions = self.positions(batch);
        let values = self.pipeline.input_len();
        let mut raw = HostBatch {
            images: Images::zeros(self.in_bytes, positions.len() * values),
            labels: Vec::with_capacity(positions.len()),
            indices: Vec::with_capacity(positions.len()),
            bad: Vec::new(),
        };
        for (position, &index) in positions.clone().zip(&self.order[positions]) {
            if stopped() {
                break;
            }
            let filled = raw.labels.len() * values;
            let place = raw.images.place(filled..filled + values);
            match self.sample(index, position, place) {
                Ok(label) => {
                    raw.labels.push(label as i64);
                    raw.indices.push(index);
                }
                Err(fault) => match (fault, self.on_bad) {
                    (SampleError::Sample(message), OnBad::Skip) => raw.bad.push((index, message)),
                    (SampleError::Sample(message) | SampleError::Dest(message), _) => {
                        return Err(LoadError::Sample(message));
                    }
                },
            }
        }
        raw.images.truncate(raw.labels.len() * values);
        Ok(raw)
    }

    /// Which samples batch number `batch` has, as places in the order.
    pub(crate) fn positions(&self, batch: usize) -> Range<usize> {
        let start = batch * self.batch_size;
        start..(start + self.batch_size).min(self.order.len())
    }

    /// The generator of the augmentations of sample `index`, which stands at `position` of the order.
    pub(crate) fn rng(&self, index: usize, position: usize) -> ChaCha8Rng {
        match self.repeats {
            true => draw_rng(self.seed, self.epoch, position),
            false => sample_rng(self.seed, self.epoch, index),
        }
    }

    /// Loads one sample into `place`; gives its label, or why that failed.
    fn sample(&self, index: usize, position: usize, place: Dest<'_>) -> Result<usize, SampleError> {
        // A panic in a data set must not take the thread, and with it the epoch, along.
        let attempt = catch_unwind(AssertUnwindSafe(|| {
            let sample = self
                .split
                .get(index)
                .map_err(|error| SampleError::of(&error))?;
            let mut rng = self.rng(index, position);
            self.pipeline
                .put(sample.image, place, &mut rng, |_| ())
                .map_err(|error| match error {
                    PipelineError::Unreadable(message) => SampleError::Sample(message),
                    error => SampleError::Sample(format!("sample {index}: {error}")),
                })?;
            Ok(sample.label)
        }));
        attempt.unwrap_or_else(|panic| {
            Err(SampleError::Sample(format!(
                "sample {index}: the data set panicked: {}",
                panic_message(&*panic)
            )))
        })
    }
}

/// Worker threads and the batches that they have made. Dropping it ends them.
pub(crate) struct Prefetch {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    /// Something in the state changed.
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
    pub(crate) fn start(job: Arc<Job>, first: usize, workers: usize, ahead: usize) -> Self {
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
        // No more threads than batches.
        for number in 0..workers.min(job.batches - first) {
            let (worker, job) = (shared.clone(), job.clone());
            let thread = std::thread::Builder::new().name(format!("loader-{number}"));
            match thread.spawn(move || worker.work(&job, ahead)) {
                Ok(thread) => threads.push(thread),
                // Fewer threads do the same work; with none at all the consumer would wait for ever.
                Err(error) if threads.is_empty() => {
                    let error = LoadError::Thread(error.to_string());
                    locked(&shared.state).ready.insert(first, Err(error));
                }
                Err(_) => break,
            }
        }
        Self { shared, threads }
    }

    /// Waits for batch number `batch`; they must be taken one after the other.
    pub(crate) fn take(&self, batch: usize) -> Result<HostBatch, LoadError> {
        let mut state = locked(&self.shared.state);
        loop {
            if let Some(ready) = state.ready.remove(&batch) {
                state.wanted = batch + 1;
                self.shared.changed.notify_all();
                return ready;
            }
            state = self
                .shared
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Prefetch {
    fn drop(&mut self) {
        locked(&self.shared.state).stopped = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // A worker catches what its samples throw; there is nothing left to report.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn work(&self, job: &Job, ahead: usize) {
        while let Some(batch) = self.claim(job.batches, ahead) {
            // Whatever happens, the batch is answered for: somebody may be waiting for it.
            let load = || job.load(batch, || locked(&self.state).stopped);
            let made = catch_unwind(AssertUnwindSafe(load)).unwrap_or_else(|panic| {
                let message = format!(
                    "batch {batch} could not be made: {}",
                    panic_message(&*panic)
                );
                Err(LoadError::Sample(message))
            });
            locked(&self.state).ready.insert(batch, made);
            self.changed.notify_all();
        }
    }

    /// The next batch to make, once there is room for it; none when there is none or nobody wants it.
    fn claim(&self, batches: usize, ahead: usize) -> Option<usize> {
        let mut state = locked(&self.state);
        loop {
            if state.stopped || state.unclaimed >= batches {
                return None;
            }
            if state.unclaimed < state.wanted + ahead {
                state.unclaimed += 1;
                return Some(state.unclaimed - 1);
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}
