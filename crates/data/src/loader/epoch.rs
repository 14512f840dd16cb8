//! An epoch of a loader: batches in their order, brought to one device or divided over several.

use std::sync::Arc;
use std::time::Instant;

use burn::data::dataset::DatasetError;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::loader::device_cache::DeviceCache;
use crate::loader::prefetch::{HostBatch, Images, Job, LoadError, Prefetch};
use crate::loader::{Loader, locked};
use crate::sample::Batch;

/// The batches of one epoch, or what is left of it.
pub struct Epoch<'a> {
    loader: &'a Loader,
    job: Arc<Job>,
    prefetch: Option<Prefetch>,
    /// The images, where they lie on the device.
    device_cache: Option<Arc<DeviceCache>>,
    next: usize,
    /// Whether the epoch begins here; else the part before may have had what this one lacks.
    is_whole: bool,
    /// Samples given and skipped so far.
    given: usize,
    bad: usize,
    refusal: Option<LoadError>,
    failed: bool,
}

impl<'a> Epoch<'a> {
    /// `epoch` of `loader` from `batch` on; `device` is the one that it goes to, if it is one alone.
    pub(crate) fn new(
        loader: &'a Loader,
        epoch: usize,
        batch: usize,
        device: Option<&Device>,
    ) -> Self {
        let refusal = loader.refusal();
        let start = Instant::now();
        let device_cache = match refusal {
            Some(_) => None,
            None => device.and_then(|device| loader.device_cache(device)),
        };
        *locked(&loader.waited) += start.elapsed();
        let (first, workers) = match (&refusal, &device_cache) {
            (Some(_), _) => (loader.num_batches(), 0),
            (None, Some(_)) => (batch.min(loader.num_batches()), 0),
            (None, None) => (batch.min(loader.num_batches()), loader.options.workers),
        };
        let job = Arc::new(loader.job(epoch));
        let start = || Prefetch::start(job.clone(), first, workers, loader.ahead());
        let prefetch = (workers > 0).then(start);
        Self {
            loader,
            job,
            prefetch,
            device_cache,
            next: first,
            is_whole: first == 0,
            given: 0,
            bad: 0,
            refusal,
            failed: false,
        }
    }

    /// Samples of the epoch that are done, those of the batches before it included.
    pub fn items_done(&self) -> usize {
        (self.next * self.job.batch_size).min(self.loader.num_items())
    }

    fn raw(&mut self) -> Result<HostBatch, LoadError> {
        let start = Instant::now();
        let raw = match &self.prefetch {
            Some(prefetch) => prefetch.take(self.next),
            None => self.job.load(self.next, || false),
        };
        *locked(&self.loader.waited) += start.elapsed();
        raw
    }

    fn fail(&mut self, error: LoadError) -> Option<Result<HostBatch, DatasetError>> {
        self.failed = true;
        self.prefetch = None;
        Some(Err(DatasetError::new(error)))
    }

    fn upload(&self, raw: HostBatch, device: &Device) -> Batch {
        let [height, width] = self.job.pipeline.geometry.size;
        let shape = [
            raw.labels.len(),
            self.job.pipeline.geometry.channels,
            height,
            width,
        ];
        let labels = TensorData::new(raw.labels, [shape[0]]);
        let images = match raw.images {
            Images::Values(values) => Tensor::from_data(TensorData::new(values, shape), device),
            Images::Bytes(bytes) => {
                let bytes = TensorData::new(bytes, shape);
                let bytes = Tensor::<4, Int>::from_data(bytes, (device, DType::U8));
                self.job.pipeline.normalize.on_device(bytes.float())
            }
        };
        Batch {
            images,
            labels: Tensor::<1, Int>::from_data(labels, device),
            indices: raw.indices,
        }
    }

    /// The next batch, on `device`.
    fn next_on(&mut self, device: &Device) -> Option<Result<Batch, DatasetError>> {
        if let Some(kept) = &self.device_cache {
            if self.next == self.job.batches {
                return None;
            }
            let batch = kept.batch(&self.job, self.next);
            self.next += 1;
            return Some(Ok(batch));
        }
        let raw = self.next_raw()?;
        Some(raw.map(|raw| self.upload(raw, device)))
    }

    fn next_raw(&mut self) -> Option<Result<HostBatch, DatasetError>> {
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

impl Iterator for Epoch<'_> {
    type Item = Result<Batch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_on(&self.loader.device)
    }
}

/// One epoch, every batch divided over devices in the order of its images, as evenly as possible.
///
/// The sub-batches come in the order of the devices; where a batch has fewer images than there are devices, the last ones
/// get none.
pub struct ShardedEpoch<'a> {
    batches: Epoch<'a>,
    devices: &'a [Device],
}

impl<'a> ShardedEpoch<'a> {
    pub(crate) fn new(
        loader: &'a Loader,
        epoch: usize,
        batch: usize,
        devices: &'a [Device],
    ) -> Self {
        let only = devices.first().filter(|_| devices.len() == 1);
        Self {
            batches: Epoch::new(loader, epoch, batch, only),
            devices,
        }
    }

    /// Samples of the epoch that are done.
    pub fn items_done(&self) -> usize {
        self.batches.items_done()
    }

    fn divide(&self, mut raw: HostBatch) -> Vec<Batch> {
        let images = raw.labels.len();
        let (each, more) = (images / self.devices.len(), images % self.devices.len());
        let values = raw.images.len() / images;
        let mut parts = Vec::with_capacity(self.devices.len());
        for (place, device) in self.devices.iter().enumerate() {
            let count = each + usize::from(place < more);
            if count == 0 {
                break;
            }
            let rest = HostBatch {
                images: raw.images.split_off(count * values),
                labels: raw.labels.split_off(count),
                indices: raw.indices.split_off(count),
                bad: Vec::new(),
            };
            parts.push(self.batches.upload(raw, device));
            raw = rest;
        }
        parts
    }
}

impl Iterator for ShardedEpoch<'_> {
    type Item = Result<Vec<Batch>, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let [device] = self.devices {
            let batch = self.batches.next_on(device)?;
            return Some(batch.map(|batch| vec![batch]));
        }
        let raw = self.batches.next_raw()?;
        Some(raw.map(|raw| self.divide(raw)))
    }
}
