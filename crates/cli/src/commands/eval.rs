//! `zoo eval`: the scores of trained weights over a validation split.

use std::path::PathBuf;
use std::time::Instant;

use burn::data::dataset::Dataset;
use burn::tensor::Device;
use burn_zoo::Sizes;
use burn_zoo::data::{ImageData, Loader, LoaderOptions, OnBad, Sampler};
use burn_zoo::datasets::OpenOptions;
use burn_zoo::trainer::{
    ClassRecord, Dense, Evaluation, PREFETCH, PrecisionRecall, Views, evaluate, transfer,
};
use clap::Args;
use serde::Serialize;

use crate::args::DeviceArg;
use crate::error::CliError;
use crate::load;
use crate::load::Trained;
use crate::output::{Output, thousands};
use crate::progress::{bar, scores, status};

/// Score a trained network over the validation images
///
/// Either the best weights of a run folder, or a weights file of a model.
#[derive(Debug, Args)]
#[command(
    override_usage = "zoo eval [OPTIONS] <RUN>\n       zoo eval [OPTIONS] --model <MODEL> --weights <FILE> --data <NAME>"
)]
pub(crate) struct EvalArgs {
    /// The run folder.
    #[arg(required_unless_present = "model", conflicts_with_all = ["model", "weights", "data"])]
    run: Option<PathBuf>,

    /// Score the averaged weights of the run (best_ema.bpk).
    #[arg(long, conflicts_with_all = ["model", "weights", "data"])]
    ema: bool,

    /// The model, as `zoo models` lists it.
    #[arg(long, requires_all = ["weights", "data"])]
    model: Option<String>,

    /// Its weights.
    #[arg(long, value_name = "FILE", requires = "model")]
    weights: Option<PathBuf>,

    /// The data set, as `zoo data list` lists it.
    #[arg(long, value_name = "NAME", requires = "model")]
    data: Option<String>,

    /// Folder of the data set [default: the run's, or $BURN_ZOO_DATA, or data]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,

    #[command(flatten)]
    device: DeviceArg,

    /// Images of one step.
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..))]
    batch_size: u32,

    /// Threads that decode images.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(..=256))]
    workers: u32,

    /// Leave out images that cannot be read, name and count them.
    #[arg(long)]
    skip_bad: bool,

    /// Average the probabilities of each image and its mirror image.
    #[arg(long)]
    flip: bool,

    /// Average the probabilities of ten crops: the corners and the centre of the central square of the resized image,
    /// and their mirror images.
    #[arg(long, conflicts_with_all = ["flip", "dense"])]
    ten_crop: bool,

    /// The network over whole images with shorter sides of these lengths (256,384,512), probabilities averaged; one
    /// image at a time.
    #[arg(long, value_name = "SIDE,…", value_delimiter = ',', conflicts_with_all = ["batch_size", "workers"], value_parser = clap::value_parser!(u32).range(1..=16_384))]
    dense: Vec<u32>,

    /// Precision, recall and F1 of every class; with --json the confusion matrix too.
    #[arg(long)]
    per_class: bool,
}

#[derive(Serialize)]
struct Report {
    model: &'static str,
    dataset: String,
    weights: PathBuf,
    #[serde(flatten)]
    evaluation: Evaluation,
    /// Percent by which the probabilities promise too much or too little.
    calibration_error: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_class: Option<Vec<ClassRecord>>,
    /// Images of each class (row) by the class that they were taken for (column).
    #[serde(skip_serializing_if = "Option::is_none")]
    confusion: Option<Vec<Vec<usize>>>,
    seconds: f64,
    images_per_second: f64,
}

pub(crate) fn run(args: &EvalArgs, output: Output) -> Result<(), CliError> {
    let device = args.device.choose()?;
    let trained = match (&args.run, &args.model, &args.weights, &args.data) {
        (Some(run), ..) => load::from_run(run, args.ema, args.root.as_deref(), &device)?,
        (None, Some(model), Some(weights), Some(data)) => {
            burn_zoo::model_info(model)?;
            let options = OpenOptions {
                root: args.root.clone(),
                ..OpenOptions::default()
            };
            let data = burn_zoo::open_data(data, &options).map_err(CliError::input)?;
            load::from_weights(model, weights, Some(data), &device)?
        }
        _ => {
            return Err(CliError::Input(
                "name a run folder, or --model, --weights and --data".to_owned(),
            ));
        }
    };
    let Some(data) = &trained.data else {
        return Err(CliError::Input(
            "there is no data set to score on; give --data".to_owned(),
        ));
    };
    let start = Instant::now();
    let evaluation = scored(args, &trained, data, &device)?;
    let seconds = start.elapsed().as_secs_f64();

    let report = Report {
        model: trained.info.name,
        dataset: data.info.name.clone(),
        weights: trained.weights.clone(),
        images_per_second: evaluation.samples as f64 / seconds,
        calibration_error: evaluation.class_metrics.calibration_error(),
        per_class: args.per_class.then(|| {
            let scores = evaluation.class_metrics.per_class();
            let classes = data.info.classes.iter().cloned().zip(scores);
            classes
                .map(|(class, scores)| ClassRecord { class, scores })
                .collect()
        }),
        confusion: args
            .per_class
            .then(|| evaluation.class_metrics.confusion.clone()),
        evaluation,
        seconds,
    };
    output.show(&report, || text(&report))
}

/// Metrics the validation images in the views that were asked for.
fn scored(
    args: &EvalArgs,
    Trained {
        info,
        model,
        pipeline,
        ..
    }: &Trained,
    data: &ImageData,
    device: &Device,
) -> Result<Evaluation, CliError> {
    let on_bad = match args.skip_bad {
        true => OnBad::Skip,
        false => OnBad::Refuse,
    };
    let left_out = |message: &str| status(&format!("left out: {message}"));
    if !args.dense.is_empty() {
        let shorter: Vec<usize> = args.dense.iter().map(|side| *side as usize).collect();
        if info.sizes == Sizes::Fixed {
            return Err(CliError::Input(format!(
                "{} takes images of one size only, dense evaluation is over whole images: leave --dense out",
                info.name
            )));
        }
        for side in &shorter {
            info.check_size([*side; 2]).map_err(CliError::input)?;
        }
        let dense = Dense {
            shorter,
            flip: args.flip,
            on_bad,
        };
        let bar = bar(data.valid.len() as u64, "images");
        let evaluation = dense.evaluate(
            model,
            &data.valid,
            pipeline,
            device,
            |done, _| bar.set_position(done as u64),
            left_out,
        );
        bar.finish_and_clear();
        return Ok(evaluation?);
    }
    let views = match (args.flip, args.ten_crop) {
        (_, true) => Some(Views::TenCrop(pipeline.geometry.size)),
        (true, false) => Some(Views::Flip),
        (false, false) => None,
    };
    let pipeline = match views {
        Some(views) => views.pipeline(pipeline)?,
        None => pipeline.clone(),
    };
    let options = LoaderOptions {
        batch_size: args.batch_size as usize,
        shuffle: None,
        sampler: Sampler::Uniform,
        drop_last: false,
        workers: args.workers as usize,
        prefetch: PREFETCH,
        on_bad,
        transfer: transfer(device),
    };
    let loader = Loader::new(data.valid.clone(), pipeline, options, device);
    let bar = bar(loader.num_batches() as u64, "batches");
    let progress = |done, _| bar.set_position(done as u64);
    let evaluation = match views {
        Some(views) => views.evaluate(model, &loader, progress),
        None => evaluate(model, &loader, progress),
    };
    bar.finish_and_clear();
    let evaluation = evaluation?;
    loader
        .skipped()
        .iter()
        .for_each(|message| left_out(message));
    Ok(evaluation)
}

fn text(report: &Report) -> String {
    let Report {
        model,
        dataset,
        weights,
        evaluation,
        calibration_error,
        per_class,
        seconds,
        images_per_second,
        ..
    } = report;
    let left_out = match evaluation.skipped {
        0 => String::new(),
        skipped => format!(", {skipped} left out"),
    };
    let classes = per_class.as_deref().map_or(String::new(), table);
    format!(
        "{model} ({}) on {dataset}: {}, calibration error {calibration_error:.2} %\n{} images{left_out}, {} images/s, {seconds:.1} s{classes}",
        weights.display(),
        scores(&evaluation.metrics),
        thousands(evaluation.samples as u64),
        thousands(images_per_second.round() as u64),
    )
}

/// One line per class.
fn table(classes: &[ClassRecord]) -> String {
    let width = classes.iter().map(|row| row.class.chars().count()).max();
    let width = width.unwrap_or_default().max("class".len());
    let mut text = format!("\n\n{:width$}  images  precision  recall     F1", "class");
    for ClassRecord { class, scores } in classes {
        let PrecisionRecall {
            samples,
            precision,
            recall,
            f1,
        } = scores;
        text +=
            &format!("\n{class:width$}  {samples:>8}  {precision:>9.2}  {recall:>6.2} {f1:>6.2}");
    }
    text
}
