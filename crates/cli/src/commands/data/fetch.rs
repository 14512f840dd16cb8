//! `zoo data fetch`: bring a data set here.

use std::path::PathBuf;

use burn_zoo::datasets::{FetchOptions, default_root, fetch};
use clap::Args;
use serde_json::json;

use crate::error::Failure;
use crate::output::Output;
use crate::progress::FetchBar;
use crate::setup;

/// Download a data set, check it and unpack it
///
/// An interrupted download goes on where it stopped. BURN_ZOO_MIRROR names another server.
#[derive(Debug, Args)]
pub(crate) struct FetchArgs {
    /// The data set, as `zoo data list` lists it.
    name: String,

    /// Folder that data sets are kept in [default: $BURN_ZOO_DATA, or data]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

pub(crate) fn run(args: &FetchArgs, output: Output) -> Result<(), Failure> {
    let name = setup::data_name(&args.name)?;
    let root = args.root.clone().unwrap_or_else(default_root);
    let mut bar = FetchBar::default();
    let folder = fetch(name, &root, &FetchOptions::from_env(), &mut |progress| {
        bar.show(&progress)
    });
    bar.clear();
    let folder = folder.map_err(Failure::input)?;
    let document = json!({ "name": name.as_str(), "folder": folder });
    output.show(&document, || format!("{name} is in {}", folder.display()))
}
