//! `zoo models`: the zoo's list.

use clap::Args;

use crate::error::CliError;
use crate::output::{Output, short, table, thousands};

/// List the models whose names match a pattern, with paper, input, parameters and multiply-adds
#[derive(Debug, Args)]
pub(crate) struct ModelsArgs {
    /// Pattern with * and ?, as in "resnet*" (quoted, so that the shell leaves it alone).
    #[arg(default_value = "*", hide_default_value = true)]
    pattern: String,
}

pub(crate) fn run(args: &ModelsArgs, output: Output) -> Result<(), CliError> {
    let models = burn_zoo::models(&args.pattern);
    if models.is_empty() {
        let nearest = burn_zoo::nearest_model(&args.pattern)
            .map_or(String::new(), |near| format!(": did you mean {near}?"));
        return Err(CliError::Input(format!(
            "no model matches {:?}{nearest} (`zoo models` lists all of them)",
            args.pattern
        )));
    }
    output.show(&models, || {
        let rows: Vec<_> = models
            .iter()
            .map(|info| {
                let [channels, height, width] = info.input;
                [
                    info.name.to_owned(),
                    info.paper.year.to_string(),
                    format!("{channels}×{height}×{width}"),
                    info.classes.to_string(),
                    thousands(info.parameters as u64),
                    short(info.multiply_adds),
                    info.about.to_owned(),
                ]
            })
            .collect();
        table(
            [
                "model",
                "year",
                "input",
                "classes",
                "parameters",
                "mult-adds",
                "about",
            ],
            [false, false, false, true, true, true, false],
            &rows,
        )
    })
}
