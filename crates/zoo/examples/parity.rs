//! The Rust half of `xtask/parity`: loads what PyTorch wrote, computes, and writes down what comes out.
//!
//! `parity FOLDER` handles every `NAME.json` in the folder, in the order of their names:
//! - reads the weights `NAME.pth`, the images `NAME.eval.f32` and `NAME.train.f32`, and the labels of the latter;
//! - writes `NAME.logits.f32` (evaluation), `NAME.export.safetensors` (the weights, unchanged) and
//!   `NAME.step.safetensors` (after one step of SGD in training mode, in double precision).

use std::error::Error;
use std::fs;
use std::path::Path;

use burn::module::{Module, ModuleMapper, Param};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use burn_zoo::googlenet::GoogLeNetConfig;
use burn_zoo::{
    Arch, Classifier, CreateError, Model, ModelCard, ModelInfo, ModelOptions, WeightsFile, create,
    model_info, save_weights,
};
use serde::Deserialize;

/// What PyTorch says beside the numbers.
#[derive(Deserialize)]
struct Case {
    model: String,
    eval: [usize; 4],
    train: [usize; 4],
    labels: Vec<i32>,
    lr: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: parity FOLDER")?;
    let folder = Path::new(&folder);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".json").map(str::to_owned));
    }
    names.sort();
    for name in names {
        answer(folder, &name).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

fn answer(folder: &Path, name: &str) -> Result<(), Box<dyn Error>> {
    let path = |ending: &str| folder.join(format!("{name}.{ending}"));
    let case: Case = serde_json::from_slice(&fs::read(path("json"))?)?;
    let device = Device::flex();
    let info = model_info(&case.model)?;
    let file = WeightsFile::open(&path("pth"), info, &device)?;
    let options = ModelOptions {
        // Some auxiliary heads count on the size of the images that they are trained on.
        input_size: Some([case.train[2], case.train[3]]),
        ..file.options()
    };
    let model = without_dropout(info, &options, &device)?;
    let (model, _) = file.load_into(model, false)?;

    let card = ModelCard {
        model: info.name.to_owned(),
        statistics: None,
        source: None,
    };
    save_weights(&model, &path("export.safetensors"), &card, true)?;
    let images = images(&path("eval.f32"), case.eval, &device)?;
    let logits = model.valid().forward(images).into_data();
    write(
        &path("logits.f32"),
        &logits
            .try_to_vec::<f32>()
            .map_err(|error| format!("{error:?}"))?,
    )?;

    let stepped = step(model, &path("train.f32"), &case, &device)?;
    save_weights(&stepped, &path("step.safetensors"), &card, true)?;
    Ok(())
}

/// In double precision: in single precision a rounding error now and then turns a ReLU on or off, and what is compared
/// then is chance.
struct Double;

impl ModuleMapper for Double {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| tensor.cast(DType::F64))
    }
}

/// One step of SGD on the sum of the losses of all heads.
fn step(model: Model, path: &Path, case: &Case, device: &Device) -> Result<Model, Box<dyn Error>> {
    let gradients = device.clone().autodiff();
    let model = model.map(&mut Double).train();
    let images = images(path, case.train, &gradients)?.cast(DType::F64);
    let scores = model.forward_train(images);
    let labels = || Tensor::<1, Int>::from_data(case.labels.as_slice(), &gradients);
    let loss_of = |logits: Tensor<2>| {
        CrossEntropyLossConfig::new()
            .init(&logits.device())
            .forward(logits, labels())
    };
    let mut loss = loss_of(scores.logits);
    for aux in scores.aux {
        loss = loss + loss_of(aux.logits) * aux.weight;
    }
    let gradients = GradientsParams::from_grads(loss.backward(), &model);
    Ok(SgdConfig::new().init().step(case.lr, model, gradients))
}

/// Dropout is random, and PyTorch draws other numbers.
fn without_dropout(
    info: &ModelInfo,
    options: &ModelOptions,
    device: &Device,
) -> Result<Model, CreateError> {
    if let Arch::GoogLeNet(variant) = info.arch {
        let config = GoogLeNetConfig::new(variant)
            .with_num_classes(options.num_classes.unwrap_or(info.classes))
            .with_in_channels(options.in_channels.unwrap_or(info.input[0]))
            .with_input_size(options.input_size.unwrap_or([224, 224]))
            .with_aux(options.aux_heads == Some(true))
            .with_dropout(0.0)
            .with_aux_dropout(0.0);
        return Ok(Model::GoogLeNet(config.init(device)));
    }
    let none = ModelOptions {
        dropout: Some(0.0),
        ..options.clone()
    };
    match create(info.name, &none, device) {
        Err(CreateError::NoDropout { .. }) => create(info.name, options, device),
        created => created,
    }
}

fn images(path: &Path, shape: [usize; 4], device: &Device) -> Result<Tensor<4>, Box<dyn Error>> {
    let bytes = fs::read(path)?;
    let values: Vec<f32> = bytes
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        .collect();
    Ok(Tensor::from_data(TensorData::new(values, shape), device))
}

fn write(path: &Path, values: &[f32]) -> std::io::Result<()> {
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    fs::write(path, bytes)
}
