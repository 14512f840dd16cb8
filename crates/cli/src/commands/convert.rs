//! `zoo import` and `zoo export`: weights from one file format to another, checked against the network.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use burn_zoo::{Format, LoadReport, ModelCard, ModelInfo, ModelOptions, WeightsFile};
use clap::Args;
use serde::Serialize;

use crate::args::DeviceArg;
use crate::error::CliError;
use crate::output::{Output, thousands};

/// Read weights of PyTorch, torchvision, timm or safetensors
///
/// FILE is a .pt, .pth or .th of torch.save (a state dict, or a checkpoint with one inside), safetensors or burnpack.
/// f16 and bf16 become f32. All tensors must fit, unless --partial.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The model, as `zoo models` lists it.
    model: String,

    /// The weights.
    file: PathBuf,

    /// The file to write: .bpk (burnpack) or .safetensors.
    #[arg(long, short, value_name = "OUT")]
    out: PathBuf,

    /// Classes of the head [default: those of the file]
    #[arg(long, value_name = "N")]
    classes: Option<usize>,

    /// Channels of the images [default: those of the file]. The first convolution is summed or repeated to fit.
    #[arg(long, value_name = "N")]
    channels: Option<usize>,

    /// Mean of each channel that images were normalised with, as in 0.485,0.456,0.406 [default: the file's own or its
    /// publisher's where known, else the model's]
    #[arg(long, value_name = "M,M,M", value_delimiter = ',', requires = "std")]
    mean: Option<Vec<f32>>,

    /// Standard deviation of each channel [default: the model's]
    #[arg(long, value_name = "S,S,S", value_delimiter = ',', requires = "mean")]
    std: Option<Vec<f32>>,

    /// Load the tensors that fit, and leave the rest of the network at random.
    #[arg(long)]
    partial: bool,

    /// Replace OUT where it exists.
    #[arg(long)]
    overwrite: bool,

    #[command(flatten)]
    device: DeviceArg,
}

/// Write weights as safetensors with PyTorch's keys
///
/// `model.load_state_dict(safetensors.torch.load_file("OUT"))` takes them into torchvision's network of the name.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The model, as `zoo models` lists it.
    model: String,

    /// The weights, such as the best.bpk of a run folder.
    file: PathBuf,

    /// The file to write: .safetensors.
    #[arg(long, short, value_name = "OUT")]
    out: PathBuf,

    /// Replace OUT where it exists.
    #[arg(long)]
    overwrite: bool,

    #[command(flatten)]
    device: DeviceArg,
}

#[derive(Serialize)]
struct Report<'a> {
    model: String,
    file: &'a Path,
    format: Format,
    out: &'a Path,
    parameters: usize,
    /// Mean and standard deviation of each channel that images are normalised with.
    statistics: Option<&'a [Vec<f32>; 2]>,
    #[serde(flatten)]
    load: LoadReport,
}

pub(crate) fn import(args: &ImportArgs, output: Output) -> Result<(), CliError> {
    let info = burn_zoo::model_info(&args.model)?;
    let device = args.device.choose()?;
    let file = WeightsFile::open(&args.file, info, &device).map_err(CliError::input)?;
    let found = file.options();
    let options = ModelOptions {
        num_classes: args.classes.or(found.num_classes),
        in_channels: args.channels.or(found.in_channels),
        ..found
    };
    let statistics = match (&args.mean, &args.std) {
        (Some(mean), Some(std)) => {
            check_statistics(mean, std, options.in_channels.unwrap_or(info.input[0]))?;
            Some([mean.clone(), std.clone()])
        }
        _ => file
            .statistics()
            .or_else(|| published_statistics(info, &args.file))
            .or_else(|| own_statistics(info, &options)),
    };
    let card = ModelCard {
        model: info.name.to_owned(),
        statistics,
        source: file_name(&args.file),
    };
    let target = SaveOptions {
        out: &args.out,
        card,
        overwrite: args.overwrite,
    };
    let converted = convert(file, &options, args.partial, &target, &device)?;
    show(&args.file, &target, converted, output)
}

pub(crate) fn export(args: &ExportArgs, output: Output) -> Result<(), CliError> {
    if args
        .out
        .extension()
        .is_none_or(|ending| ending != "safetensors")
    {
        return Err(CliError::Input(format!(
            "{}: PyTorch reads safetensors: expected a name that ends in .safetensors",
            args.out.display()
        )));
    }
    let info = burn_zoo::model_info(&args.model)?;
    let device = args.device.choose()?;
    let file = WeightsFile::open(&args.file, info, &device).map_err(CliError::input)?;
    let card = ModelCard {
        model: info.name.to_owned(),
        statistics: file.statistics(),
        source: file_name(&args.file),
    };
    let options = file.options();
    let target = SaveOptions {
        out: &args.out,
        card,
        overwrite: args.overwrite,
    };
    let converted = convert(file, &options, false, &target, &device)?;
    show(&args.file, &target, converted, output)
}

/// Where converted weights go, and the metadata in them.
pub(crate) struct SaveOptions<'a> {
    pub(crate) out: &'a Path,
    pub(crate) card: ModelCard,
    pub(crate) overwrite: bool,
}

/// What a conversion did.
pub(crate) struct Converted {
    format: Format,
    parameters: usize,
    load: LoadReport,
}

/// Loads the weights of `file` into the network of `options`, and writes them to `target`.
pub(crate) fn convert(
    file: WeightsFile,
    options: &ModelOptions,
    partial: bool,
    target: &SaveOptions<'_>,
    device: &Device,
) -> Result<Converted, CliError> {
    let format = file.format();
    let model = burn_zoo::create(&target.card.model, options, device)?;
    let (model, load) = file.load_into(model, partial).map_err(CliError::input)?;
    burn_zoo::save_weights(&model, target.out, &target.card, target.overwrite)
        .map_err(CliError::input)?;
    Ok(Converted {
        format,
        parameters: burn_zoo::trainable_params(&model),
        load,
    })
}

fn show(
    file: &Path,
    target: &SaveOptions<'_>,
    converted: Converted,
    output: Output,
) -> Result<(), CliError> {
    let report = Report {
        model: target.card.model.clone(),
        file,
        format: converted.format,
        out: target.out,
        parameters: converted.parameters,
        statistics: target.card.statistics.as_ref(),
        load: converted.load,
    };
    output.show(&report, || text(&report))
}

fn text(report: &Report<'_>) -> String {
    let load = &report.load;
    let mut text = format!(
        "{}: {} tensors, {} parameters of {} from {}",
        report.out.display(),
        load.loaded,
        thousands(report.parameters as u64),
        report.model,
        report.file.display()
    );
    if let Some([mean, std]) = report.statistics {
        text += &format!("\nimages normalised with mean {mean:?}, std {std:?}");
    }
    if !load.prefix.is_empty() {
        text += &format!("\nkeys behind {:?}", load.prefix);
    }
    if !load.adapted.is_empty() {
        text += &format!("\nadapted to another shape: {}", load.adapted.join(", "));
    }
    if load.unused_aux > 0 {
        text += &format!("\nleft out: {} tensors of auxiliary heads", load.unused_aux);
    }
    if !load.is_complete() {
        text += &format!("\nnot loaded: {load}");
    }
    text
}

fn check_statistics(mean: &[f32], std: &[f32], channels: usize) -> Result<(), CliError> {
    let fits = |values: &[f32]| values.len() == channels && values.iter().all(|n| n.is_finite());
    if fits(mean) && fits(std) && std.iter().all(|n| *n > 0.0) {
        return Ok(());
    }
    Err(CliError::Input(format!(
        "--mean {mean:?} --std {std:?}: expected {channels} values each, one per channel, the stds above 0"
    )))
}

/// The statistics of published weights, which the name of their file tells.
fn published_statistics(info: &ModelInfo, file: &Path) -> Option<[Vec<f32>; 2]> {
    let published = burn_zoo::published(info.name)?;
    (file.file_name()? == published.file).then(|| published.statistics(info))
}

/// The statistics of the model's own evaluation, where the images have its channels.
fn own_statistics(info: &ModelInfo, options: &ModelOptions) -> Option<[Vec<f32>; 2]> {
    let own = info.preprocessing;
    let channels = options.in_channels.unwrap_or(info.input[0]);
    (own.mean.len() == channels).then(|| [own.mean.to_vec(), own.std.to_vec()])
}

fn file_name(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_string_lossy().into_owned())
}
