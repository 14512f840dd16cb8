//! The devices of this machine, as `zoo devices` lists them.

use burn::tensor::{Device, FloatDType};
use serde::Serialize;

use super::backend::{Backend, is_software, quietly};
use super::details::{Details, Probe, name_by_runtime};

/// A device, and what is known of it.
#[derive(Debug, Serialize)]
pub(crate) struct Found {
    /// What to write behind `--device`.
    pub(crate) device: String,
    pub(crate) backend: Backend,
    /// The driver's name of it.
    pub(crate) name: String,
    /// `gpu` or `cpu`.
    pub(crate) kind: &'static str,
    /// The graphics API that it is reached by.
    pub(crate) api: Option<&'static str>,
    pub(crate) driver: Option<String>,
    pub(crate) memory_bytes: Option<u64>,
    /// No tensor can be larger.
    pub(crate) largest_buffer_bytes: Option<u64>,
    /// Values of `train.precision` that it computes in.
    pub(crate) precisions: Vec<&'static str>,
    /// Matrices that its units multiply at once.
    pub(crate) matrices: Vec<String>,
    /// Backends that can use it, compiled in or not, the preferred first.
    pub(crate) features: Vec<Backend>,
}

/// Every device of every backend that is compiled in. Opens them all.
pub(crate) fn all() -> Vec<Found> {
    Backend::compiled_in().flat_map(of_backend).collect()
}

/// What to write behind `--device` for `device`, and the driver's name of it.
pub(crate) fn name_of(device: &Device) -> String {
    for backend in Backend::compiled_in() {
        let found = backend.found();
        if let Some(number) = found.iter().position(|known| known == device) {
            // Its name alone: a run that begins does not open the devices beside its own.
            let told = quietly(|| name_by_runtime(device)).flatten();
            return format!(
                "{} ({})",
                numbered(backend, number, found.len()),
                told.unwrap_or_else(|| unnamed(backend))
            );
        }
    }
    format!("{device:?}")
}

fn of_backend(backend: Backend) -> Vec<Found> {
    let devices = backend.found();
    let count = devices.len();
    let mut probe = quietly(|| Probe::new(backend));
    let described = devices.into_iter().enumerate().map(|(number, device)| {
        let details = probe
            .as_mut()
            .and_then(|probe| quietly(|| probe.details(&device)));
        let name = numbered(backend, number, count);
        describe(name, backend, &device, details.unwrap_or_default())
    });
    described.collect()
}

/// What to write behind `--device` for one of `count` devices of a backend.
fn numbered(backend: Backend, number: usize, count: usize) -> String {
    match count {
        1 => backend.to_string(),
        _ => format!("{backend}:{number}"),
    }
}

fn describe(name: String, backend: Backend, device: &Device, details: Details) -> Found {
    let is_gpu = backend.is_gpu() && !is_software(device);
    let supports = |dtype| quietly(|| device.supports_dtype(dtype)).unwrap_or(false);
    let precisions = [
        ("f32", FloatDType::F32),
        ("bf16", FloatDType::BF16),
        ("f16", FloatDType::F16),
    ];
    let precisions = precisions.into_iter().filter(|(_, dtype)| supports(*dtype));
    let features = features(backend, is_gpu, &details);
    Found {
        device: name,
        backend,
        name: details.name.unwrap_or_else(|| unnamed(backend)),
        kind: if is_gpu { "gpu" } else { "cpu" },
        api: details.api,
        driver: details.driver,
        memory_bytes: details.memory,
        largest_buffer_bytes: details.largest_buffer,
        precisions: precisions.map(|(name, _)| name).collect(),
        matrices: details.matrices,
        features,
    }
}

/// The backends that can use what is behind the device.
fn features(backend: Backend, is_gpu: bool, details: &Details) -> Vec<Backend> {
    match backend {
        Backend::Flex | Backend::Cpu | Backend::NdArray => {
            return vec![Backend::Flex, Backend::Cpu, Backend::NdArray];
        }
        // SPIR-V crashes Mesa's llvmpipe, the commonest of them.
        _ if !is_gpu => return vec![Backend::Wgpu],
        _ => {}
    }
    let only = matches!(backend, Backend::Cuda | Backend::Rocm | Backend::Metal);
    let own = details.own_backend.or(only.then_some(backend));
    let by_vulkan =
        details.api == Some("Vulkan") || matches!(own, Some(Backend::Cuda | Backend::Rocm));
    let vulkan = by_vulkan.then_some(Backend::Vulkan);
    own.into_iter()
        .chain(vulkan)
        .chain([Backend::Wgpu])
        .collect()
}

fn unnamed(backend: Backend) -> String {
    if backend.is_gpu() {
        return "name unknown".to_owned();
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{} CPU, {cores} cores", std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_used_by_the_backend_of_its_vendor_and_by_the_graphics_apis() {
        let card = |own_backend| Details {
            api: Some("Vulkan"),
            own_backend,
            ..Details::default()
        };
        let nvidia = features(Backend::Wgpu, true, &card(Some(Backend::Cuda)));
        assert_eq!(nvidia, [Backend::Cuda, Backend::Vulkan, Backend::Wgpu]);
        let intel = features(Backend::Wgpu, true, &card(None));
        assert_eq!(intel, [Backend::Vulkan, Backend::Wgpu]);
        let software = features(Backend::Wgpu, false, &card(None));
        assert_eq!(software, [Backend::Wgpu]);
        let cuda = features(Backend::Cuda, true, &Details::default());
        assert_eq!(cuda, [Backend::Cuda, Backend::Vulkan, Backend::Wgpu]);
    }
}
