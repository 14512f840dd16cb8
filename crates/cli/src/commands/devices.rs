//! `zoo devices`: where this program can compute, and where it could.

use clap::Args;
use serde::Serialize;

use crate::devices::{self, Backend, Found};
use crate::error::CliError;
use crate::output::{Output, bytes, table};

/// List the devices found, what they can do, and the backends that could be compiled in
///
/// What a driver does not tell is left out: memory, for one, is known of CUDA, ROCm and the backend vulkan alone. Where
/// no GPU is found, it says what is missing.
#[derive(Debug, Args)]
pub(crate) struct DevicesArgs {}

#[derive(Serialize)]
struct Listing {
    devices: Vec<Found>,
    /// What to do where none of them is a GPU.
    advice: Option<String>,
    backends: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    backend: Backend,
    about: &'static str,
    compiled_in: bool,
}

pub(crate) fn run(_args: &DevicesArgs, output: Output) -> Result<(), CliError> {
    let backends = Backend::ALL.into_iter().map(|backend| Listed {
        backend,
        about: backend.about(),
        compiled_in: backend.is_compiled_in(),
    });
    let devices = devices::all();
    let has_gpu = devices.iter().any(|found| found.kind == "gpu");
    let listing = Listing {
        devices,
        advice: (!has_gpu).then(devices::without_gpu),
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
        let backends = table(["backend", "runs on", "this program"], [false; 3], &rows);
        let details: Vec<String> = listing.devices.iter().map(details).collect();
        let advice = listing.advice.as_ref();
        let advice = advice.map_or(String::new(), |advice| {
            format!("no GPU was found\n{advice}\n\n")
        });
        format!("{found}\n\n{}\n\n{advice}{backends}", details.join("\n"))
    })
}

/// `wgpu: by Vulkan; driver …; largest buffer 128.0 MiB; precisions f32, f16; features that can use it wgpu`.
fn details(found: &Found) -> String {
    let features: Vec<&str> = found.features.iter().map(|it| it.name()).collect();
    let parts = [
        ("by", found.api.map(str::to_owned)),
        ("driver", found.driver.clone()),
        ("memory", found.memory_bytes.map(bytes)),
        ("largest buffer", found.largest_buffer_bytes.map(bytes)),
        ("precisions", listed(&found.precisions)),
        ("matrices", listed(&found.matrices)),
        ("features that can use it", listed(&features)),
    ];
    let told = parts
        .into_iter()
        .filter_map(|(what, value)| value.map(|value| format!("{what} {value}")));
    let told: Vec<String> = told.collect();
    format!("{}: {}", found.device, told.join("; "))
}

/// None of an empty list.
fn listed(items: &[impl AsRef<str>]) -> Option<String> {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    (!items.is_empty()).then(|| items.join(", "))
}
