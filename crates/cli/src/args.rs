//! The command line as a whole; each command's own arguments stand in its file.

use burn::tensor::Device;
use burn_zoo::trainer::DevicesSection;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand};

use crate::error::CliError;
use crate::{commands, devices};

/// Train, evaluate and inspect the classic CNNs, from LeNet-5 to ResNet, on any GPU or CPU.
#[derive(Debug, Parser)]
#[command(
    name = "zoo",
    version,
    styles = STYLES,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done, 1 failed, 2 bad usage or bad input, 130 interrupted.\n\
                  Results go to standard output, progress and messages to standard error."
)]
pub(crate) struct Cli {
    /// Write one JSON document to standard output, and nothing else there.
    #[arg(long, global = true, display_order = 900)]
    pub(crate) json: bool,

    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands, in the order of the help.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Train(commands::train::TrainArgs),
    Sweep(commands::sweep::SweepArgs),
    Report(commands::report::ReportArgs),
    Eval(commands::eval::EvalArgs),
    Predict(commands::predict::PredictArgs),
    Models(commands::models::ModelsArgs),
    Summary(commands::summary::SummaryArgs),
    Bench(commands::bench::BenchArgs),
    Import(commands::convert::ImportArgs),
    Export(commands::convert::ExportArgs),
    Fetch(commands::fetch::FetchArgs),
    Data(commands::data::DataArgs),
    Devices(commands::devices::DevicesArgs),
    #[cfg(feature = "remote")]
    Worker(commands::worker::WorkerArgs),
    /// Lend a device to trainings on other machines (needs the feature `remote`)
    #[cfg(not(feature = "remote"))]
    Worker {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        rest: Vec<String>,
    },
    Config(commands::config::ConfigArgs),
    Completions(commands::completions::CompletionsArgs),
}

/// Where to compute.
#[derive(Debug, Args)]
pub(crate) struct DeviceArg {
    /// Device: flex, wgpu, wgpu:1, vulkan, cuda:0, … (see `zoo devices`) [default: $BURN_DEVICE, or a GPU before a CPU]
    #[arg(long, short, value_name = "DEVICE", hide_default_value = true)]
    pub(crate) device: Option<String>,

    /// On the CPU, compute with Burn's own convolution, pooling and batch normalisation, to compare.
    #[arg(long)]
    pub(crate) no_kernels: bool,
}

impl DeviceArg {
    /// The device that was asked for, or the best there is.
    pub(crate) fn choose(&self) -> Result<Device, CliError> {
        burn_zoo::set_kernels_enabled(!self.no_kernels);
        devices::choose(self.device.as_deref())
    }

    /// As they were given, for a command line.
    pub(crate) fn words(&self) -> Vec<String> {
        let device = self.device.iter();
        let mut words: Vec<String> = device
            .flat_map(|device| ["--device".to_owned(), device.clone()])
            .collect();
        if self.no_kernels {
            words.push("--no-kernels".to_owned());
        }
        words
    }

    /// The device that was asked for, or the best there is; none where a run file names devices.
    pub(crate) fn choose_unless(&self, named: &DevicesSection) -> Result<Option<Device>, CliError> {
        match &self.device {
            _ if named.is_empty() => self.choose().map(Some),
            Some(device) => Err(CliError::Input(format!(
                "--device {device}: the run file names devices (devices.local, devices.remote): leave one of both out"
            ))),
            None => {
                burn_zoo::set_kernels_enabled(!self.no_kernels);
                Ok(None)
            }
        }
    }
}

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());
