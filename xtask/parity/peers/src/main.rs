//! How long candle and tract take for a step of inference on noise: the median, as JSON, for xtask/parity/speed.py.

mod candle;
mod tract;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};

/// Measure inference by another engine, on the CPU.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    peer: Peer,
}

#[derive(Subcommand)]
enum Peer {
    /// A network of candle-transformers, with random weights.
    Candle {
        model: candle::Network,
        #[command(flatten)]
        amount: Amount,
    },
    /// A network exported to ONNX for this batch size.
    Tract {
        file: PathBuf,
        #[command(flatten)]
        amount: Amount,
    },
}

#[derive(Args)]
struct Amount {
    /// Images of a step, 224 pixels wide and high.
    #[arg(long)]
    batch: usize,
    /// Timed steps of which the median counts, after one that does not.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    steps: u16,
}

fn main() -> ExitCode {
    match measure(Arguments::parse().peer) {
        Ok(seconds) => {
            println!("{{\"seconds\": {seconds}}}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The median time of a step, in seconds.
fn measure(peer: Peer) -> Result<f64> {
    let threads = threads()?;
    match peer {
        Peer::Candle { model, amount } => candle::measure(model, &amount),
        Peer::Tract { file, amount } => tract::measure(&file, &amount, threads),
    }
}

/// The threads that both are to use. candle reads the variable itself.
fn threads() -> Result<usize> {
    let name = "RAYON_NUM_THREADS";
    let value = std::env::var(name).with_context(|| format!("{name}, a number of threads"))?;
    value
        .parse()
        .with_context(|| format!("{name}: found {value:?}, expected a number of threads"))
}

impl Amount {
    /// What the images have, channels first.
    fn shape(&self) -> [usize; 4] {
        [self.batch, 3, 224, 224]
    }

    /// Numbers between -1 and 1 that do not repeat, for all images.
    fn noise(&self) -> Vec<f32> {
        let count = self.shape().iter().product();
        (0..count)
            .map(|place: usize| (place as f32).sin())
            .collect()
    }

    /// The median time of `step`, in seconds.
    fn median(&self, mut step: impl FnMut() -> Result<()>) -> Result<f64> {
        step()?;
        let mut times = Vec::new();
        for _ in 0..self.steps {
            let start = Instant::now();
            step()?;
            times.push(start.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        let middle = times.len() / 2;
        Ok((times[middle] + times[(times.len() - 1) / 2]) / 2.0)
    }
}
