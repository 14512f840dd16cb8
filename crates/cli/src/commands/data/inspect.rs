//! `zoo data inspect`: every image of a data set is read once, counted and compared with the others.

mod dataset_stats;
mod duplicates;

use std::path::PathBuf;

use burn::data::dataset::Dataset;
use burn_zoo::data::{ImageData, ImageSource, Split, thumbnail};
use burn_zoo::datasets::OpenOptions;
use burn_zoo::report::{
    ClassCount, DuplicateGroup, DuplicateImage, Inspection, SplitInspection, inspection_page,
    png_uri, shown_groups,
};
use burn_zoo::trainer::write_atomic;
use clap::Args;

use self::dataset_stats::DatasetStats;
use crate::error::CliError;
use crate::output::{Output, table, thousands};
use crate::progress::bar;

/// Longest side in pixels of an image in the page.
const SIDE: usize = 96;
/// Groups of duplicates that the terminal shows.
const GROUPS: usize = 10;
/// Damaged files that the terminal shows of each split.
const DAMAGED: usize = 20;

/// Read every image of a data set: count classes and sizes, measure mean and std, name damaged files, find duplicates
///
/// Images are compared within the splits and between them: a validation image that was trained on is a leak. Copies
/// are found through compression and resizing, not through cropping or turning.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The data set, as `zoo data list` lists it.
    name: String,

    /// Folder of the data set [default: $BURN_ZOO_DATA, or data]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,

    /// Write one self-contained HTML page with the same, and the duplicates as images
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

pub(crate) fn run(args: &InspectArgs, output: Output) -> Result<(), CliError> {
    let options = OpenOptions {
        root: args.root.clone(),
        ..OpenOptions::default()
    };
    let data = burn_zoo::open_data(&args.name, &options).map_err(CliError::input)?;
    let bar = bar((data.train.len() + data.valid.len()) as u64, "images");
    let train = DatasetStats::of(&data.train, &bar);
    let valid = DatasetStats::of(&data.valid, &bar);
    bar.finish_and_clear();

    let mut inspection = inspect(&data, train, valid);
    name_files(&mut inspection.duplicates.shown, &data);
    if let Some(file) = &args.html {
        let groups = with_images(shown_groups(&inspection.duplicates), &data);
        write_atomic(file, inspection_page(&inspection, groups).as_bytes())?;
    }
    output.show(&inspection, || text(&inspection))
}

fn inspect(data: &ImageData, train: DatasetStats, valid: DatasetStats) -> Inspection {
    let classes = &data.info.classes;
    let duplicates = duplicates::find([&train.prints, &valid.prints], classes);
    let [of_train, of_valid] =
        [&train, &valid].map(|dataset_stats| dataset_stats.of_classes(classes.len()));
    let counts = classes
        .iter()
        .zip(of_train.into_iter().zip(of_valid))
        .map(|(class, (train, valid))| ClassCount {
            class: class.clone(),
            train,
            valid,
        })
        .collect();
    let channels = data.info.channels;
    Inspection {
        name: data.info.name.clone(),
        train: train.report(data.train.len(), channels, classes.len()),
        valid: valid.report(data.valid.len(), channels, classes.len()),
        classes: counts,
        stated_mean: data.info.mean.clone(),
        stated_std: data.info.std.clone(),
        duplicates,
    }
}

/// The split that an image of a group is in.
fn split_of<'a>(image: &DuplicateImage, data: &'a ImageData) -> &'a Split {
    match image.split {
        duplicates::TRAIN => &data.train,
        _ => &data.valid,
    }
}

fn name_files(groups: &mut [DuplicateGroup], data: &ImageData) {
    for image in groups.iter_mut().flat_map(|group| &mut group.images) {
        let sample = split_of(image, data).get(image.index).ok();
        image.file = sample.and_then(|sample| match sample.image {
            ImageSource::File(path) | ImageSource::Encoded { name: path, .. } => {
                Some(path.display().to_string())
            }
            ImageSource::Decoded(_) => None,
        });
    }
}

fn with_images(mut groups: Vec<DuplicateGroup>, data: &ImageData) -> Vec<DuplicateGroup> {
    for image in groups.iter_mut().flat_map(|group| &mut group.images) {
        // It was there a moment ago; one that cannot be read again is named without its image.
        let sample = split_of(image, data).get(image.index).ok();
        let decoded = sample.and_then(|sample| sample.image.decode().ok());
        let png = decoded.and_then(|decoded| thumbnail(&decoded, SIDE).ok());
        image.image = png.map_or(String::new(), |png| png_uri(&png));
    }
    groups
}

fn text(inspection: &Inspection) -> String {
    let rows: Vec<_> = inspection
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
    let mut lines = vec![
        format!("{}: {} classes", inspection.name, inspection.classes.len()),
        classes,
        String::new(),
    ];
    for (name, split) in [("train", &inspection.train), ("valid", &inspection.valid)] {
        of_split(name, split, &mut lines);
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
        stated(&inspection.stated_mean),
        stated(&inspection.stated_std)
    ));
    of_duplicates(inspection, &mut lines);
    lines.join("\n")
}

fn of_split(name: &str, split: &SplitInspection, lines: &mut Vec<String>) {
    let sizes: Vec<String> = split
        .sizes
        .iter()
        .take(8)
        .map(|(size, count)| format!("{size} ({})", thousands(*count as u64)))
        .collect();
    lines.push(format!(
        "{name}: {} images, {}{}",
        thousands(split.images as u64),
        sizes.join(", "),
        and_more(split.sizes.len(), 8)
    ));
    lines.push(format!(
        "  measured mean {} std {}",
        list(&split.mean),
        list(&split.std)
    ));
    lines.push(match split.imbalance {
        Some(ratio) => format!("  the largest class has {ratio:.2} times the smallest"),
        None => "  a class has no image".to_owned(),
    });
    let damaged = split.damaged.iter().take(DAMAGED);
    lines.extend(damaged.map(|message| format!("  damaged: {message}")));
    if split.damaged.len() > DAMAGED {
        lines.push(format!(
            "  damaged:{}",
            and_more(split.damaged.len(), DAMAGED)
        ));
    }
}

fn of_duplicates(inspection: &Inspection, lines: &mut Vec<String>) {
    let found = &inspection.duplicates;
    lines.push(format!(
        "duplicates: {} the same as an earlier image, {} look alike",
        thousands(found.exact as u64),
        thousands(found.near as u64)
    ));
    lines.push(format!(
        "leaks: {} validation images are in training as well, {} look like one",
        thousands(found.leaked_exact as u64),
        thousands(found.leaked_near as u64)
    ));
    if found.contradictions > 0 {
        lines.push(format!(
            "contradictions: {} groups of duplicates have different labels",
            thousands(found.contradictions as u64)
        ));
    }
    for group in found.shown.iter().take(GROUPS) {
        let kind = if group.exact { "the same" } else { "alike" };
        let images: Vec<String> = group
            .images
            .iter()
            .take(4)
            .map(|image| match &image.file {
                Some(file) => format!("{} {file}", image.split),
                None => format!("{} {} ({})", image.split, image.index, image.class),
            })
            .collect();
        lines.push(format!(
            "  {kind}: {}{}",
            images.join(", "),
            and_more(group.size, images.len())
        ));
    }
    if found.groups > GROUPS {
        lines.push(format!(
            "  {} groups in all; --html shows them, --json lists them",
            thousands(found.groups as u64)
        ));
    }
}

fn and_more(all: usize, shown: usize) -> String {
    match all.saturating_sub(shown) {
        0 => String::new(),
        more => format!(" and {} more", thousands(more as u64)),
    }
}

fn list(values: &[f64]) -> String {
    let values: Vec<String> = values.iter().map(|value| format!("{value:.4}")).collect();
    format!("[{}]", values.join(", "))
}
