//! `zoo fetch`: published weights, brought here, checked and imported.

use std::path::{Path, PathBuf};

use burn_zoo::datasets::FetchOptions;
use burn_zoo::{ModelCard, ModelInfo, Published, WeightsFile};
use clap::Args;
use serde_json::json;

use crate::commands::convert::{SaveOptions, convert};
use crate::devices;
use crate::error::CliError;
use crate::output::Output;
use crate::progress::FetchBar;

/// Download the published weights of a model, check and import them
///
/// torchvision's for its names, akamaster's for the CIFAR ResNets. An interrupted download goes on where it stopped.
/// BURN_ZOO_MIRROR names another server.
#[derive(Debug, Args)]
pub(crate) struct FetchArgs {
    /// The model, as `zoo models` lists it.
    model: String,

    /// Folder that weights are kept in [default: $BURN_ZOO_WEIGHTS, or weights]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &FetchArgs, output: Output) -> Result<(), CliError> {
    let info = burn_zoo::model_info(&args.model)?;
    let Some(published) = burn_zoo::published(info.name) else {
        let known: Vec<&str> = burn_zoo::published_models().collect();
        return Err(CliError::Input(format!(
            "nobody is known to publish weights of {}; there are weights of {}",
            info.name,
            known.join(", ")
        )));
    };
    let folder = args.dir.clone().unwrap_or_else(default_folder);
    let out = folder.join(format!("{}.bpk", info.name));
    if !out.exists() {
        bring(info, published, &folder, &out)?;
    }
    let document = json!({
        "model": info.name, "weights": out, "publisher": published.publisher, "url": published.url()
    });
    output.show(&document, || {
        format!(
            "{}: weights of {} ({})",
            out.display(),
            info.name,
            published.publisher
        )
    })
}

fn bring(
    info: &ModelInfo,
    published: &Published,
    folder: &Path,
    out: &Path,
) -> Result<(), CliError> {
    let mut bar = FetchBar::default();
    let downloaded = published.fetch(folder, &FetchOptions::from_env(), &mut |progress| {
        bar.show(&progress)
    });
    bar.clear();
    let downloaded = downloaded.map_err(CliError::input)?;

    let device = devices::choose(None)?;
    let file = WeightsFile::open(&downloaded, info, &device).map_err(CliError::input)?;
    let options = file.options();
    let target = SaveOptions {
        out,
        card: ModelCard {
            model: info.name.to_owned(),
            statistics: Some(published.statistics(info)),
            source: Some(published.file.to_owned()),
        },
        overwrite: true,
    };
    convert(file, &options, false, &target, &device)?;
    // The imported file stands for it from now on.
    std::fs::remove_file(&downloaded)
        .map_err(|error| CliError::Input(format!("{}: {error}", downloaded.display())))
}

fn default_folder() -> PathBuf {
    std::env::var_os("BURN_ZOO_WEIGHTS")
        .filter(|folder| !folder.is_empty())
        .map_or_else(|| PathBuf::from("weights"), PathBuf::from)
}
