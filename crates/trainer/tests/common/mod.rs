//! A tiny network and a tiny data set, so that a whole training takes a second.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::data::dataset::{Dataset, DatasetError};
use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear, LinearConfig};
use burn::store::ModuleRecord;
use burn::tensor::{Device, Tensor};
use burn::train::Interrupter;
use burn_zoo_blocks::{Classifier, conv2d_bn_relu};
use burn_zoo_data::{DatasetInfo, Image, ImageData, Sample, Split};
use burn_zoo_trainer::{
    EpochRecord, Existing, Machine, Observer, Outcome, Phase, RunFile, Silent, StepReport,
    TrainRequest, train,
};

/// A backend's generator is one for the whole process: tests that train take turns.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Convolution, batch norm, pooling, dropout, linear: everything with state or chance in it.
#[derive(Module, Debug)]
pub(crate) struct TinyNet {
    conv: Conv2d,
    norm: BatchNorm,
    pool: AdaptiveAvgPool2d,
    dropout: Dropout,
    head: Linear,
}

pub(crate) fn tiny_net(classes: usize, device: &Device) -> TinyNet {
    TinyNet {
        conv: Conv2dConfig::new([1, 4], [3, 3]).init(device),
        norm: BatchNormConfig::new(4).init(device),
        pool: AdaptiveAvgPool2dConfig::new([2, 2]).init(),
        dropout: DropoutConfig::new(0.2).init(),
        head: LinearConfig::new(16, classes).init(device),
    }
}

impl Classifier for TinyNet {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.head.forward(self.dropout.forward(self.embed(images)))
    }

    fn embed(&self, images: Tensor<4>) -> Tensor<2> {
        let maps = conv2d_bn_relu(&self.conv, Some(&self.norm), images);
        self.pool.forward(maps).flatten(1, 3)
    }

    fn num_classes(&self) -> usize {
        self.head.weight.dims()[1]
    }

    fn with_head(mut self, num_classes: usize, device: &Device) -> Self {
        self.head = LinearConfig::new(16, num_classes).init(device);
        self
    }
}

/// 8×8 grey images of three classes, told apart by which half is bright.
pub(crate) struct Halves {
    pub(crate) len: usize,
    /// Index of a sample that cannot be read.
    pub(crate) bad: Option<usize>,
}

impl Dataset<Sample> for Halves {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        if self.bad == Some(index) {
            return Err(DatasetError::new(std::io::Error::other(
                "cat/0007.png: cut short",
            )));
        }
        let label = index % 3;
        let noise = |at: usize| ((index * 7919 + at * 104_729) % 101) as u8;
        let pixels = (0..64).map(|at| {
            let bright = match label {
                0 => at < 32,
                1 => at % 8 < 4,
                _ => (at / 8 + at) % 2 == 0,
            };
            noise(at) + if bright { 120 } else { 0 }
        });
        let image = Image {
            height: 8,
            width: 8,
            channels: 1,
            pixels: pixels.collect(),
        };
        Ok(Sample {
            image: image.into(),
            label,
        })
    }

    fn len(&self) -> usize {
        self.len
    }
}

pub(crate) fn halves(bad: Option<usize>) -> ImageData {
    let split = |len, bad| -> Split { Arc::new(Halves { len, bad }) };
    ImageData {
        train: split(50, bad),
        valid: split(31, None),
        labels: (0..50).map(|index| index % 3).collect(),
        shards: None,
        info: DatasetInfo {
            name: "halves".into(),
            classes: ["top", "left", "checks"].map(String::from).to_vec(),
            channels: 1,
            size: Some([8, 8]),
            mean: vec![0.4],
            std: vec![0.3],
        },
    }
}

pub(crate) const RUN: &str = r#"
seed = 7
[model]
arch = "tiny"
[data]
name = "halves"
batch_size = 8
workers = 1
[augment]
crop = "pad"
pad = 1
flip = true
[optimizer]
kind = "sgd"
lr = 0.05
momentum = 0.9
weight_decay = 1e-3
[schedule]
kind = "cosine"
warmup_epochs = 0.5
[train]
epochs = 3
"#;

pub(crate) fn run_file(folder: &Path, overrides: &[&str]) -> RunFile {
    let path = folder.join("run.toml");
    std::fs::write(&path, RUN).unwrap();
    let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
    RunFile::load(&path, &overrides).unwrap()
}

pub(crate) fn job(
    run: &RunFile,
    out: PathBuf,
    existing: Existing,
    observer: impl Observer + 'static,
) -> TrainRequest<TinyNet> {
    let device = Device::flex();
    TrainRequest {
        device_cache_bytes: 0,
        run: run.clone(),
        model: Box::new(|device| tiny_net(3, device)),
        metadata: Vec::new(),
        input_size: [8, 8],
        data: halves(None),
        device,
        more_devices: Vec::new(),
        machine: Machine::default(),
        out,
        existing,
        observer: Box::new(observer),
        interrupter: Interrupter::new(),
    }
}

/// Stops the run when a phase of an epoch reaches a batch, and remembers what it was told.
#[derive(Clone)]
pub(crate) struct StopAt {
    pub(crate) interrupter: Interrupter,
    pub(crate) at: (Phase, usize, usize),
    pub(crate) notes: Arc<Mutex<Vec<String>>>,
}

impl Observer for StopAt {
    fn step(&mut self, report: &StepReport) {
        if (report.phase, report.epoch, report.batch) == self.at {
            self.interrupter.stop(Some("the test says so"));
        }
    }

    fn note(&mut self, message: &str) {
        self.notes.lock().unwrap().push(message.to_string());
    }
}

/// Collects notes.
#[derive(Clone, Default)]
pub(crate) struct Notes(pub(crate) Arc<Mutex<Vec<String>>>);

impl Observer for Notes {
    fn note(&mut self, message: &str) {
        self.0.lock().unwrap().push(message.to_string());
    }
}

/// The lines of `metrics.jsonl`, without the figures that time gives.
pub(crate) fn metrics(out: &Path) -> Vec<EpochRecord> {
    let text = std::fs::read_to_string(out.join("metrics.jsonl")).unwrap();
    text.lines()
        .map(|line| {
            let record: EpochRecord = serde_json::from_str(line).unwrap();
            EpochRecord {
                images_per_second: 0.0,
                data_wait: 0.0,
                seconds: 0.0,
                ..record
            }
        })
        .collect()
}

/// Trains to the end; gives the metrics.
pub(crate) fn finish(
    folder: &Path,
    out: &str,
    existing: Existing,
    overrides: &[&str],
) -> Vec<EpochRecord> {
    let run = run_file(folder, overrides);
    let outcome = train(job(&run, folder.join(out), existing, Silent)).unwrap();
    assert!(matches!(outcome, Outcome::Finished(_)), "{outcome:?}");
    metrics(&folder.join(out))
}

/// Trains until `at`.
pub(crate) fn stop(folder: &Path, out: &str, at: (Phase, usize, usize), overrides: &[&str]) {
    let run = run_file(folder, overrides);
    let mut job = job(&run, folder.join(out), Existing::Refuse, Silent);
    job.observer = Box::new(StopAt {
        interrupter: job.interrupter.clone(),
        at,
        notes: Default::default(),
    });
    let outcome = train(job).unwrap();
    assert!(
        matches!(outcome, Outcome::Interrupted { .. }),
        "{at:?}: {outcome:?}"
    );
}

/// Shapes and values of the tensors of a [`TinyNet`], in its order, without their random identifiers.
pub(crate) fn tensors(record: ModuleRecord) -> Vec<(Vec<usize>, Vec<f32>)> {
    struct Values(Vec<(Vec<usize>, Vec<f32>)>);
    impl ModuleVisitor for Values {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let data = param.val().into_data();
            self.0
                .push((data.shape().to_vec(), data.try_to_vec().unwrap()));
        }
    }
    let net = tiny_net(3, &Device::flex())
        .try_load_record(record)
        .unwrap();
    let mut values = Values(Vec::new());
    net.visit(&mut values);
    values.0
}
