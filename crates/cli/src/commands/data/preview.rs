//! `zoo data preview`: images of a data set on one sheet, as stored or as a run file augments them.

use std::path::PathBuf;

use burn::data::dataset::Dataset;
use burn_zoo::data::{Pipeline, Split, contact_sheet, epoch_order, sample_rng, save_png};
use burn_zoo::datasets::OpenOptions;
use burn_zoo::trainer::{RunFile, pipelines};
use clap::Args;
use serde_json::json;

use crate::error::CliError;
use crate::load;
use crate::output::Output;

/// Write a sheet of training images to a PNG file
///
/// With --config the images are as the network meets them in training: cropped, flipped, changed by a policy, erased. Only
/// mixup and CutMix, which take two images, are not shown.
#[derive(Debug, Args)]
#[command(
    override_usage = "zoo data preview [OPTIONS] <NAME>\n       zoo data preview [OPTIONS] --config <FILE>"
)]
pub(crate) struct PreviewArgs {
    /// The data set, as `zoo data list` lists it.
    #[arg(required_unless_present = "config", conflicts_with = "config")]
    name: Option<String>,

    /// A run file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Override a key of the run file; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", requires = "config")]
    set: Vec<String>,

    /// Folder of the data set [default: the run file's, or $BURN_ZOO_DATA, or data]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,

    /// The PNG file to write.
    #[arg(long, short, value_name = "FILE", default_value = "sheet.png")]
    output: PathBuf,

    /// Number of images.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    count: u32,

    /// Seed that draws the images and their augmentation [default: the run file's, or 0]
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
}

pub(crate) fn run(args: &PreviewArgs, output: Output) -> Result<(), CliError> {
    let (split, pipeline, seed) = match (&args.config, &args.name) {
        (Some(config), _) => {
            let mut run = RunFile::load(config, &args.set)?;
            run.data.root = args.root.clone().or(run.data.root);
            let info = load::model_of(&run)?;
            let data = load::data_of(&run)?;
            let [_, height, width] = info.input;
            let pipeline = pipelines(&run, &data.info, [height, width])?.train;
            (data.train, Some(pipeline), args.seed.unwrap_or(run.seed))
        }
        (None, Some(name)) => {
            let options = OpenOptions {
                root: args.root.clone(),
                ..OpenOptions::default()
            };
            let data = burn_zoo::open_data(name, &options).map_err(CliError::input)?;
            (data.train, None, args.seed.unwrap_or(0))
        }
        (None, None) => {
            return Err(CliError::Input(
                "name a data set, or give --config".to_owned(),
            ));
        }
    };
    let count = sheet(args, &split, pipeline.as_ref(), seed)?;
    let document = json!({ "file": args.output, "pictures": count });
    output.show(&document, || {
        format!("{count} images are in {}", args.output.display())
    })
}

fn sheet(
    args: &PreviewArgs,
    split: &Split,
    pipeline: Option<&Pipeline>,
    seed: u64,
) -> Result<usize, CliError> {
    let order = epoch_order(seed, 0, split.len());
    let mut images = Vec::new();
    for index in order.into_iter().take(args.count as usize) {
        let image = split.get(index).map_err(CliError::input)?.image;
        images.push(match pipeline {
            Some(pipeline) => {
                let mut input = vec![0.0; pipeline.input_len()];
                pipeline
                    .load(image, &mut input, &mut sample_rng(seed, 0, index), |_| ())
                    .map_err(CliError::input)?;
                pipeline.denormalize(&input)
            }
            None => image.decode().map_err(CliError::input)?,
        });
    }
    let columns = (images.len() as f64).sqrt().ceil() as usize;
    save_png(&contact_sheet(&images, columns), &args.output).map_err(|error| {
        CliError::Input(format!("cannot write {}: {error}", args.output.display()))
    })?;
    Ok(images.len())
}
