//! `zoo data inspect`: every picture of a data set is read once and counted.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::data::dataset::Dataset;
use burn_zoo::datasets::OpenOptions;
use burn_zoo::pictures::{Picture, Split};
use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;

use crate::error::Failure;
use crate::output::{Output, table, thousands};
use crate::progress::bar;

/// Read every picture of a data set: count classes and sizes, measure mean and deviation, name damaged files
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The data set, as `zoo data list` lists it.
    name: String,

    /// Folder of the data set [default: $BURN_ZOO_DATA, or data]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    name: String,
    classes: Vec<ClassCount>,
    train: SplitReport,
    valid: SplitReport,
    /// Mean of each channel that the data set states, pixels scaled to 0…1.
    stated_mean: Vec<f32>,
    stated_std: Vec<f32>,
}

#[derive(Serialize)]
struct ClassCount {
    class: String,
    train: usize,
    valid: usize,
}

#[derive(Serialize)]
struct SplitReport {
    pictures: usize,
    /// Number of pictures of each height × width × channels.
    sizes: BTreeMap<String, usize>,
    /// Measured over the pictures that can be read, pixels scaled to 0…1; grey counts as three equal channels where
    /// others have three.
    mean: Vec<f64>,
    std: Vec<f64>,
    damaged: Vec<String>,
}

pub(crate) fn run(args: &InspectArgs, output: Output) -> Result<(), Failure> {
    let options = OpenOptions {
        root: args.root.clone(),
        ..OpenOptions::default()
    };
    let data = burn_zoo::open_data(&args.name, &options).map_err(Failure::input)?;
    let bar = bar((data.train.len() + data.valid.len()) as u64, "pictures");
    let train = Census::of(&data.train, &bar);
    let valid = Census::of(&data.valid, &bar);
    bar.finish_and_clear();

    let classes = data
        .info
        .classes
        .iter()
        .enumerate()
        .map(|(label, class)| ClassCount {
            class: class.clone(),
            train: train.labels.get(&label).copied().unwrap_or(0),
            valid: valid.labels.get(&label).copied().unwrap_or(0),
        });
    let channels = data.info.channels;
    let report = Report {
        name: data.info.name.clone(),
        classes: classes.collect(),
        train: train.report(data.train.len(), channels),
        valid: valid.report(data.valid.len(), channels),
        stated_mean: data.info.mean.clone(),
        stated_std: data.info.std.clone(),
    };
    output.show(&report, || text(&report))
}

/// Sums over pictures.
#[derive(Default)]
struct Census {
    labels: BTreeMap<usize, usize>,
    sizes: BTreeMap<String, usize>,
    /// For each channel: the sum of values and of squares, and the number of values.
    sums: [[f64; 2]; 3],
    values: f64,
    damaged: BTreeMap<usize, String>,
}

impl Census {
    /// Reads a split with as many threads as there are cores.
    fn of(split: &Split, bar: &ProgressBar) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let next = AtomicUsize::new(0);
        let work = || {
            let mut census = Self::default();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= split.len() {
                    return census;
                }
                let read = split.get(index).map_err(|error| error.to_string());
                let read = read.and_then(|sample| {
                    let picture = sample.picture.decode();
                    Ok((sample.label, picture.map_err(|error| error.to_string())?))
                });
                match read {
                    Ok((label, picture)) => census.count(label, &picture),
                    Err(message) => _ = census.damaged.insert(index, message),
                }
                bar.inc(1);
            }
        };
        let parts: Vec<Self> = std::thread::scope(|scope| {
            let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            handles
                .into_iter()
                .filter_map(|handle| handle.join().ok())
                .collect()
        });
        parts.into_iter().fold(Self::default(), Self::merge)
    }

    fn count(&mut self, label: usize, picture: &Picture) {
        let Picture {
            height,
            width,
            channels,
            ref pixels,
        } = *picture;
        *self.labels.entry(label).or_default() += 1;
        *self
            .sizes
            .entry(format!("{height}×{width}×{channels}"))
            .or_default() += 1;
        self.values += (height * width) as f64;
        for (channel, sums) in self.sums.iter_mut().enumerate() {
            // Integers of a picture add up exactly.
            let own = pixels
                .iter()
                .skip(channel.min(channels - 1))
                .step_by(channels);
            let (sum, squares) = own.fold((0_u64, 0_u64), |(sum, squares), &value| {
                (
                    sum + u64::from(value),
                    squares + u64::from(value) * u64::from(value),
                )
            });
            sums[0] += sum as f64 / 255.0;
            sums[1] += squares as f64 / (255.0 * 255.0);
        }
    }

    fn merge(mut self, other: Self) -> Self {
        for (label, count) in other.labels {
            *self.labels.entry(label).or_default() += count;
        }
        for (size, count) in other.sizes {
            *self.sizes.entry(size).or_default() += count;
        }
        for (sums, others) in self.sums.iter_mut().zip(other.sums) {
            sums[0] += others[0];
            sums[1] += others[1];
        }
        self.values += other.values;
        self.damaged.extend(other.damaged);
        self
    }

    fn report(self, pictures: usize, channels: usize) -> SplitReport {
        let values = self.values.max(1.0);
        let means = self.sums.map(|[sum, _]| sum / values);
        let deviations = self.sums.map(|[sum, squares]| {
            let mean = sum / values;
            (squares / values - mean * mean).max(0.0).sqrt()
        });
        SplitReport {
            pictures,
            sizes: self.sizes,
            mean: means[..channels.min(3)].to_vec(),
            std: deviations[..channels.min(3)].to_vec(),
            damaged: self.damaged.into_values().collect(),
        }
    }
}

fn text(report: &Report) -> String {
    let rows: Vec<_> = report
        .classes
        .iter()
        .map(|count| {
            [
                count.class.clone(),
                thousands(count.train as u64),
                thousands(count.valid as u64),
            ]
        })
        .collect();
    let classes = table(["class", "train", "valid"], [false, true, true], &rows);
    let splits = [("train", &report.train), ("valid", &report.valid)];
    let mut lines = vec![
        format!("{}: {} classes", report.name, report.classes.len()),
        classes,
        String::new(),
    ];
    for (name, split) in splits {
        let sizes: Vec<String> = split
            .sizes
            .iter()
            .take(8)
            .map(|(size, count)| format!("{size} ({})", thousands(*count as u64)))
            .collect();
        let more = match split.sizes.len().saturating_sub(8) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        lines.push(format!(
            "{name}: {} pictures, {}{more}",
            thousands(split.pictures as u64),
            sizes.join(", ")
        ));
        lines.push(format!(
            "  measured mean {} std {}",
            list(&split.mean),
            list(&split.std)
        ));
        lines.extend(
            split
                .damaged
                .iter()
                .map(|message| format!("  damaged: {message}")),
        );
    }
    let stated = |values: &[f32]| {
        list(
            &values
                .iter()
                .map(|value| f64::from(*value))
                .collect::<Vec<_>>(),
        )
    };
    lines.push(format!(
        "stated mean {} std {}",
        stated(&report.stated_mean),
        stated(&report.stated_std)
    ));
    lines.join("\n")
}

fn list(values: &[f64]) -> String {
    let values: Vec<String> = values.iter().map(|value| format!("{value:.4}")).collect();
    format!("[{}]", values.join(", "))
}
