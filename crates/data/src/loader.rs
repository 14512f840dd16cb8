//! Batches of a split, in an order that depends on the seed and the epoch alone.
//!
//! Which samples make a batch, and what augmentation does to them, is fixed by `(seed, epoch, index)` before any
//! worker starts; workers only race to produce what is already decided. So the number of workers changes the speed
//! and nothing else, and an epoch can be taken up in its middle.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::chance::{epoch_order, shard_order};
use crate::pipeline::Pipeline;
use crate::prefetch::{Job, LoadError, Prefetch, RawBatch};
use crate::sample::{Batch, Split};

/// What happens to a sample that cannot be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnBad {
    /// The epoch ends with an error that names it.
    Refuse,
    /// Its batch does without it, and it is counted; see [`Loader::skipped`].
    Skip,
}

/// How the samples of an epoch are shuffled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Order {
    /// Each sample may follow each other.
    #[default]
    Uniform,
    /// Samples of a shard stay together, for splits that are read in sequence; see [`shard_order`].
    Shards {
        /// The first sample of each shard, and the number of all.
        starts: Arc<[usize]>,
        /// Samples among which the order is random.
        window: usize,
    },
}

impl Order {
    /// The samples of `range` in the order of `epoch`.
    fn of(&self, seed: u64, epoch: usize, [first, last]: [usize; 2]) -> Vec<usize> {
        let order = match self {
            Self::Uniform => epoch_order(seed, epoch, last - first),
            Self::Shards { starts, window } => {
                let within = starts
                    .iter()
                    .map(|start| start.clamp(&first, &last) - first);
                shard_order(seed, epoch, &within.collect::<Vec<_>>(), *window)
            }
        };
        order.iter().map(|index| first + index).collect()
    }
}

/// How a split is cut into batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoaderOptions {
    /// Samples a batch, at least 1.
    pub batch_size: usize,
    /// Seed of the order and of the augmentations; without it samples come in the order of the split.
    pub shuffle: Option<u64>,
    /// How it is shuffled.
    pub order: Order,
    /// Whether an incomplete last batch is left out.
    pub drop_last: bool,
    /// Threads that load; 0 loads in the thread that asks.
    pub workers: usize,
    /// Batches that may wait, or be in the making, ahead of the one asked for; at least one a worker.
    pub prefetch: usize,
    /// What happens to a sample that cannot be loaded.
    pub on_bad: OnBad,
}

/// A data loader of one split. Clones, and the same loader on another device, share the position and the count of
/// skipped samples.
///
/// The first [`iter`](DataLoader::iter) gives epoch 0, each further one the next epoch; [`seek`](Self::seek) chooses.
#[derive(Clone)]
pub struct Loader {
    split: Split,
    pipeline: Arc<Pipeline>,
    options: LoaderOptions,
    device: Device,
    /// The part of the split that this loader goes through.
    range: [usize; 2],
    position: Arc<Mutex<Position>>,
    skipped: Arc<Mutex<BTreeMap<usize, String>>>,
}

/// What the next `iter` begins with.
#[derive(Debug, Clone, Copy, Default)]
struct Position {
    epoch: usize,
    batch: usize,
}

impl Loader {
    /// A loader of `split` whose batches lie on `device`.
    ///
    /// Settings that make no sense (batch size 0, a pipeline that does not [validate](Pipeline::validate), `drop_last`
    /// with fewer samples than one batch) are reported by the first batch of each epoch.
    pub fn new(split: Split, pipeline: Pipeline, options: LoaderOptions, device: &Device) -> Self {
        let range = [0, split.len()];
        Self {
            split,
            pipeline: Arc::new(pipeline),
            options,
            device: device.clone(),
            range,
            position: Arc::default(),
            skipped: Arc::default(),
        }
    }

    /// Lets the next `iter` give `epoch`, beginning with its batch `batch` (both from 0); nothing is left of an epoch
    /// from `batch = num_batches()` on.
    pub fn seek(&self, epoch: usize, batch: usize) {
        *locked(&self.position) = Position { epoch, batch };
    }

    /// Batches an epoch.
    pub fn num_batches(&self) -> usize {
        let size = self.options.batch_size;
        match (size, self.options.drop_last) {
            (0, _) => 0,
            (_, true) => self.samples() / size,
            (_, false) => self.samples().div_ceil(size),
        }
    }

    /// One message for each sample skipped so far, in the order of the split; a sample skipped in every epoch counts
    /// once.
    pub fn skipped(&self) -> Vec<String> {
        locked(&self.skipped).values().cloned().collect()
    }

    /// As [`iter`](DataLoader::iter), every batch shared out over `devices`; see [`Shares`].
    pub fn shares<'a>(&'a self, devices: &'a [Device]) -> Shares<'a> {
        Shares {
            batches: self.batches(),
            devices,
        }
    }

    fn samples(&self) -> usize {
        self.range[1] - self.range[0]
    }

    /// Why no batch can be made, where that is known beforehand.
    fn refusal(&self) -> Option<LoadError> {
        let LoaderOptions {
            batch_size,
            drop_last,
            ..
        } = self.options;
        if batch_size == 0 {
            return Some(LoadError::BatchSize);
        }
        if drop_last && self.num_batches() == 0 && self.samples() > 0 {
            return Some(LoadError::TooFew {
                samples: self.samples(),
                batch_size,
            });
        }
        self.pipeline.validate().err().map(LoadError::Pipeline)
    }

    /// The samples of every batch of `epoch`.
    fn job(&self, epoch: usize) -> Job {
        let seed = self.options.shuffle;
        let order = match seed {
            Some(seed) => self.options.order.of(seed, epoch, self.range),
            None => (self.range[0]..self.range[1]).collect(),
        };
        Job {
            split: self.split.clone(),
            pipeline: self.pipeline.clone(),
            order,
            batch_size: self.options.batch_size,
            batches: self.num_batches(),
            seed: seed.unwrap_or(0),
            epoch,
            on_bad: self.options.on_bad,
        }
    }
}

impl Loader {
    /// The next epoch, or what is left of it.
    fn batches(&self) -> LoaderIterator<'_> {
        let Position { epoch, batch } = {
            let mut position = locked(&self.position);
            let next = Position {
                epoch: position.epoch + 1,
                batch: 0,
            };
            std::mem::replace(&mut *position, next)
        };
        let refusal = self.refusal();
        let (first, workers) = match refusal {
            Some(_) => (self.num_batches(), 0),
            None => (batch.min(self.num_batches()), self.options.workers),
        };
        let job = Arc::new(self.job(epoch));
        let ahead = self.options.prefetch.max(workers);
        let prefetch = (workers > 0).then(|| Prefetch::start(job.clone(), first, workers, ahead));
        LoaderIterator {
            loader: self,
            job,
            prefetch,
            next: first,
            is_whole: first == 0,
            given: 0,
            bad: 0,
            refusal,
            failed: false,
        }
    }
}

impl DataLoader<Batch> for Loader {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Batch> + 'a> {
        Box::new(self.batches())
    }

    fn num_items(&self) -> usize {
        self.samples()
            .min(self.num_batches() * self.options.batch_size)
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<Batch>> {
        Arc::new(Self {
            device: device.clone(),
            ..self.clone()
        })
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<Batch>> {
        let end = end.min(self.samples());
        let range = [self.range[0] + start.min(end), self.range[0] + end];
        // Each part is gone through on its own, so it has its own position.
        let position = Arc::new(Mutex::new(*locked(&self.position)));
        Arc::new(Self {
            range,
            position,
            ..self.clone()
        })
    }
}

/// One epoch, or what is left of it.
struct LoaderIterator<'a> {
    loader: &'a Loader,
    job: Arc<Job>,
    prefetch: Option<Prefetch>,
    next: usize,
    /// Whether the epoch begins here; else the part before may have had what this one lacks.
    is_whole: bool,
    /// Samples given and skipped so far.
    given: usize,
    bad: usize,
    refusal: Option<LoadError>,
    failed: bool,
}

impl LoaderIterator<'_> {
    fn raw(&mut self) -> Result<RawBatch, LoadError> {
        match &self.prefetch {
            Some(prefetch) => prefetch.take(self.next),
            None => self.job.load(self.next, || false),
        }
    }

    fn fail(&mut self, error: LoadError) -> Option<Result<RawBatch, DatasetError>> {
        self.failed = true;
        self.prefetch = None;
        Some(Err(DatasetError::new(error)))
    }

    fn upload(&self, raw: RawBatch, device: &Device) -> Batch {
        let [height, width] = self.job.pipeline.geometry.size;
        let shape = [
            raw.labels.len(),
            self.job.pipeline.geometry.channels,
            height,
            width,
        ];
        let labels = TensorData::new(raw.labels, [shape[0]]);
        Batch {
            images: Tensor::from_data(TensorData::new(raw.images, shape), device),
            labels: Tensor::<1, Int>::from_data(labels, device),
            indices: raw.indices,
        }
    }

    fn next_raw(&mut self) -> Option<Result<RawBatch, DatasetError>> {
        if let Some(refusal) = self.refusal.take() {
            return self.fail(refusal);
        }
        while !self.failed && self.next < self.job.batches {
            let raw = match self.raw() {
                Ok(raw) => raw,
                Err(error) => return self.fail(error),
            };
            self.next += 1;
            self.given += raw.labels.len();
            self.bad += raw.bad.len();
            if !raw.bad.is_empty() {
                locked(&self.loader.skipped).extend(raw.bad.iter().cloned());
            }
            if !raw.labels.is_empty() {
                return Some(Ok(raw));
            }
        }
        if !self.failed && self.is_whole && self.given == 0 && self.bad > 0 {
            let first = self.loader.skipped().into_iter().next().unwrap_or_default();
            return self.fail(LoadError::NothingLeft {
                skipped: self.bad,
                first,
            });
        }
        None
    }
}

impl Iterator for LoaderIterator<'_> {
    type Item = Result<Batch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let raw = self.next_raw()?;
        Some(raw.map(|raw| self.upload(raw, &self.loader.device)))
    }
}

/// One epoch, every batch shared out over devices in the order of its pictures, as evenly as can be.
///
/// The shares come in the order of the devices; where a batch has fewer pictures than there are devices, the last ones get
/// none.
pub struct Shares<'a> {
    batches: LoaderIterator<'a>,
    devices: &'a [Device],
}

impl Shares<'_> {
    /// How much of the epoch is done.
    pub fn progress(&self) -> Progress {
        self.batches.progress()
    }

    fn share_out(&self, mut raw: RawBatch) -> Vec<Batch> {
        let pictures = raw.labels.len();
        let (each, more) = (pictures / self.devices.len(), pictures % self.devices.len());
        let values = raw.images.len() / pictures;
        let mut shares = Vec::with_capacity(self.devices.len());
        for (place, device) in self.devices.iter().enumerate() {
            let count = each + usize::from(place < more);
            if count == 0 {
                break;
            }
            let rest = RawBatch {
                images: raw.images.split_off(count * values),
                labels: raw.labels.split_off(count),
                indices: raw.indices.split_off(count),
                bad: Vec::new(),
            };
            shares.push(self.batches.upload(raw, device));
            raw = rest;
        }
        shares
    }
}

impl Iterator for Shares<'_> {
    type Item = Result<Vec<Batch>, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let raw = self.batches.next_raw()?;
        Some(raw.map(|raw| self.share_out(raw)))
    }
}

impl DataLoaderIterator<Batch> for LoaderIterator<'_> {
    fn progress(&self) -> Progress {
        let total = self.loader.num_items();
        let done = (self.next * self.job.batch_size).min(total);
        Progress::new(done, total, Some("items".into()))
    }
}

/// The content of a mutex, also after a panic elsewhere: every value behind one here is valid at any moment.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
