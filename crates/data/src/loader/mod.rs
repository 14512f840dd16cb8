//! Batches of a split, in an order that depends on the seed and the epoch alone.
//!
//! Which samples make a batch, and how they are augmented, is fixed by `(seed, epoch, index)` before any worker starts;
//! workers only race to produce what is already decided. So the number of workers changes the speed and nothing else, and
//! an epoch can be resumed in its middle.

mod device_cache;
mod epoch;
mod prefetch;
mod sampler;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use burn::tensor::{DType, Device};
use serde::{Deserialize, Serialize};

use self::device_cache::{DeviceCache, bytes_on_device};
pub use self::epoch::{Epoch, ShardedEpoch};
use self::prefetch::EpochPlan;
pub use self::sampler::Sampler;
use crate::error::LoadError;
use crate::sample::Split;
use crate::transforms::GpuAugment;
use crate::transforms::pipeline::Pipeline;

/// What to do with a sample that cannot be loaded; `data.on_bad` of a run file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBad {
    /// Stop with its name.
    #[default]
    Refuse,
    /// Leave it out, name it and count it; see [`Loader::skipped`].
    Skip,
}

/// How images are transferred to their device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// As f32 values that the workers normalise: for a device that computes in main memory, where nothing is copied.
    Values,
    /// As bytes that the device normalises, a quarter of the traffic; as [`Values`](Self::Values) if the device has no
    /// bytes or augmentation changes images after normalisation.
    Bytes,
    /// The whole split once, as bytes, if it takes at most `limit` bytes, is loaded to one device, and is augmented by
    /// shifts, flips and cutouts at most: the device then makes the same batches itself. Otherwise, and if an image cannot
    /// be read, as [`Bytes`](Self::Bytes).
    CacheOnDevice {
        /// Bytes that a split may take.
        limit: u64,
    },
}

/// How a split is divided into batches and loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct LoaderOptions {
    /// Samples per batch, at least 1.
    pub batch_size: usize,
    /// Seed of the order and of the augmentations; `None` for the order of the split.
    pub shuffle: Option<u64>,
    /// With `shuffle`: the kind of order.
    pub sampler: Sampler,
    /// Whether an incomplete last batch is left out.
    pub drop_last: bool,
    /// Threads that load; 0 loads in the thread that asks.
    pub workers: usize,
    /// Bytes of the batches that may be finished or in the making ahead of the one asked for; at least one batch is.
    pub prefetch: usize,
    /// What to do with a sample that cannot be loaded.
    pub on_bad: OnBad,
    /// How images are transferred to the device.
    pub transfer: Transfer,
}

impl Default for LoaderOptions {
    /// Batches of 1 in the order of the split, two workers, 256 MiB ahead, bad samples refused, f32 values.
    fn default() -> Self {
        Self {
            batch_size: 1,
            shuffle: None,
            sampler: Sampler::Uniform,
            drop_last: false,
            workers: 2,
            prefetch: 256 << 20,
            on_bad: OnBad::Refuse,
            transfer: Transfer::Values,
        }
    }
}

/// A data loader of one split. Clones share the skipped samples and the split's cache on the device.
///
/// [`epoch`](Self::epoch) starts any epoch at any batch; the loader itself has no position.
#[derive(Clone)]
pub struct Loader {
    split: Split,
    pipeline: Arc<Pipeline>,
    options: LoaderOptions,
    device: Device,
    /// Message of each skipped sample, by its index.
    skipped: Arc<Mutex<BTreeMap<usize, String>>>,
    wait_time: Arc<Mutex<Duration>>,
    /// `None` inside if the split cannot be cached.
    device_cache: Arc<OnceLock<Option<Arc<DeviceCache>>>>,
}

impl Loader {
    /// A loader of `split` onto `device`.
    ///
    /// Invalid settings (batch size 0, a pipeline that does not [validate](Pipeline::validate), `drop_last` with fewer samples
    /// than one batch) are reported by the first batch of each epoch.
    pub fn new(split: Split, pipeline: Pipeline, options: LoaderOptions, device: &Device) -> Self {
        Self {
            split,
            pipeline: Arc::new(pipeline),
            options,
            device: device.clone(),
            skipped: Arc::default(),
            wait_time: Arc::default(),
            device_cache: Arc::default(),
        }
    }

    /// The batches of `epoch` from its batch `first` on (both from 0), on this loader's device; none from
    /// `first = num_batches()` on.
    pub fn epoch(&self, epoch: usize, first: usize) -> Epoch<'_> {
        Epoch::new(self, epoch, first, Some(&self.device))
    }

    /// As [`epoch`](Self::epoch), with every batch divided over `devices`; see [`ShardedEpoch`].
    pub fn epoch_on<'a>(
        &'a self,
        epoch: usize,
        first: usize,
        devices: &'a [Device],
    ) -> ShardedEpoch<'a> {
        ShardedEpoch::new(self, epoch, first, devices)
    }

    /// Samples per epoch, without those of a dropped last batch.
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

    /// One message for each sample skipped so far, in the order of the split, once for all epochs.
    pub fn skipped(&self) -> Vec<String> {
        locked(&self.skipped).values().cloned().collect()
    }

    /// How long callers have waited for batches, or made them themselves, since the last call; the transfer to the device is
    /// not counted.
    pub fn take_wait_time(&self) -> Duration {
        std::mem::take(&mut *locked(&self.wait_time))
    }

    /// Why no batch can be made, if that is known beforehand.
    fn validate(&self) -> Result<(), LoadError> {
        let (samples, batch_size) = (self.split.len(), self.options.batch_size);
        if batch_size == 0 {
            return Err(LoadError::BatchSize);
        }
        if self.options.drop_last && (1..batch_size).contains(&samples) {
            return Err(LoadError::TooFew {
                samples,
                batch_size,
            });
        }
        self.options.sampler.validate(samples)?;
        Ok(self.pipeline.validate()?)
    }

    fn in_bytes(&self) -> bool {
        self.options.transfer != Transfer::Values
            && self.pipeline.ends_in_bytes()
            && self.device.supports_dtype(DType::U8)
    }

    /// Caches the split on its device now, if it is to be cached, and not in the first epoch: the rest of the device's memory
    /// is then known.
    pub fn preload(&self) {
        self.device_cache(&self.device);
    }

    /// The split on `device`, if it may be cached there.
    fn device_cache(&self, device: &Device) -> Option<Arc<DeviceCache>> {
        let Transfer::CacheOnDevice { limit } = self.options.transfer else {
            return None;
        };
        let read = || {
            let augment = GpuAugment::of(self.pipeline.augment.as_ref())?;
            if bytes_on_device(self.split.len(), self.pipeline.input_len()) as u64 > limit {
                return None;
            }
            let workers = self.options.workers;
            let cache = DeviceCache::read(&self.split, &self.pipeline, augment, workers, device)?;
            Some(Arc::new(cache))
        };
        let cache = self.device_cache.get_or_init(read).clone()?;
        (cache.device() == *device).then_some(cache)
    }

    /// How many batches may be ahead.
    fn ahead(&self) -> usize {
        let value = if self.in_bytes() { 1 } else { size_of::<f32>() };
        let batch = self.options.batch_size * self.pipeline.input_len() * value;
        (self.options.prefetch / batch.max(1)).max(1)
    }

    fn plan(&self, epoch: usize) -> EpochPlan {
        let seed = self.options.shuffle;
        let samples = self.split.len();
        let order = match seed {
            Some(seed) => self.options.sampler.order(seed, epoch, samples),
            None => (0..samples).collect(),
        };
        EpochPlan {
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

/// Locks a mutex, also after a panic elsewhere: every value behind one in this crate is valid at any moment.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
