//! Batches of a split, in an order that depends on the seed and the epoch alone.
//!
//! Which samples make a batch, and what augmentation does to them, is fixed by `(seed, epoch, index)` before any
//! worker starts; workers only race to produce what is already decided. So the number of workers changes the speed
//! and nothing else, and an epoch can be taken up in its middle.

mod device_cache;
mod epoch;
mod prefetch;
mod sampler;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use burn::tensor::{DType, Device};

use self::device_cache::{DeviceCache, needed};
pub use self::epoch::{Epoch, ShardedEpoch};
use self::prefetch::{Job, LoadError};
pub use self::sampler::Sampler;
use crate::sample::Split;
use crate::transforms::GpuAugment;
use crate::transforms::pipeline::Pipeline;

/// What happens to a sample that cannot be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnBad {
    /// The epoch ends with an error that names it.
    Refuse,
    /// Its batch does without it, and it is counted; see [`Loader::skipped`].
    Skip,
}

/// In which form images go to their device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// As f32 values, normalised by the workers: for a device that computes in main memory, where nothing is copied.
    Values,
    /// As bytes, normalised by the device: a quarter of the traffic. Where the device has no bytes, or augmentation changes
    /// images after normalisation, they go as f32 values.
    Bytes,
    /// As bytes, all of the split at once, where they take no more than `limit` bytes on the one device that is asked for
    /// and augmentation is a shift, a flip and a cutout at most: the device makes the batches, the same ones. Else, or
    /// where an image cannot be read, as [`Bytes`](Self::Bytes).
    CacheOnDevice {
        /// Bytes that a split may take.
        limit: u64,
    },
}

/// How a split is cut into batches.
#[derive(Debug, Clone, PartialEq)]
pub struct LoaderOptions {
    /// Samples per batch, at least 1.
    pub batch_size: usize,
    /// Seed of the order and of the augmentations; without it samples come in the order of the split.
    pub shuffle: Option<u64>,
    /// With `shuffle`: how.
    pub sampler: Sampler,
    /// Whether an incomplete last batch is left out.
    pub drop_last: bool,
    /// Threads that load; 0 loads in the thread that asks.
    pub workers: usize,
    /// Bytes of the batches that may wait, or be in the making, ahead of the one asked for; one batch at least.
    pub prefetch: usize,
    /// What happens to a sample that cannot be loaded.
    pub on_bad: OnBad,
    /// In which form images go to the device.
    pub transfer: Transfer,
}

/// A data loader of one split. Clones share the count of skipped samples and the split on the device.
///
/// [`epoch`](Self::epoch) gives the batches of any epoch from any batch on; the loader itself has no position.
#[derive(Clone)]
pub struct Loader {
    split: Split,
    pipeline: Arc<Pipeline>,
    pub(crate) options: LoaderOptions,
    pub(crate) device: Device,
    pub(crate) skipped: Arc<Mutex<BTreeMap<usize, String>>>,
    /// How long batches were waited for.
    pub(crate) waited: Arc<Mutex<Duration>>,
    /// The split on a device; none where it cannot be there.
    device_cache: Arc<OnceLock<Option<Arc<DeviceCache>>>>,
}

impl Loader {
    /// A loader of `split` whose batches lie on `device`.
    ///
    /// Settings that make no sense (batch size 0, a pipeline that does not [validate](Pipeline::validate), `drop_last`
    /// with fewer samples than one batch) are reported by the first batch of each epoch.
    pub fn new(split: Split, pipeline: Pipeline, options: LoaderOptions, device: &Device) -> Self {
        Self {
            split,
            pipeline: Arc::new(pipeline),
            options,
            device: device.clone(),
            skipped: Arc::default(),
            waited: Arc::default(),
            device_cache: Arc::default(),
        }
    }

    /// The batches of `epoch` from its batch `first` on (both from 0), on this loader's device; none are left from
    /// `first = num_batches()` on.
    pub fn epoch(&self, epoch: usize, first: usize) -> Epoch<'_> {
        Epoch::new(self, epoch, first, Some(&self.device))
    }

    /// As [`epoch`](Self::epoch), every batch divided over `devices`; see [`ShardedEpoch`].
    pub fn epoch_on<'a>(
        &'a self,
        epoch: usize,
        first: usize,
        devices: &'a [Device],
    ) -> ShardedEpoch<'a> {
        ShardedEpoch::new(self, epoch, first, devices)
    }

    /// Samples per epoch, without those of an incomplete batch that is left out.
    pub fn num_items(&self) -> usize {
        self.split
            .len()
            .min(self.num_batches() * self.options.batch_size)
    }

    /// Batches per epoch.
    pub fn num_batches(&self) -> usize {
        let size = self.options.batch_size;
        match (size, self.options.drop_last) {
            (0, _) => 0,
            (_, true) => self.split.len() / size,
            (_, false) => self.split.len().div_ceil(size),
        }
    }

    /// One message for each sample skipped so far, in the order of the split; a sample skipped in every epoch counts
    /// once.
    pub fn skipped(&self) -> Vec<String> {
        locked(&self.skipped).values().cloned().collect()
    }

    /// How long callers have waited for a batch, or made it themselves, since this was last asked; the way to the device not
    /// counted.
    pub fn take_wait_time(&self) -> Duration {
        std::mem::take(&mut *locked(&self.waited))
    }

    /// Why no batch can be made, where that is known beforehand.
    pub(crate) fn refusal(&self) -> Option<LoadError> {
        let LoaderOptions {
            batch_size,
            drop_last,
            ..
        } = self.options;
        if batch_size == 0 {
            return Some(LoadError::BatchSize);
        }
        if drop_last && self.num_batches() == 0 && self.split.len() > 0 {
            return Some(LoadError::TooFew {
                samples: self.split.len(),
                batch_size,
            });
        }
        if let Some(refusal) = self.options.sampler.refusal(self.split.len()) {
            return Some(refusal);
        }
        self.pipeline.validate().err().map(LoadError::Pipeline)
    }

    fn in_bytes(&self) -> bool {
        self.options.transfer != Transfer::Values
            && self.pipeline.ends_in_bytes()
            && self.device.supports_dtype(DType::U8)
    }

    /// Brings the split to its device where it is to lie there, as the first epoch would: what is left of the device's memory is
    /// known then.
    pub fn preload(&self) {
        self.device_cache(&self.device);
    }

    /// The split on `device`, where it may lie there.
    pub(crate) fn device_cache(&self, device: &Device) -> Option<Arc<DeviceCache>> {
        let Transfer::CacheOnDevice { limit } = self.options.transfer else {
            return None;
        };
        let read = || {
            let moves = GpuAugment::of(self.pipeline.augment.as_ref())?;
            if needed(self.split.len(), self.pipeline.input_len()) as u64 > limit {
                return None;
            }
            let workers = self.options.workers;
            let kept = DeviceCache::read(&self.split, &self.pipeline, moves, workers, device)?;
            Some(Arc::new(kept))
        };
        let kept = self.device_cache.get_or_init(read).clone()?;
        (kept.device() == *device).then_some(kept)
    }

    /// How many batches fit into what is given for them.
    pub(crate) fn ahead(&self) -> usize {
        let value = if self.in_bytes() { 1 } else { size_of::<f32>() };
        let batch = self.options.batch_size * self.pipeline.input_len() * value;
        (self.options.prefetch / batch.max(1)).max(1)
    }

    /// The samples of every batch of `epoch`.
    pub(crate) fn job(&self, epoch: usize) -> Job {
        let seed = self.options.shuffle;
        let order = match seed {
            Some(seed) => self.options.sampler.of(seed, epoch, self.split.len()),
            None => (0..self.split.len()).collect(),
        };
        Job {
            split: self.split.clone(),
            pipeline: self.pipeline.clone(),
            in_bytes: self.in_bytes(),
            order,
            repeats: seed.is_some() && matches!(self.options.sampler, Sampler::Weighted(_)),
            batch_size: self.options.batch_size,
            batches: self.num_batches(),
            seed: seed.unwrap_or(0),
            epoch,
            on_bad: self.options.on_bad,
        }
    }
}

/// The content of a mutex, also after a panic elsewhere: every value behind one here is valid at any moment.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
