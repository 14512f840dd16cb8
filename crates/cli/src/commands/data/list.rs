//! `zoo data list`: the data sets by name.

use burn_zoo::datasets::DatasetName;
use clap::Args;
use serde_json::json;

use crate::error::CliError;
use crate::output::{Output, table};

/// List the data sets
#[derive(Debug, Args)]
pub(crate) struct ListArgs {}

pub(crate) fn run(_args: &ListArgs, output: Output) -> Result<(), CliError> {
    let document: Vec<_> = DatasetName::ALL
        .map(|name| json!({ "name": name.as_str(), "about": name.summary() }))
        .to_vec();
    output.show(&document, || {
        let rows = DatasetName::ALL.map(|name| [name.to_string(), name.summary().to_owned()]);
        table(["data set", "about"], [false; 2], &rows)
    })
}
