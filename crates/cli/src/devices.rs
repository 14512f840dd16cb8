//! Devices: the only file that names one.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Device;
use serde::Serialize;

use crate::error::Failure;

/// A backend of Burn that can be compiled in, the preferred first: GPUs before CPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Backend {
    Cuda,
    Metal,
    Rocm,
    Vulkan,
    WebGpu,
    Wgpu,
    Flex,
    Cpu,
    NdArray,
}

impl Backend {
    pub(crate) const ALL: [Self; 9] = [
        Self::Cuda,
        Self::Metal,
        Self::Rocm,
        Self::Vulkan,
        Self::WebGpu,
        Self::Wgpu,
        Self::Flex,
        Self::Cpu,
        Self::NdArray,
    ];

    /// Its name on the command line, and of the Cargo feature that compiles it in.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::Metal => "metal",
            Self::Rocm => "rocm",
            Self::Vulkan => "vulkan",
            Self::WebGpu => "webgpu",
            Self::Wgpu => "wgpu",
            Self::Flex => "flex",
            Self::Cpu => "cpu",
            Self::NdArray => "ndarray",
        }
    }

    /// What it runs on.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Cuda => "NVIDIA GPUs",
            Self::Metal => "Apple GPUs",
            Self::Rocm => "AMD GPUs",
            Self::Vulkan => "GPUs through Vulkan and SPIR-V",
            Self::WebGpu => "GPUs through WebGPU",
            Self::Wgpu => "GPUs through Vulkan, Metal, DirectX 12 or OpenGL, whichever is there",
            Self::Flex => "CPUs, pure Rust, the default",
            Self::Cpu => "CPUs, kernels compiled at run time",
            Self::NdArray => "CPUs, deprecated by Burn, slow",
        }
    }

    /// Whether this program can use it.
    pub(crate) fn is_compiled_in(self) -> bool {
        match self {
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Metal => cfg!(feature = "metal"),
            Self::Rocm => cfg!(feature = "rocm"),
            Self::Vulkan => cfg!(feature = "vulkan"),
            Self::WebGpu => cfg!(feature = "webgpu"),
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Flex => cfg!(feature = "flex"),
            Self::Cpu => cfg!(feature = "cpu"),
            Self::NdArray => cfg!(feature = "ndarray"),
        }
    }

    fn is_gpu(self) -> bool {
        !matches!(self, Self::Flex | Self::Cpu | Self::NdArray)
    }

    /// The devices that it finds on this machine, in the order of their numbers.
    fn enumerate(self) -> Vec<Device> {
        use burn::tensor::DeviceType as Kind;
        match self {
            #[cfg(feature = "cuda")]
            Self::Cuda => Device::enumerate(Kind::Cuda).into_vec(),
            #[cfg(feature = "metal")]
            Self::Metal => Device::enumerate(Kind::Metal).into_vec(),
            #[cfg(feature = "rocm")]
            Self::Rocm => Device::enumerate(Kind::Rocm).into_vec(),
            #[cfg(feature = "vulkan")]
            Self::Vulkan => Device::enumerate(Kind::Vulkan).into_vec(),
            #[cfg(feature = "webgpu")]
            Self::WebGpu => Device::enumerate(Kind::WebGpu).into_vec(),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Device::enumerate(Kind::Wgpu).into_vec(),
            #[cfg(feature = "flex")]
            Self::Flex => Device::enumerate(Kind::Flex).into_vec(),
            #[cfg(feature = "cpu")]
            Self::Cpu => Device::enumerate(Kind::Cpu).into_vec(),
            #[cfg(feature = "ndarray")]
            Self::NdArray => Device::enumerate(Kind::NdArray).into_vec(),
            #[allow(
                unreachable_patterns,
                reason = "with every backend compiled in, none is left"
            )]
            _ => Vec::new(),
        }
    }

    /// Its devices; a driver that panics is one that finds none.
    fn found(self) -> Vec<Device> {
        quietly(|| self.enumerate()).unwrap_or_default()
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The device that `--device` asks for; without it `BURN_DEVICE`, or the first GPU found before a CPU.
pub(crate) fn choose(asked: Option<&str>) -> Result<Device, Failure> {
    let variable = std::env::var("BURN_DEVICE")
        .ok()
        .filter(|value| !value.is_empty());
    match (asked, variable) {
        (Some(asked), _) => open(asked, "--device"),
        (None, Some(variable)) => open(&variable, "BURN_DEVICE"),
        (None, None) => preferred(),
    }
}

/// A device that records a computation instead of doing it.
pub(crate) fn recorder() -> Device {
    Device::capture()
}

fn preferred() -> Result<Device, Failure> {
    let compiled = Backend::ALL
        .into_iter()
        .filter(|backend| backend.is_compiled_in());
    let hardware = |device: &Device| !is_software(device);
    let mut candidates: Vec<(Backend, Device)> = Vec::new();
    for backend in compiled {
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
        Failure::Input(format!(
            "no device was found: this zoo is built for {} only; `cargo run --release --features flex -- …` computes \
             on any CPU",
            names(Backend::is_compiled_in)
        ))
    })
}

fn open(text: &str, source: &str) -> Result<Device, Failure> {
    let (name, number) = match text.split_once(':') {
        None => (text, None),
        Some((name, number)) => {
            let number: usize = number.parse().map_err(|_| {
                Failure::Input(format!(
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
        return Err(Failure::Input(format!(
            "{source} {text}: there is no device called {name:?}{nearest} (devices: {})",
            names(|_| true)
        )));
    };
    if !backend.is_compiled_in() {
        return Err(Failure::Input(format!(
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
        Failure::Input(match count {
            0 => format!("{source} {text}: {backend} finds no device on this machine; `zoo devices` lists what is there"),
            1 => format!("{source} {text}: {backend} finds 1 device on this machine, {backend}:0"),
            _ => format!(
                "{source} {text}: {backend} finds {count} devices on this machine, {backend}:0 to {backend}:{}",
                count - 1
            ),
        })
    })
}

/// The device that a graphics API prefers: the most powerful adapter.
fn default_of(backend: Backend) -> Option<Device> {
    match backend {
        #[cfg(feature = "vulkan")]
        Backend::Vulkan => Some(Device::vulkan(Default::default())),
        #[cfg(feature = "metal")]
        Backend::Metal => Some(Device::metal(Default::default())),
        #[cfg(feature = "webgpu")]
        Backend::WebGpu => Some(Device::webgpu(Default::default())),
        #[cfg(feature = "wgpu")]
        Backend::Wgpu => Some(Device::wgpu(Default::default())),
        _ => None,
    }
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

/// A device as `zoo devices` lists it.
#[derive(Debug, Serialize)]
pub(crate) struct Found {
    /// What to write behind `--device`.
    pub(crate) device: String,
    pub(crate) backend: Backend,
    /// The driver's name of it.
    pub(crate) name: String,
    /// `gpu` or `cpu`.
    pub(crate) kind: &'static str,
}

/// Every device of every backend that is compiled in. Opens them all.
pub(crate) fn all() -> Vec<Found> {
    let compiled = Backend::ALL
        .into_iter()
        .filter(|backend| backend.is_compiled_in());
    compiled
        .flat_map(|backend| {
            let found = backend.found();
            let several = found.len() > 1;
            found
                .into_iter()
                .enumerate()
                .map(move |(number, device)| Found {
                    device: if several {
                        format!("{backend}:{number}")
                    } else {
                        backend.to_string()
                    },
                    backend,
                    name: describe(backend, &device),
                    kind: if backend.is_gpu() && !is_software(&device) {
                        "gpu"
                    } else {
                        "cpu"
                    },
                })
        })
        .collect()
}

fn describe(backend: Backend, device: &Device) -> String {
    let from_driver = quietly(|| identity(device)).flatten();
    let fallback = match backend {
        _ if backend.is_gpu() => "name unknown".to_owned(),
        _ => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            format!("{} CPU, {cores} cores", std::env::consts::ARCH)
        }
    };
    from_driver.unwrap_or(fallback)
}

#[cfg(any(
    feature = "wgpu",
    feature = "cuda",
    feature = "rocm",
    feature = "cpu",
    feature = "vulkan",
    feature = "metal",
    feature = "webgpu"
))]
fn identity(device: &Device) -> Option<String> {
    device.identity().map(|identity| identity.name)
}

#[cfg(not(any(
    feature = "wgpu",
    feature = "cuda",
    feature = "rocm",
    feature = "cpu",
    feature = "vulkan",
    feature = "metal",
    feature = "webgpu"
)))]
fn identity(_device: &Device) -> Option<String> {
    None
}

/// Whether a graphics API answers with a CPU in disguise (llvmpipe, SwiftShader, WARP).
fn is_software(device: &Device) -> bool {
    // Burn shows an adapter's kind in its debug form alone, without the kernels' own device types.
    format!("{device:?}").contains("kind: Cpu")
}

static PROBING: AtomicBool = AtomicBool::new(false);

/// Whether a driver is being asked for its devices, whose panics are answers.
pub(crate) fn is_probing() -> bool {
    PROBING.load(Ordering::SeqCst)
}

/// Runs `probe`; `None` where it panics, as drivers that are half installed do.
fn quietly<T>(probe: impl FnOnce() -> T) -> Option<T> {
    PROBING.store(true, Ordering::SeqCst);
    let answer = catch_unwind(AssertUnwindSafe(probe)).ok();
    PROBING.store(false, Ordering::SeqCst);
    answer
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
