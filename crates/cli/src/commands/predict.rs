//! `zoo predict`: what a trained network sees on images.

use std::path::{Path, PathBuf};

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use burn_zoo::data::{Image, Pipeline, PipelineError, ResizeMode, decode, sample_rng};
use burn_zoo::datasets::OpenOptions;
use burn_zoo::{Classifier, Model};
use clap::Args;
use serde::Serialize;

use crate::args::DeviceArg;
use crate::error::CliError;
use crate::load::{self, Trained};
use crate::output::{Output, table};
use crate::progress::{bar, status};

/// Classify images with a trained network
///
/// Images are files, folders (searched to the bottom) or patterns such as 'photos/*.jpg'.
#[derive(Debug, Args)]
#[command(
    override_usage = "zoo predict [OPTIONS] <RUN> <IMAGE>...\n       zoo predict [OPTIONS] --model <MODEL> --weights <FILE> <IMAGE>..."
)]
pub(crate) struct PredictArgs {
    /// The run folder, unless --model is given, then the images.
    #[arg(value_name = "RUN|IMAGE", required = true)]
    paths: Vec<PathBuf>,

    /// The model, as `zoo models` lists it.
    #[arg(long, requires = "weights")]
    model: Option<String>,

    /// Its weights.
    #[arg(long, value_name = "FILE", requires = "model")]
    weights: Option<PathBuf>,

    /// With --model: the data set that gives the classes their names.
    #[arg(long, value_name = "NAME", requires = "model")]
    data: Option<String>,

    /// Folder of the data set [default: the run's, or $BURN_ZOO_DATA, or data]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,

    #[command(flatten)]
    device: DeviceArg,

    /// Classes to show for each image, the most probable first.
    #[arg(long, short = 'k', value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    top: u32,

    /// One line of comma-separated values for each image and class: image, rank, class, index, probability.
    #[arg(long, conflicts_with = "json")]
    csv: bool,

    /// Leave out images that cannot be read, and name them.
    #[arg(long)]
    skip_bad: bool,
}

/// Images of one forward pass.
const BATCH: usize = 32;

/// Endings of the image files that a folder is searched for.
const ENDINGS: [&str; 6] = ["jpg", "jpeg", "jpe", "png", "webp", "bmp"];

#[derive(Serialize)]
struct Prediction {
    image: PathBuf,
    classes: Vec<Scored>,
}

#[derive(Serialize)]
struct Scored {
    class: String,
    index: usize,
    probability: f32,
}

#[derive(Serialize)]
struct Report {
    model: &'static str,
    weights: PathBuf,
    predictions: Vec<Prediction>,
    /// Why each of the others was left out.
    left_out: Vec<String>,
}

pub(crate) fn run(args: &PredictArgs, output: Output) -> Result<(), CliError> {
    let device = args.device.choose()?;
    let (trained, images) = match (&args.model, &args.weights) {
        (Some(model), Some(weights)) => {
            burn_zoo::model_info(model)?;
            let options = OpenOptions {
                root: args.root.clone(),
                train_size: Some(1),
                ..OpenOptions::default()
            };
            let data = args
                .data
                .as_deref()
                .map(|name| burn_zoo::open_data(name, &options));
            let data = data.transpose().map_err(CliError::input)?;
            (
                load::from_weights(model, weights, data, &device)?,
                args.paths.as_slice(),
            )
        }
        _ => {
            let Some((run, images)) = args
                .paths
                .split_first()
                .filter(|(_, images)| !images.is_empty())
            else {
                return Err(CliError::Input(format!(
                    "{}: no image is named behind the run folder; expected `zoo predict RUN IMAGE…`",
                    args.paths[0].display()
                )));
            };
            (
                load::from_run(run, false, args.root.as_deref(), &device)?,
                images,
            )
        }
    };
    let images = expand(images)?;
    let bar = bar(images.len() as u64, "images");
    let (mut predictions, mut left_out) = (Vec::new(), Vec::new());
    for images in images.chunks(BATCH) {
        let (readable, unreadable) = read(images, &trained.pipeline);
        if let Some(message) = unreadable.first().filter(|_| !args.skip_bad) {
            bar.finish_and_clear();
            return Err(CliError::Input(format!(
                "{message}; --skip-bad leaves out images that cannot be read"
            )));
        }
        left_out.extend(unreadable);
        predictions.extend(classify(&trained, readable, args.top as usize, &device)?);
        bar.inc(images.len() as u64);
    }
    bar.finish_and_clear();
    left_out
        .iter()
        .for_each(|message| status(&format!("left out: {message}")));
    if predictions.is_empty() {
        return Err(CliError::Input(
            "none of the images could be read".to_owned(),
        ));
    }
    let report = Report {
        model: trained.info.name,
        weights: trained.weights,
        predictions,
        left_out,
    };
    if args.csv {
        let lines = csv(&report).map_err(|error| {
            CliError::Failed(format!("cannot write the result as CSV: {error}"))
        })?;
        return output.show(&report, || lines);
    }
    output.show(&report, || text(&report))
}

fn csv(report: &Report) -> Result<String, Box<dyn std::error::Error>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["image", "rank", "class", "index", "probability"])?;
    for prediction in &report.predictions {
        let image = prediction.image.display().to_string();
        for (rank, scored) in prediction.classes.iter().enumerate() {
            writer.serialize((
                &image,
                rank + 1,
                &scored.class,
                scored.index,
                scored.probability,
            ))?;
        }
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

fn text(report: &Report) -> String {
    let rows: Vec<[String; 3]> = report
        .predictions
        .iter()
        .flat_map(|prediction| {
            prediction.classes.iter().enumerate().map(|(rank, scored)| {
                let image = if rank == 0 {
                    prediction.image.display().to_string()
                } else {
                    String::new()
                };
                [
                    image,
                    format!("{:.2} %", 100.0 * scored.probability),
                    scored.class.clone(),
                ]
            })
        })
        .collect();
    table(
        ["image", "probability", "class"],
        [false, true, false],
        &rows,
    )
}

/// The files behind the arguments.
fn expand(arguments: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut files = Vec::new();
    for argument in arguments {
        let before = files.len();
        if argument.is_dir() {
            search(argument, &mut files)?;
        } else if argument.exists() {
            files.push(argument.clone());
        } else {
            let shown = argument.display();
            let matches = argument
                .to_str()
                .and_then(|pattern| glob::glob(pattern).ok());
            let mut found: Vec<PathBuf> = matches.into_iter().flatten().flatten().collect();
            found.sort();
            for path in found {
                if path.is_dir() {
                    search(&path, &mut files)?
                } else {
                    files.push(path)
                }
            }
            if files.len() == before {
                return Err(CliError::Input(format!(
                    "{shown}: there is no such image, folder or match of a pattern"
                )));
            }
        }
        if files.len() == before {
            return Err(CliError::Input(format!(
                "{}: the folder holds no image (looked for {})",
                argument.display(),
                ENDINGS.join(", ")
            )));
        }
    }
    Ok(files)
}

/// The image files in a folder and the folders below it, in the order of their names.
fn search(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), CliError> {
    let failed = |error| {
        CliError::Input(format!(
            "{}: the folder cannot be read: {error}",
            folder.display()
        ))
    };
    let entries: Result<Vec<_>, _> = std::fs::read_dir(folder).map_err(failed)?.collect();
    let mut paths: Vec<PathBuf> = entries
        .map_err(failed)?
        .iter()
        .map(std::fs::DirEntry::path)
        .collect();
    paths.sort();
    for path in paths {
        let ending = path
            .extension()
            .and_then(|ending| ending.to_str())
            .unwrap_or_default();
        // A link to a folder may lead back up.
        if path.is_dir() && !path.is_symlink() {
            search(&path, files)?;
        } else if ENDINGS
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
            && path.is_file()
        {
            files.push(path);
        }
    }
    Ok(())
}

/// The inputs of the images that can be read, and why the others cannot.
fn read(images: &[PathBuf], pipeline: &Pipeline) -> (Vec<(PathBuf, Vec<f32>)>, Vec<String>) {
    let (mut readable, mut unreadable) = (Vec::new(), Vec::new());
    for path in images {
        let input = decode(path)
            .map_err(|error| error.to_string())
            .and_then(|image| {
                input(&image, pipeline).map_err(|error| format!("{}: {error}", path.display()))
            });
        match input {
            Ok(input) => readable.push((path.clone(), input)),
            Err(message) => unreadable.push(message),
        }
    }
    (readable, unreadable)
}

/// An image as the network's input. One that is not of the trained size is resized until it covers the input.
fn input(image: &Image, pipeline: &Pipeline) -> Result<Vec<f32>, PipelineError> {
    // Evaluation changes nothing at random; the generator is not asked.
    let mut rng = sample_rng(0, 0, 0);
    let mut values = vec![0.0; pipeline.input_len()];
    match pipeline.apply(image, &mut values, &mut rng) {
        Err(PipelineError::Size { .. }) => {
            let mut covering = pipeline.clone();
            let [height, width] = covering.geometry.size;
            covering.geometry.fit = ResizeMode::Resize {
                shorter: height.max(width),
            };
            covering.apply(image, &mut values, &mut rng)?;
        }
        fitted => fitted?,
    }
    Ok(values)
}

fn classify(
    trained: &Trained,
    images: Vec<(PathBuf, Vec<f32>)>,
    top: usize,
    device: &Device,
) -> Result<Vec<Prediction>, CliError> {
    if images.is_empty() {
        return Ok(Vec::new());
    }
    let geometry = &trained.pipeline.geometry;
    let shape = [
        images.len(),
        geometry.channels,
        geometry.size[0],
        geometry.size[1],
    ];
    let values: Vec<f32> = images
        .iter()
        .flat_map(|(_, values)| values.iter().copied())
        .collect();
    let batch = Tensor::<4>::from_data(TensorData::new(values, shape), device);
    let probabilities = probabilities(&trained.model, batch)?;
    let classes = trained
        .data
        .as_ref()
        .map(|data| data.info.classes.as_slice())
        .unwrap_or_default();
    if probabilities.iter().any(|p| !p.is_finite()) {
        return Err(CliError::Input(format!(
            "{}: the network's outputs are NaN or infinite: its weights hold NaN or infinite values, or are too large",
            trained.weights.display()
        )));
    }
    let rows = probabilities.chunks_exact(trained.model.num_classes());
    let predictions = images.into_iter().zip(rows).map(|((image, _), row)| {
        let mut order: Vec<usize> = (0..row.len()).collect();
        order.sort_by(|a, b| row[*b].total_cmp(&row[*a]));
        let scored = |index: usize| Scored {
            class: classes
                .get(index)
                .cloned()
                .unwrap_or_else(|| format!("class {index}")),
            index,
            probability: row[index],
        };
        Prediction {
            image,
            classes: order.into_iter().take(top).map(scored).collect(),
        }
    });
    Ok(predictions.collect())
}

fn probabilities(model: &Model, batch: Tensor<4>) -> Result<Vec<f32>, CliError> {
    let logits = model.forward(batch); // [batch, classes]
    let values = softmax(logits, 1)
        .into_data()
        .convert::<f32>()
        .try_into_vec::<f32>();
    values.map_err(|error| CliError::Failed(format!("the device returned no values: {error:?}")))
}
