//! The Rust half of `xtask/parity/curve.py`: trains as a run file says and writes down all that PyTorch needs to do
//! the same.
//!
//! `curve RUN_FILE FOLDER [KEY=VALUE]…` trains in `FOLDER/run` and writes into FOLDER
//! - `train.u8` and `valid.u8`: the images as the data set has them, `[n, 3, 32, 32]`;
//! - `curve.json`: their labels, mean and standard deviation, the order of the training images in every epoch, the loss
//!   of every step (the run file has to ask for a checkpoint after each: the loss is read then) and the top-1 of every
//!   epoch.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use burn::tensor::Device;
use burn::train::Interrupter;
use burn_zoo::data::{Sample, Split, epoch_order};
use burn_zoo::datasets::OpenOptions;
use burn_zoo::trainer::{
    EpochRecord, Existing, Machine, Observer, Outcome, Phase, RunFile, StepReport, TrainRequest,
    train,
};
use burn_zoo::{config_for, fine_tuned, model_info, open_data};
use serde_json::json;

/// What the run did.
#[derive(Default)]
struct Curve {
    losses: Vec<f32>,
    top1: Vec<f64>,
}

struct Follow(Arc<Mutex<Curve>>);

impl Observer for Follow {
    fn step(&mut self, report: &StepReport) {
        if let (Phase::Train, Some(loss)) = (report.phase, report.loss) {
            self.0.lock().expect("one thread").losses.push(loss);
        }
    }

    fn epoch(&mut self, record: &EpochRecord, epochs: usize) {
        eprintln!(
            "epoch {}/{epochs}: {:.2} %",
            record.epoch, record.valid.top1
        );
        self.0
            .lock()
            .expect("one thread")
            .top1
            .push(record.valid.top1);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, folder, overrides @ ..] = arguments.as_slice() else {
        return Err("usage: curve RUN_FILE FOLDER [KEY=VALUE]…".into());
    };
    let folder = Path::new(folder);
    let run = RunFile::load(Path::new(file), overrides)?;
    let options = OpenOptions {
        train_size: run.data.train_size,
        valid_size: run.data.valid_size,
        seed: run.seed,
        ..OpenOptions::default()
    };
    let data = open_data(&run.data.name, &options)?;
    let device = Device::flex();
    let [_, height, width] = model_info(&run.model.arch)?.input;
    let weights = run.model.weights.as_deref();
    let started = match weights {
        Some(weights) => Some(fine_tuned(&run, &data.info, weights, &device)?),
        None => None,
    };
    let config = config_for(&run, &data.info)?;
    let train_labels = write(&data.train, &folder.join("train.u8"))?;
    let valid_labels = write(&data.valid, &folder.join("valid.u8"))?;
    let curve = Arc::new(Mutex::new(Curve::default()));
    let outcome = train(TrainRequest {
        device_cache_bytes: 0,
        run: run.clone(),
        model: Box::new(move |device| started.unwrap_or_else(|| config.init(device))),
        metadata: Vec::new(),
        input_size: [height, width],
        data: data.clone(),
        device,
        more_devices: Vec::new(),
        machine: Machine::default(),
        out: folder.join("run"),
        existing: Existing::Overwrite,
        observer: Box::new(Follow(curve.clone())),
        interrupter: Interrupter::new(),
    })?;
    let Outcome::Finished(summary) = outcome else {
        return Err("the run was stopped".into());
    };
    let curve = curve.lock().expect("the run is over");
    let orders =
        (0..run.train.epochs).map(|epoch| epoch_order(run.seed, epoch, train_labels.len()));
    let document = json!({
        "train_labels": train_labels,
        "valid_labels": valid_labels,
        "mean": data.info.mean,
        "std": data.info.std,
        "orders": orders.collect::<Vec<_>>(),
        "losses": curve.losses,
        "top1": curve.top1,
        "images_per_second": summary.images_per_second,
    });
    fs::write(folder.join("curve.json"), document.to_string())?;
    Ok(())
}

/// Writes the images of a split, channel planes one after the other; gives their labels.
fn write(split: &Split, path: &Path) -> Result<Vec<usize>, Box<dyn Error>> {
    let (mut bytes, mut labels) = (Vec::new(), Vec::new());
    for index in 0..split.len() {
        let Sample { image, label } = split.get(index)?;
        let image = image.decode()?;
        for channel in 0..image.channels {
            bytes.extend(image.pixels[channel..].iter().step_by(image.channels));
        }
        labels.push(label);
    }
    fs::write(path, bytes)?;
    Ok(labels)
}
