//! `zoo bench --data`: how fast images come, whole and by stage.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use burn::data::dataset::Dataset;
use burn::tensor::Device;
use burn_zoo::data::{
    Augment, Crop, DatasetInfo, Geometry, Loader, LoaderOptions, Normalize, OnBad, Pipeline,
    ResizeMode, Sampler, Split, Stage, epoch_order, sample_rng,
};
use burn_zoo::datasets::OpenOptions;
use burn_zoo::trainer::{PREFETCH, RunFile, pipelines, transfer};
use clap::Args;
use serde::Serialize;
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, get_current_pid};

use super::median;
use crate::error::CliError;
use crate::load;
use crate::output::table;

/// A round ends with its epoch, or after as many images.
const ROUND: usize = 4096;
/// Images whose stages are timed.
const STAGED: usize = 256;
/// Of a step, where no run file says it.
const BATCH: usize = 64;
/// ImageNet's input, for data sets whose images differ in size.
const SIDE: usize = 224;

#[derive(Debug, Args)]
pub(crate) struct DataBenchArgs {
    /// Measure how fast images come instead, as this run file or, in the usual way, this data set has them.
    #[arg(long, value_name = "RUN.toml|DATASET")]
    pub(super) data: Option<String>,

    /// With --data: the validation images and what happens to them.
    #[arg(long, requires = "data", conflicts_with = "models")]
    valid: bool,

    /// With --data: the folder of the data set [default: the run file's, or $BURN_ZOO_DATA, or data]
    #[arg(long, value_name = "DIR", requires = "data", conflicts_with = "models")]
    root: Option<PathBuf>,

    /// With --data: threads that decode and augment [default: the run file's, or 2]
    #[arg(long, value_name = "N", requires = "data", conflicts_with = "models", value_parser = clap::value_parser!(u32).range(0..=256))]
    workers: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct DataSpeed {
    data: String,
    split: &'static str,
    /// Of a round.
    #[serde(rename = "pictures")]
    images: usize,
    batch_size: usize,
    workers: usize,
    /// Median of the rounds.
    images_per_second: f64,
    /// Cores that were busy, on average over the rounds.
    cores: f64,
    images_per_core_second: f64,
    /// Of one image in one thread, in their order.
    stages: Vec<StageTime>,
}

#[derive(Serialize)]
struct StageTime {
    stage: &'static str,
    microseconds: f64,
    share: f64,
}

/// What is measured.
struct Subject {
    name: String,
    split: Split,
    pipeline: Pipeline,
    options: LoaderOptions,
}

pub(super) fn measure(
    args: &DataBenchArgs,
    data: &str,
    batch_size: Option<u32>,
    rounds: u32,
    device: &Device,
) -> Result<DataSpeed, CliError> {
    let mut subject = match Path::new(data).is_file() {
        true => of_run(Path::new(data), args, device)?,
        false => of_set(data, args, device)?,
    };
    let options = &mut subject.options;
    if let Some(size) = batch_size {
        options.batch_size = size as usize;
    }
    if let Some(workers) = args.workers {
        options.workers = workers as usize;
    }
    let loader = |options: LoaderOptions| {
        let (split, pipeline) = (subject.split.clone(), subject.pipeline.clone());
        Loader::new(split, pipeline, options, device)
    };
    let whole = loader(subject.options.clone());
    let (mut times, mut images, mut busy) = (Vec::new(), 0, 0.0);
    for round in 0..=rounds {
        let began = cpu_seconds();
        let (count, seconds) = take(&whole, ROUND)?;
        if round > 0 {
            times.push(seconds / count as f64);
            busy += (cpu_seconds() - began) / seconds / f64::from(rounds);
            images = count;
        }
    }
    let per_image = median(times);
    // One thread for everything.
    let alone = loader(LoaderOptions {
        workers: 0,
        ..subject.options.clone()
    });
    take(&alone, STAGED)?;
    let (count, seconds) = take(&alone, STAGED)?;
    let stages = stages(&subject, Duration::from_secs_f64(seconds / count as f64))?;
    Ok(DataSpeed {
        data: subject.name,
        split: if args.valid { "valid" } else { "train" },
        images,
        batch_size: subject.options.batch_size,
        workers: subject.options.workers,
        images_per_second: 1.0 / per_image,
        cores: busy,
        images_per_core_second: 1.0 / per_image / busy,
        stages,
    })
}

/// Batches of the next epoch until there are `most` images or no more; how many, and the seconds that they took.
fn take(loader: &Loader, most: usize) -> Result<(usize, f64), CliError> {
    let (start, mut count) = (Instant::now(), 0);
    for batch in loader.epoch(0, 0) {
        let batch = batch.map_err(CliError::input)?;
        super::wait(&batch.images)?;
        count += batch.indices.len();
        if count >= most {
            break;
        }
    }
    Ok((count, start.elapsed().as_secs_f64()))
}

/// Where the time of one image goes; what of `whole` is not in a stage is batching and the way to the device.
fn stages(subject: &Subject, whole: Duration) -> Result<Vec<StageTime>, CliError> {
    let Subject {
        split,
        pipeline,
        options,
        ..
    } = subject;
    let mut sums = [Duration::ZERO; 4];
    let mut out = vec![0.0; pipeline.input_len()];
    let order = epoch_order(options.shuffle.unwrap_or(0), 0, split.len());
    let mut count = 0;
    for index in order.into_iter().take(STAGED) {
        let mut last = Instant::now();
        let lap = |stage: Stage| {
            let now = Instant::now();
            sums[stage as usize] += now - last;
            last = now;
        };
        let sample = split.get(index).map_err(CliError::input)?;
        let measured = pipeline.load(sample.image, &mut out, &mut sample_rng(0, 0, index), lap);
        match measured {
            Ok(()) => count += 1,
            Err(_) if options.on_bad == OnBad::Skip => {}
            Err(error) => return Err(CliError::input(error)),
        }
    }
    let of_one = sums.map(|sum| sum / count.max(1));
    let rest = whole.saturating_sub(of_one.iter().sum());
    let names = ["read", "decode", "augment", "convert", "upload"];
    let times = names.into_iter().zip(of_one.into_iter().chain([rest]));
    Ok(times
        .map(|(stage, time)| StageTime {
            stage,
            microseconds: time.as_secs_f64() * 1e6,
            share: time.as_secs_f64() / whole.as_secs_f64(),
        })
        .collect())
}

fn of_run(path: &Path, args: &DataBenchArgs, device: &Device) -> Result<Subject, CliError> {
    let mut run = RunFile::load(path, &[])?;
    run.data.root = args.root.clone().or(run.data.root);
    let info = load::model_of(&run)?;
    let data = load::data_of(&run)?;
    let [_, height, width] = info.input;
    let both = pipelines(&run, &data.info, [height, width])?;
    let (split, pipeline) = match args.valid {
        true => (data.valid, both.valid),
        false => (data.train, both.train),
    };
    let batch_size = run.data.batch_size.number().unwrap_or(BATCH);
    Ok(Subject {
        name: path.display().to_string(),
        split,
        pipeline,
        options: LoaderOptions {
            batch_size,
            workers: run.data.workers,
            prefetch: run.data.prefetch_mib << 20,
            on_bad: run.data.on_bad.into(),
            ..options(args, device)
        },
    })
}

/// The usual way: images of one size are padded, cropped and mirrored, others are ImageNet's.
fn of_set(name: &str, args: &DataBenchArgs, device: &Device) -> Result<Subject, CliError> {
    let from = OpenOptions {
        root: args.root.clone(),
        ..OpenOptions::default()
    };
    let data = burn_zoo::open_data(name, &from).map_err(CliError::input)?;
    let DatasetInfo {
        channels,
        size,
        mean,
        std,
        ..
    } = data.info;
    let (fit, crop) = match size {
        Some(_) => (ResizeMode::Exact, Crop::Pad(4)),
        None => {
            let crop = Crop::RandomResized {
                scale: [0.08, 1.0],
                ratio: [3.0 / 4.0, 4.0 / 3.0],
            };
            (ResizeMode::Resize { shorter: 256 }, crop)
        }
    };
    let geometry = Geometry {
        size: size.unwrap_or([SIDE, SIDE]),
        fit,
        channels,
    };
    let valid = Pipeline::evaluation(geometry, Normalize { mean, std });
    let augment = Some(Augment {
        crop,
        flip: true,
        ..Augment::default()
    });
    let train = Pipeline {
        augment,
        ..valid.clone()
    };
    let (split, pipeline) = match args.valid {
        true => (data.valid, valid),
        false => (data.train, train),
    };
    Ok(Subject {
        name: name.to_owned(),
        split,
        pipeline,
        options: options(args, device),
    })
}

fn options(args: &DataBenchArgs, device: &Device) -> LoaderOptions {
    LoaderOptions {
        batch_size: BATCH,
        shuffle: (!args.valid).then_some(0),
        sampler: Sampler::Uniform,
        drop_last: false,
        workers: 2,
        prefetch: PREFETCH,
        on_bad: OnBad::Refuse,
        transfer: transfer(device),
    }
}

/// Processor time of this process so far, all threads together.
fn cpu_seconds() -> f64 {
    let Ok(own) = get_current_pid() else {
        return f64::NAN;
    };
    let Ok(mut system) = System::new() else {
        return f64::NAN;
    };
    let kind = ProcessRefreshKind::nothing().with_cpu();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), false, kind);
    let process = system.process(own);
    process.map_or(f64::NAN, |own| own.accumulated_cpu_time() as f64 / 1e3)
}

pub(super) fn text(speed: &DataSpeed) -> String {
    let rows: Vec<_> = speed
        .stages
        .iter()
        .map(|stage| {
            [
                stage.stage.to_owned(),
                format!("{:.1}", stage.microseconds),
                format!("{:.1} %", stage.share * 100.0),
            ]
        })
        .collect();
    let stages = table(
        ["stage", "µs an image", "share"],
        [false, true, true],
        &rows,
    );
    format!(
        "{}, {}: {:.0} images/s, batches of {}, {} workers; {:.2} cores busy, {:.0} images/s of one\n\n{stages}",
        speed.data,
        speed.split,
        speed.images_per_second,
        speed.batch_size,
        speed.workers,
        speed.cores,
        speed.images_per_core_second,
    )
}
