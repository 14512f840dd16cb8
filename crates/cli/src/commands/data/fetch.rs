//! `zoo data fetch`: bring a data set here.

use std::path::PathBuf;

use burn_zoo::datasets::{
    FetchOptions, HubError, HubOptions, HubSet, PackError, Progress, default_root, fetch, fetch_hub,
};
use clap::Args;
use serde_json::json;

use crate::error::CliError;
use crate::load;
use crate::output::Output;
use crate::progress::FetchBar;

/// Download a data set, check it and unpack it
///
/// An interrupted download goes on where it stopped. BURN_ZOO_MIRROR names another server.
///
/// hf:OWNER/NAME is an image set of the Hugging Face Hub, hf:OWNER/NAME:CONFIG one of its configs. It becomes tar shards: train
/// on them with `data.name = "shards"` and their folder as `data.root`. HF_TOKEN holds the token that private and gated sets
/// want, HF_ENDPOINT names a mirror.
#[derive(Debug, Args)]
pub(crate) struct FetchArgs {
    /// The data set, as `zoo data list` lists it, or hf:OWNER/NAME.
    name: String,

    /// Folder that data sets are kept in [default: $BURN_ZOO_DATA, or data]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,

    /// Column of the labels, for sets of the Hub with several, as cifar100's fine_label.
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
}

pub(crate) fn run(args: &FetchArgs, output: Output) -> Result<(), CliError> {
    let root = args.root.clone().unwrap_or_else(default_root);
    let mut bar = FetchBar::default();
    let mut show = |progress: Progress<'_>| bar.show(&progress);
    let (name, folder) = if HubSet::has_prefix(&args.name) {
        let set: HubSet = args.name.parse().map_err(CliError::input)?;
        let options = HubOptions {
            label: args.label.clone(),
            ..HubOptions::from_env()
        };
        let folder = fetch_hub(&set, &root, &options, &mut show).map_err(|error| match error {
            HubError::Pack(PackError::Write { .. }) => CliError::Failed(error.to_string()),
            _ => CliError::input(error),
        });
        (set.to_string(), folder)
    } else {
        let name = load::data_name(&args.name)?;
        if args.label.is_some() {
            return Err(CliError::input(format!(
                "--label is for sets of the Hugging Face Hub (hf:OWNER/NAME): {name} has one label an image"
            )));
        }
        let folder = fetch(name, &root, &FetchOptions::from_env(), &mut show);
        (name.to_string(), folder.map_err(CliError::input))
    };
    bar.clear();
    let folder = folder?;
    let document = json!({ "name": name, "folder": folder });
    output.show(&document, || format!("{name} is in {}", folder.display()))
}
