//! `zoo data fetch`: bring a data set here.

use std::path::PathBuf;

use burn_zoo::datasets::{FetchOptions, Phase, Progress, default_root, fetch};
use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;

use crate::error::Failure;
use crate::output::Output;
use crate::progress::byte_bar;
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
    let mut bar = Bar::default();
    let folder = fetch(name, &root, &FetchOptions::from_env(), &mut |progress| {
        bar.show(&progress)
    });
    bar.clear();
    let folder = folder.map_err(Failure::input)?;
    let document = json!({ "name": name.as_str(), "folder": folder });
    output.show(&document, || format!("{name} is in {}", folder.display()))
}

/// One bar at a time, for the file and phase at hand.
#[derive(Default)]
struct Bar {
    current: Option<(String, Phase, ProgressBar)>,
}

impl Bar {
    fn show(&mut self, progress: &Progress<'_>) {
        let Progress {
            file,
            phase,
            done,
            total,
        } = *progress;
        let is_current = self
            .current
            .as_ref()
            .is_some_and(|(name, now, _)| name == file && *now == phase);
        if !is_current {
            self.clear();
            let bar = byte_bar(total);
            let what = match phase {
                Phase::Download => "download",
                Phase::Verify => "verify",
                Phase::Unpack => "unpack",
            };
            bar.set_message(format!("{what} {file}"));
            self.current = Some((file.to_owned(), phase, bar));
        }
        if let Some((_, _, bar)) = &self.current {
            bar.set_length(total);
            bar.set_position(done);
        }
    }

    fn clear(&mut self) {
        if let Some((_, _, bar)) = self.current.take() {
            bar.finish_and_clear();
        }
    }
}
