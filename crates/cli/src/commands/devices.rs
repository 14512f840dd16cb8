//! `zoo devices`: where this program can compute, and where it could.

use clap::Args;
use serde::Serialize;

use crate::devices::{self, Backend, Found};
use crate::error::Failure;
use crate::output::{Output, table};

/// List the devices found, and the backends that could be compiled in
#[derive(Debug, Args)]
pub(crate) struct DevicesArgs {}

#[derive(Serialize)]
struct Listing {
    devices: Vec<Found>,
    backends: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    backend: Backend,
    about: &'static str,
    compiled_in: bool,
}

pub(crate) fn run(_args: &DevicesArgs, output: Output) -> Result<(), Failure> {
    let backends = Backend::ALL.into_iter().map(|backend| Listed {
        backend,
        about: backend.about(),
        compiled_in: backend.is_compiled_in(),
    });
    let listing = Listing {
        devices: devices::all(),
        backends: backends.collect(),
    };
    output.show(&listing, || {
        let rows: Vec<_> = listing
            .devices
            .iter()
            .map(|found| {
                [
                    found.device.clone(),
                    found.kind.to_owned(),
                    found.name.clone(),
                ]
            })
            .collect();
        let found = table(["device", "kind", "name"], [false; 3], &rows);
        let rows: Vec<_> = listing
            .backends
            .iter()
            .map(|listed| {
                let state = match listed.compiled_in {
                    true => "compiled in".to_owned(),
                    false => format!("cargo run --release --features {} -- …", listed.backend),
                };
                [listed.backend.to_string(), listed.about.to_owned(), state]
            })
            .collect();
        format!(
            "{found}\n\n{}",
            table(["backend", "runs on", "this program"], [false; 3], &rows)
        )
    })
}
