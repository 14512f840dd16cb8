//! An epoch of a loader: batches in order, on one device or divided over several.

use std::sync::Arc;
use std::time::Instant;

use burn::data::dataset::DatasetError;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use super::device_cache::DeviceCache;
use super::prefetch::{EpochPlan, HostBatch, Images, Prefetch};
use super::{Loader, locked};
use crate::error::LoadError;
use crate::sample::Batch;

/// The batches of one epoch, or the rest of them.
pub struct Epoch<'a> {
    loader: &'a Loader,
    plan: Arc<EpochPlan>,
    /// Worker threads, if any.
    prefetch: Option<Prefetch>,
    device_cache: Option<Arc<DeviceCache>>,
    /// Number of the next batch.
    next: usize,
    /// Whether it starts at batch 0; otherwise the batches before may have had the good samples.
    is_whole: bool,
    /// Samples given and skipped so far.
    given: usize,
    bad: usize,
    /// Invalid settings, reported in place of the first batch.
    invalid: Option<LoadError>,
    failed: bool,
}

impl<'a> Epoch<'a> {
    /// `epoch` of `loader` from batch `first` on; `device` is the only one that it goes to, if it is one.
    pub(super) fn new(
        loader: &'a Loader,
        epoch: usize,
        first: usize,
        device: Option<&Device>,
    ) -> Self {
        let invalid = loader.validate().err();
        let mut next = first.min(loader.num_batches());
        let mut workers = loader.options.workers;
        let mut device_cache = None;
        if invalid.is_some() {
            (next, workers) = (loader.num_batches(), 0);
        } else if let Some(device) = device {
            let start = Instant::now();
            device_cache = loader.device_cache(device);
            *locked(&loader.wait_time) += start.elapsed();
        }
        if device_cache.is_some() {
            workers = 0;
        }
        let plan = Arc::new(loader.plan(epoch));
        let prefetch =
            (workers > 0).then(|| Prefetch::start(plan.clone(), next, workers, loader.ahead()));
        Self {
            loader,
            plan,
            prefetch,
            device_cache,
            next,
            is_whole: next == 0,
            given: 0,
            bad: 0,
            invalid,
            failed: false,
        }
    }

    /// Samples of the epoch that are done, those of the batches before it included.
    pub fn items_done(&self) -> usize {
        (self.next * self.plan.batch_size).min(self.loader.num_items())
    }

    fn fail(&mut self, error: LoadError) -> Option<Result<HostBatch, DatasetError>> {
        self.failed = true;
        self.prefetch = None;
        Some(Err(DatasetError::new(error)))
    }

    fn upload(&self, batch: HostBatch, device: &Device) -> Batch {
        let [height, width] = self.plan.pipeline.geometry.size;
        let channels = self.plan.pipeline.geometry.channels;
        let shape = [batch.labels.len(), channels, height, width];
        let images = match batch.images {
            Images::Values(values) => Tensor::from_data(TensorData::new(values, shape), device),
            Images::Bytes(bytes) => {
                let bytes = TensorData::new(bytes, shape);
                let bytes = Tensor::<4, Int>::from_data(bytes, (device, DType::U8));
                self.plan.pipeline.normalize.on_device(bytes.float())
            }
        };
        let labels = TensorData::new(batch.labels, [shape[0]]);
        Batch {
            images,
            labels: Tensor::<1, Int>::from_data(labels, device),
            indices: batch.indices,
        }
    }

    /// The next batch, on `device`.
    fn next_on(&mut self, device: &Device) -> Option<Result<Batch, DatasetError>> {
        if let Some(cache) = &self.device_cache {
            if self.next == self.plan.batches {
                return None;
            }
            let batch = cache.batch(&self.plan, self.next);
            self.next += 1;
            return Some(Ok(batch));
        }
        let batch = self.next_on_host()?;
        Some(batch.map(|batch| self.upload(batch, device)))
    }

    /// The next batch of which a sample is left, in main memory.
    fn next_on_host(&mut self) -> Option<Result<HostBatch, DatasetError>> {
        if let Some(error) = self.invalid.take() {
            return self.fail(error);
        }
        while !self.failed && self.next < self.plan.batches {
            let start = Instant::now();
            let loaded = match &self.prefetch {
                Some(prefetch) => prefetch.take(self.next),
                None => self.plan.load(self.next, || false),
            };
            *locked(&self.loader.wait_time) += start.elapsed();
            let batch = match loaded {
                Ok(batch) => batch,
                Err(error) => return self.fail(error),
            };
            self.next += 1;
            self.given += batch.labels.len();
            self.bad += batch.bad.len();
            if !batch.bad.is_empty() {
                locked(&self.loader.skipped).extend(batch.bad.iter().cloned());
            }
            if !batch.labels.is_empty() {
                return Some(Ok(batch));
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

impl Iterator for Epoch<'_> {
    type Item = Result<Batch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_on(&self.loader.device)
    }
}

/// One epoch, every batch divided over devices in the order of its images, as evenly as possible.
///
/// The sub-batches are in the order of the devices; if a batch has fewer images than there are devices, the last ones get
/// none.
pub struct ShardedEpoch<'a> {
    epoch: Epoch<'a>,
    devices: &'a [Device],
}

impl<'a> ShardedEpoch<'a> {
    pub(super) fn new(
        loader: &'a Loader,
        epoch: usize,
        first: usize,
        devices: &'a [Device],
    ) -> Self {
        let only = devices.first().filter(|_| devices.len() == 1);
        Self {
            epoch: Epoch::new(loader, epoch, first, only),
            devices,
        }
    }

    /// Samples of the epoch that are done, those of the batches before it included.
    pub fn items_done(&self) -> usize {
        self.epoch.items_done()
    }

    fn divide(&self, mut batch: HostBatch) -> Vec<Batch> {
        let images = batch.labels.len();
        let (each, more) = (images / self.devices.len(), images % self.devices.len());
        let values = self.epoch.plan.pipeline.input_len();
        let mut parts = Vec::with_capacity(self.devices.len());
        for (number, device) in self.devices.iter().enumerate() {
            let count = each + usize::from(number < more);
            if count == 0 {
                break;
            }
            let rest = HostBatch {
                images: batch.images.split_off(count * values),
                labels: batch.labels.split_off(count),
                indices: batch.indices.split_off(count),
                bad: Vec::new(),
            };
            parts.push(self.epoch.upload(batch, device));
            batch = rest;
        }
        parts
    }
}

impl Iterator for ShardedEpoch<'_> {
    type Item = Result<Vec<Batch>, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let [device] = self.devices {
            let batch = self.epoch.next_on(device)?;
            return Some(batch.map(|batch| vec![batch]));
        }
        let batch = self.epoch.next_on_host()?;
        Some(batch.map(|batch| self.divide(batch)))
    }
}
