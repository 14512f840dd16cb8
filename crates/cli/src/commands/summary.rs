//! `zoo summary`: a network layer by layer.

use std::path::{Path, PathBuf};

use burn_zoo::trainer::write_atomic;
use burn_zoo::{ModelOptions, Summary};
use clap::Args;

use crate::devices;
use crate::error::CliError;
use crate::output::{Output, bytes, short, table, thousands};

/// Show a model layer by layer, and draw it: kernel, output, parameters, multiply-adds, memory, receptive field
#[derive(Debug, Args)]
pub(crate) struct SummaryArgs {
    /// The model, as `zoo models` lists it.
    model: String,

    /// Channels, height and width of the input [default: the model's own]
    #[arg(long, value_name = "CxHxW", value_parser = parse_input)]
    input: Option<[usize; 3]>,

    /// Classes of the head [default: the model's own]
    #[arg(long, value_name = "N")]
    classes: Option<usize>,

    /// Draw the architecture into this SVG file, as a figure for a slide.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// Replace the SVG file if there is one.
    #[arg(long, requires = "svg")]
    overwrite: bool,
}

pub(crate) fn run(args: &SummaryArgs, output: Output) -> Result<(), CliError> {
    let options = ModelOptions {
        num_classes: args.classes,
        in_channels: args.input.map(|[channels, ..]| channels),
        ..ModelOptions::default()
    };
    let size = args.input.map(|[_, height, width]| [height, width]);
    let recorder = devices::recorder();
    let summary = burn_zoo::summarize(&args.model, &options, size, &recorder)?;
    if let Some(path) = &args.svg {
        refuse_unwritable(path, args.overwrite)?;
        let svg = burn_zoo::figure(&args.model, &options, size, &recorder)?;
        write_atomic(path, svg.as_bytes())?;
    }
    output.show(&summary, || text(&summary))
}

/// Says in one sentence what a system's error would not.
fn refuse_unwritable(path: &Path, overwrite: bool) -> Result<(), CliError> {
    let shown = path.display();
    let folder = folder_of(path);
    if !folder.is_dir() {
        return Err(CliError::Input(format!(
            "cannot write {shown}: there is no folder {}; create it or give another --svg",
            folder.display()
        )));
    }
    if path.is_dir() {
        return Err(CliError::Input(format!(
            "cannot write {shown}: it is a folder; give --svg the name of a file"
        )));
    }
    if !overwrite && path.symlink_metadata().is_ok() {
        return Err(CliError::Input(format!(
            "{shown} exists: give another --svg, or --overwrite to replace it"
        )));
    }
    Ok(())
}

/// The folder of a file; of a bare name, the one that the program runs in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn text(summary: &Summary) -> String {
    let mut rows: Vec<[String; 8]> = summary
        .layers
        .iter()
        .map(|layer| {
            [
                layer.name.clone(),
                layer.kind.clone(),
                layer.kernel.clone().unwrap_or_default(),
                layer
                    .output
                    .as_ref()
                    .map_or("training only".to_owned(), |shape| shape_text(shape)),
                if layer.parameters == 0 {
                    String::new()
                } else {
                    thousands(layer.parameters as u64)
                },
                if layer.multiply_adds == 0 {
                    String::new()
                } else {
                    thousands(layer.multiply_adds)
                },
                if layer.output.is_some() {
                    bytes(layer.activation_bytes)
                } else {
                    String::new()
                },
                match (&layer.output, layer.receptive_field) {
                    (None, _) => String::new(),
                    (Some(_), Some(sides)) => field_text(sides),
                    (Some(_), None) => "image".to_owned(),
                },
            ]
        })
        .collect();
    let rule = |column: usize| {
        "─".repeat(
            rows.iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0),
        )
    };
    let rule = std::array::from_fn(rule);
    rows.push(rule);
    rows.push([
        "total".to_owned(),
        String::new(),
        String::new(),
        String::new(),
        thousands(summary.parameters as u64),
        thousands(summary.multiply_adds),
        bytes(summary.activation_bytes),
        summary.receptive_field.map(field_text).unwrap_or_default(),
    ]);
    let [channels, height, width] = summary.input;
    format!(
        "{} on {channels}×{height}×{width}, {} classes: {} parameters, {} multiply-adds\n\n{}",
        summary.model,
        summary.classes,
        thousands(summary.parameters as u64),
        short(summary.multiply_adds),
        table(
            [
                "layer",
                "kind",
                "kernel",
                "output",
                "parameters",
                "mult-adds",
                "activations",
                "receptive"
            ],
            [false, false, false, false, true, true, true, true],
            &rows,
        )
    )
}

/// A receptive field: one number where it is square.
fn field_text([height, width]: [usize; 2]) -> String {
    if height == width {
        height.to_string()
    } else {
        format!("{height}×{width}")
    }
}

fn shape_text(shape: &[usize]) -> String {
    let sides: Vec<String> = shape.iter().map(usize::to_string).collect();
    sides.join("×")
}

fn parse_input(text: &str) -> Result<[usize; 3], String> {
    let sides: Result<Vec<usize>, _> = text.split(['x', 'X', '×']).map(str::parse).collect();
    match sides.as_deref() {
        Ok([channels, height, width])
            if [channels, height, width]
                .iter()
                .all(|side| (1..=65_536).contains(*side)) =>
        {
            Ok([*channels, *height, *width])
        }
        _ => {
            Err("expected channels, height and width, each at least 1, as in 3x224x224".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_three_sides() {
        assert_eq!(parse_input("3x224x224"), Ok([3, 224, 224]));
        assert_eq!(parse_input("1×32×28"), Ok([1, 32, 28]));
        for wrong in [
            "",
            "3",
            "3x224",
            "3x0x224",
            "3x224x224x1",
            "ax2x3",
            "-1x2x3",
            "3x99999999999x1",
        ] {
            assert!(parse_input(wrong).is_err(), "{wrong}");
        }
    }
}
