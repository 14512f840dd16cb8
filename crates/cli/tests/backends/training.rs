//! A short training of LeNet-5 on glyphs through the real `zoo`, beside the same training on Flex.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use burn::tensor::Device;
use burn_zoo::{ModelCard, ModelOptions};
use libtest_mimic::Failed;
use serde_json::Value;

use crate::backend::Backend;

/// 30 steps with as many validations as epochs; no batch is incomplete.
const RUN: &str = r#"
[model]
arch = "lenet5"
weights = "start.bpk"

[data]
name = "glyphs"
train_size = 320
valid_size = 64
batch_size = 32
workers = 1

[optimizer]
kind = "adamw"
lr = 0.003
weight_decay = 0.0

[train]
epochs = 3
"#;

/// How far an epoch's mean loss may be from Flex's, as a part of it. Roundings grow from step to step.
const TOLERANCE: f64 = 0.02;

pub(crate) fn compare(backend: Backend) -> Result<String, Failed> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("run.toml"), RUN)?;
    let device = Device::flex();
    device.seed(1);
    let model = burn_zoo::create("lenet5", &ModelOptions::default(), &device)?;
    let card = ModelCard {
        model: "lenet5".to_owned(),
        statistics: None,
        source: None,
    };
    // From one seed, a GPU's generator draws other weights than a CPU's.
    burn_zoo::save_weights(&model, &folder.path().join("start.bpk"), &card, false)?;
    let expected = losses(folder.path(), "flex")?;
    let began = Instant::now();
    let found = losses(folder.path(), backend.name())?;
    let seconds = began.elapsed().as_secs_f64();
    let line = format!(
        "{:<8} {:<10} training loss {found:.4?}, {expected:.4?} on Flex  {seconds:.1} s",
        backend.name(),
        "lenet5"
    );
    let falls = found.windows(2).all(|pair| pair[1] < pair[0]);
    let mut pairs = found.iter().zip(&expected);
    let follows = pairs.all(|(found, expected)| (found - expected).abs() < TOLERANCE * expected);
    match falls && follows && found.len() == expected.len() {
        true => Ok(line),
        false => Err(line.into()),
    }
}

/// The mean training loss of every epoch.
fn losses(folder: &Path, device: &str) -> Result<Vec<f64>, Failed> {
    // Where this test was taken to another machine, the program lies elsewhere.
    let zoo =
        std::env::var_os("BURN_ZOO_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_zoo").into());
    let output = Command::new(zoo)
        .current_dir(folder)
        .args([
            "train", "run.toml", "--plain", "--device", device, "--out", device,
        ])
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).as_ref().into());
    }
    let text = std::fs::read_to_string(folder.join(device).join("metrics.jsonl"))?;
    let lines = text.lines().map(|line| {
        let record: Value = serde_json::from_str(line)?;
        record["train"]["loss"]
            .as_f64()
            .ok_or_else(|| Failed::from(format!("no training loss in {line}")))
    });
    lines.collect()
}
