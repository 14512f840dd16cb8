//! `zoo summary`: a network layer by layer.

use burn_zoo::{CreateOptions, Summary};
use clap::Args;

use crate::devices;
use crate::error::Failure;
use crate::output::{Output, short, table, thousands};

/// Show a model layer by layer: kernel, output shape, parameters, multiply-adds
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
}

pub(crate) fn run(args: &SummaryArgs, output: Output) -> Result<(), Failure> {
    let options = CreateOptions {
        num_classes: args.classes,
        in_channels: args.input.map(|[channels, ..]| channels),
        ..CreateOptions::default()
    };
    let size = args.input.map(|[_, height, width]| [height, width]);
    let summary = burn_zoo::summarize(&args.model, &options, size, &devices::recorder())?;
    output.show(&summary, || text(&summary))
}

fn text(summary: &Summary) -> String {
    let mut rows: Vec<[String; 6]> = summary
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
                "mult-adds"
            ],
            [false, false, false, false, true, true],
            &rows,
        )
    )
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
