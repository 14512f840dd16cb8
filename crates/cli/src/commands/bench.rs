//! `zoo bench`: how fast networks are on a device.

use std::time::Instant;

use burn::optim::GradientsParams;
use burn::tensor::loss::cross_entropy_with_logits;
use burn::tensor::{Device, Distribution, Tensor};
use burn_zoo::trainer::{OptimizerSection, Precision};
use burn_zoo::{
    Classifier, Model, ModelInfo, ModelOptions, cast_params, create, set_kernels_enabled,
    supports_kernels, to_f32,
};
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::args::DeviceArg;
use crate::devices::held;
use crate::error::CliError;
use crate::output::{Output, table};

mod data;
mod profile;

use data::DataBenchArgs;
use profile::Profile;

/// Measure how fast models are on noise, or images come: images/s, medians
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Models, as `zoo models` lists them.
    #[arg(
        required_unless_present = "data",
        conflicts_with = "data",
        value_name = "MODEL"
    )]
    models: Vec<String>,

    /// Whole training steps: forward, backward, SGD with momentum. Without it, inference.
    #[arg(long, conflicts_with = "data")]
    train: bool,

    /// Images of a step [default: 16; with --data the run file's, or 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    batch_size: Option<u32>,

    /// Timed steps, or with --data epochs of at most 4096 images, of which the median counts, after one that does not.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    steps: u32,

    /// The data type in which a step computes; weights and batch normalisation stay in single precision.
    #[arg(long, default_value = "f32", conflicts_with = "data")]
    precision: Numbers,

    /// Fold batch normalisation into the convolutions first, as for a network that only answers.
    #[arg(long, conflicts_with_all = ["train", "data"])]
    fuse: bool,

    /// Take every step a second time, in turn, with Burn's own convolution, pooling and batch normalisation.
    #[arg(long, value_name = "WHOSE", conflicts_with_all = ["no_kernels", "data"])]
    against: Option<Against>,

    /// Say where the time of a step goes, by operation and shape.
    #[arg(long, conflicts_with_all = ["against", "no_kernels", "data"])]
    profile: bool,

    #[command(flatten)]
    data: DataBenchArgs,

    #[command(flatten)]
    device: DeviceArg,
}

/// Of a step, where none is given.
const BATCH: u32 = 16;

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Against {
    Burn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
enum Numbers {
    F32,
    Bf16,
    F16,
}

impl Numbers {
    fn precision(self) -> Precision {
        match self {
            Self::F32 => Precision::F32,
            Self::Bf16 => Precision::Bf16,
            Self::F16 => Precision::F16,
        }
    }
}

#[derive(Serialize)]
struct Speed {
    model: &'static str,
    /// Channels, height and width.
    input: [usize; 3],
    batch_size: usize,
    train: bool,
    precision: Numbers,
    /// Median of a step.
    milliseconds: f64,
    images_per_second: f64,
    /// Two operations for a multiply-add of a convolution or linear layer, three times as many for training.
    gigaflops: f64,
    /// Bytes that the runtime of a GPU holds there after the last step.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_memory: Option<u64>,
    /// With `--against`: the same with Burn's own operations.
    #[serde(skip_serializing_if = "Option::is_none")]
    burn_images_per_second: Option<f64>,
    /// With `--against`: how many times as fast.
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f64>,
    /// With `--profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<Profile>,
}

impl Speed {
    /// What is measured, for the table.
    fn step(&self) -> String {
        let what = if self.train { "training" } else { "inference" };
        match self.precision {
            Numbers::F32 => what.to_owned(),
            Numbers::Bf16 => format!("{what}, bf16"),
            Numbers::F16 => format!("{what}, f16"),
        }
    }
}

pub(crate) fn run(args: &BenchArgs, output: Output) -> Result<(), CliError> {
    let device = args.device.choose()?;
    if let Some(data) = &args.data.data {
        let speed = data::measure(&args.data, data, args.batch_size, args.steps, &device)?;
        return output.show(&speed, || data::text(&speed));
    }
    let needs_kernels = match (args.against, args.profile) {
        (Some(Against::Burn), _) => Some("--against burn"),
        (None, true) => Some("--profile"),
        (None, false) => None,
    };
    if let Some(argument) = needs_kernels
        && !supports_kernels(&device)
    {
        return Err(CliError::Input(format!(
            "{argument}: this device computes with Burn's own operations anyway; add --device flex"
        )));
    }
    let precision = args.precision.precision();
    precision
        .check(&device)
        .map_err(|message| CliError::Input(format!("--precision: {message}")))?;
    // A name that is wrong is told before the first model has taken its minutes.
    let found = args.models.iter().map(|name| burn_zoo::model_info(name));
    let infos = found.collect::<Result<Vec<_>, _>>()?;
    let speeds = infos.into_iter().map(|info| measure(args, info, &device));
    let speeds = speeds.collect::<Result<Vec<_>, _>>()?;
    output.show(&speeds, || {
        let profiles = speeds.iter().filter_map(|speed| {
            let profile = speed.profile.as_ref()?;
            Some(format!("\n{}\n{}", speed.model, profile.text()))
        });
        text(&speeds) + &profiles.collect::<String>()
    })
}

fn measure(args: &BenchArgs, info: &'static ModelInfo, plain: &Device) -> Result<Speed, CliError> {
    let batch = args.batch_size.unwrap_or(BATCH) as usize;
    let [channels, height, width] = info.input;
    let device = match args.train {
        true => plain.clone().autodiff(),
        false => plain.clone(),
    };
    let model = create(info.name, &ModelOptions::default(), &device)?;
    let shape = [batch, channels, height, width];
    let images = Tensor::random(shape, Distribution::Normal(0.0, 1.0), &device);
    let precision = args.precision.precision();
    let mut step: Box<dyn FnMut() -> Result<(), CliError>> = match args.train {
        true => Box::new(training(model, precision, images)),
        false => Box::new(inference(model, args.fuse, precision, images)),
    };
    let whose: &[bool] = match args.against {
        Some(Against::Burn) => &[false, true],
        None => &[args.device.no_kernels],
    };
    let mut times = vec![Vec::new(); whose.len()];
    for round in 0..=args.steps {
        for (times, burns_own) in times.iter_mut().zip(whose) {
            set_kernels_enabled(!*burns_own);
            let start = Instant::now();
            step()?;
            if round > 0 {
                times.push(start.elapsed().as_secs_f64());
            }
        }
    }
    let profile = match args.profile {
        true => Some(Profile::of(&device, args.steps, &mut step)?),
        false => None,
    };
    let mut medians = times.into_iter().map(median);
    let seconds = medians.next().expect("one of the two at least");
    let burn = medians.next();
    let passes = if args.train { 3.0 } else { 1.0 };
    let operations = 2.0 * info.multiply_adds as f64 * passes * batch as f64;
    Ok(Speed {
        model: info.name,
        input: info.input,
        batch_size: batch,
        train: args.train,
        precision: args.precision,
        device_memory: held(plain),
        milliseconds: seconds * 1e3,
        images_per_second: batch as f64 / seconds,
        gigaflops: operations / seconds / 1e9,
        burn_images_per_second: burn.map(|burn| batch as f64 / burn),
        ratio: burn.map(|burn| burn / seconds),
        profile,
    })
}

fn inference(
    model: Model,
    is_fused: bool,
    precision: Precision,
    images: Tensor<4>,
) -> impl FnMut() -> Result<(), CliError> {
    use burn::module::Module;
    let model = match is_fused {
        true => model.valid().fuse(),
        false => model.valid(),
    };
    let (model, images) = match precision.narrow() {
        Some(dtype) => (cast_params(model, dtype), images.cast(dtype)),
        None => (model, images),
    };
    move || wait(&model.forward(images.clone()))
}

/// A rate of 0 changes nothing about the time, and leaves the weights what they are, however many steps.
fn training(
    model: Model,
    precision: Precision,
    images: Tensor<4>,
) -> impl FnMut() -> Result<(), CliError> {
    let section = OptimizerSection::Sgd {
        lr: 0.0,
        momentum: 0.9,
        nesterov: false,
        weight_decay: 0.0,
    };
    let mut optimizer = section.init();
    let mut model = Some(model);
    move || {
        let network = model.take().expect("it is put back");
        let scores = match precision.narrow() {
            Some(dtype) => {
                cast_params(network.clone(), dtype).forward_train(images.clone().cast(dtype))
            }
            None => network.forward_train(images.clone()),
        };
        let share = |logits: Tensor<2>| {
            let logits = to_f32(logits);
            let [batch, classes] = logits.dims();
            let even = Tensor::full([batch, classes], 1.0 / classes as f64, &logits.device());
            cross_entropy_with_logits(logits, even)
        };
        let mut loss = share(scores.logits);
        for aux in scores.aux {
            loss = loss + share(aux.logits) * aux.weight;
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        model = Some(optimizer.step(0.0, network, gradients));
        wait(&loss)
    }
}

/// Until the device is done.
fn wait<const D: usize>(result: &Tensor<D>) -> Result<(), CliError> {
    let device = result.device();
    device
        .sync()
        .map_err(|error| CliError::Failed(format!("the device failed: {error}")))
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    let (low, high) = (times[(times.len() - 1) / 2], times[times.len() / 2]);
    (low + high) / 2.0
}

fn text(speeds: &[Speed]) -> String {
    let rows: Vec<_> = speeds
        .iter()
        .map(|speed| {
            let [channels, height, width] = speed.input;
            [
                speed.model.to_owned(),
                format!("{}×{channels}×{height}×{width}", speed.batch_size),
                speed.step(),
                format!("{:.1}", speed.milliseconds),
                format!("{:.1}", speed.images_per_second),
                format!("{:.0}", speed.gigaflops),
                speed
                    .device_memory
                    .map_or(String::new(), |bytes| (bytes >> 20).to_string()),
                speed
                    .ratio
                    .map_or(String::new(), |ratio| format!("{ratio:.2}")),
            ]
        })
        .collect();
    table(
        [
            "model", "input", "step", "ms", "images/s", "GFLOP/s", "MiB", "× Burn",
        ],
        [false, false, false, true, true, true, true, true],
        &rows,
    )
}
