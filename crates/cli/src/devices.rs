//! Devices: the only place that names one.

mod backend;
mod details;
mod found;
mod missing;
#[cfg(feature = "warm")]
mod warm;

use burn::tensor::Device;

use crate::error::CliError;
use backend::{default_of, is_software};
use missing::Machine;

pub(crate) use backend::{Backend, is_probing};
pub(crate) use details::{device_cache_bytes, held};
pub(crate) use found::{Found, all, name_of};
#[cfg(feature = "warm")]
pub(crate) use warm::keep_kernels;

/// The device that `--device` asks for; without it `BURN_DEVICE`, or the first GPU found before a CPU.
pub(crate) fn choose(asked: Option<&str>) -> Result<Device, CliError> {
    let variable = std::env::var("BURN_DEVICE")
        .ok()
        .filter(|value| !value.is_empty());
    match (asked, variable) {
        (Some(asked), _) => open(asked, "--device"),
        (None, Some(variable)) => open(&variable, "BURN_DEVICE"),
        (None, None) => preferred(),
    }
}

/// Whether its kernels are compiled and tuned when they are first used.
pub(crate) fn compiles_kernels(device: &Device) -> bool {
    // Burn shows the runtime in the debug form alone, without the kernels' own device types.
    format!("{device:?}").contains("Cube(")
}

/// Whether it is a graphics card, or a driver's imitation of one.
pub(crate) fn has_own_memory(device: &Device) -> bool {
    compiles_kernels(device) && !format!("{device:?}").contains("Cube(Cpu")
}

/// A device that records a computation instead of doing it.
pub(crate) fn recorder() -> Device {
    Device::capture()
}

fn preferred() -> Result<Device, CliError> {
    let hardware = |device: &Device| !is_software(device);
    let mut candidates: Vec<(Backend, Device)> = Vec::new();
    for backend in Backend::compiled_in() {
        let found = backend.found();
        if let Some(gpu) = found
            .iter()
            .find(|device| backend.is_gpu() && hardware(device))
        {
            return Ok(gpu.clone());
        }
        candidates.extend(found.into_iter().map(|device| (backend, device)));
    }
    // A software rasteriser is slower than a CPU backend, and better than nothing.
    candidates.sort_by_key(|(backend, _)| backend.is_gpu());
    let first = candidates.into_iter().next();
    first.map(|(_, device)| device).ok_or_else(|| {
        CliError::Input(format!(
            "no device was found: this zoo is built for {} only; `cargo run --release --features flex -- …` computes \
             on any CPU",
            names(Backend::is_compiled_in)
        ))
    })
}

/// The device called `text`, which `source` asks for.
pub(crate) fn open(text: &str, source: &str) -> Result<Device, CliError> {
    let (name, number) = match text.split_once(':') {
        None => (text, None),
        Some((name, number)) => {
            let number: usize = number.parse().map_err(|_| {
                CliError::Input(format!(
                    "{source} {text}: found {number:?} behind the colon, expected the number of a device, as in {name}:0"
                ))
            })?;
            (name, Some(number))
        }
    };
    let Some(backend) = Backend::ALL
        .into_iter()
        .find(|backend| backend.name().eq_ignore_ascii_case(name))
    else {
        let nearest = nearest(name).map_or(String::new(), |near| format!("; did you mean {near}?"));
        return Err(CliError::Input(format!(
            "{source} {text}: there is no device called {name:?}{nearest} (devices: {})",
            names(|_| true)
        )));
    };
    if !backend.is_compiled_in() {
        return Err(CliError::Input(format!(
            "{source} {text}: this zoo is built without {backend} (built for: {}); run it as \
             `cargo run --release --features {backend} -- …`",
            names(Backend::is_compiled_in)
        )));
    }
    let found = backend.found();
    let count = found.len();
    let chosen = match number {
        // The driver's own choice, which is not always the first of the list.
        None if count > 0 => Some(default_of(backend).unwrap_or_else(|| found[0].clone())),
        None => None,
        Some(number) => found.into_iter().nth(number),
    };
    chosen.ok_or_else(|| {
        CliError::Input(match count {
            0 => format!(
                "{source} {text}: {backend} finds no device on this machine: {}; `zoo devices` lists what is there",
                Machine::this().advice(backend)
            ),
            1 => format!("{source} {text}: {backend} finds 1 device on this machine, {backend}:0"),
            _ => format!(
                "{source} {text}: {backend} finds {count} devices on this machine, {backend}:0 to {backend}:{}",
                count - 1
            ),
        })
    })
}

fn nearest(name: &str) -> Option<&'static str> {
    let names = Backend::ALL.into_iter().map(Backend::name);
    let scored = names.map(|known| {
        (
            strsim::damerau_levenshtein(&name.to_ascii_lowercase(), known),
            known,
        )
    });
    let (distance, known) = scored.min()?;
    (distance <= known.len() / 2).then_some(known)
}

fn names(keep: impl Fn(Backend) -> bool) -> String {
    let kept: Vec<&str> = Backend::ALL
        .into_iter()
        .filter(|backend| keep(*backend))
        .map(Backend::name)
        .collect();
    kept.join(", ")
}

/// What to do where no GPU was found.
pub(crate) fn without_gpu() -> String {
    Machine::this().without_gpu(Backend::is_compiled_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        open(text, "--device")
            .expect_err("no such device")
            .to_string()
    }

    #[test]
    fn a_misspelt_device_is_answered_with_the_nearest() {
        assert!(
            refusal("felx").contains("did you mean flex?"),
            "{}",
            refusal("felx")
        );
        assert!(refusal("vulcan").contains("did you mean vulkan?"));
        assert!(!refusal("quantum-computer").contains("did you mean"));
    }

    #[cfg(feature = "flex")]
    #[test]
    fn a_number_must_be_a_number_of_a_device() {
        assert!(open("flex", "--device").is_ok());
        assert!(open("FLEX:0", "--device").is_ok());
        assert!(refusal("flex:1").contains("flex finds 1 device"));
        assert!(refusal("flex:x").contains("expected the number of a device"));
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_backend_that_is_not_compiled_in_is_answered_with_the_command_that_does() {
        assert!(
            refusal("cuda:0").contains("cargo run --release --features cuda -- "),
            "{}",
            refusal("cuda:0")
        );
    }
}
