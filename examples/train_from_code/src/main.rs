//! Trains LeNet-5 on drawn digits from code: no run file, nothing to download.
//!
//! `cargo run --release --manifest-path examples/Cargo.toml -p train_from_code -- runs/from-code`

use std::error::Error;

use burn::tensor::Device;
use burn_zoo_datasets::{DatasetName, OpenOptions, open};
use burn_zoo_lenet::{LeNetConfig, Variant};
use burn_zoo_trainer::{
    EpochRecord, Observer, OptimizerSection, Outcome, RunFile, TrainRequest, train,
};

/// One line per epoch.
struct Lines;

impl Observer for Lines {
    fn epoch(&mut self, record: &EpochRecord, epochs: usize) {
        println!(
            "epoch {}/{epochs}: top-1 {:.2} %",
            record.epoch, record.valid.top1
        );
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let out = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "runs/from-code".into());
    let optimizer = OptimizerSection::Sgd {
        lr: 0.02,
        momentum: 0.9,
        nesterov: false,
        weight_decay: 1e-4,
    };
    let mut run = RunFile::new("lenet5_modern", "glyphs", optimizer, 2);
    run.data.fit = burn_zoo_trainer::FitMode::Pad; // 28×28 to the network's 32×32
    let data = open(
        DatasetName::Glyphs,
        &OpenOptions {
            train_size: Some(2000),
            valid_size: Some(500),
            ..OpenOptions::default()
        },
    )?;
    let model = |device: &Device| LeNetConfig::new(Variant::Modern).init(device);
    let mut request = TrainRequest::new(run, model, [32, 32], data, Device::flex(), out.into());
    request.observer = Box::new(Lines);
    match train(request)? {
        Outcome::Finished(summary) => println!(
            "{:.2} % top-1 in {:.0} s",
            summary.valid.top1, summary.seconds
        ),
        Outcome::Interrupted { epochs, .. } => println!("stopped after {epochs} epochs"),
    }
    Ok(())
}
