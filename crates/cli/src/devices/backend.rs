//! Burn's backends: their names, whether they are compiled in, and what they find on this machine.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Device;
use serde::Serialize;

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

    /// Those that this program can use.
    pub(crate) fn compiled_in() -> impl Iterator<Item = Self> {
        let all = Self::ALL.into_iter();
        all.filter(|backend| backend.is_compiled_in())
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

    pub(super) fn is_gpu(self) -> bool {
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
    pub(super) fn found(self) -> Vec<Device> {
        quietly(|| self.enumerate()).unwrap_or_default()
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The device that a graphics API prefers: the most powerful adapter.
pub(super) fn default_of(backend: Backend) -> Option<Device> {
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

/// Whether a graphics API answers with a CPU in disguise (llvmpipe, SwiftShader, WARP).
pub(super) fn is_software(device: &Device) -> bool {
    // Burn shows an adapter's kind in its debug form alone, without the kernels' own device types.
    format!("{device:?}").contains("kind: Cpu")
}

static PROBING: AtomicBool = AtomicBool::new(false);

/// Whether a driver is being asked for its devices, whose panics are answers.
pub(crate) fn is_probing() -> bool {
    PROBING.load(Ordering::SeqCst)
}

/// Runs `probe`; `None` where it panics, as drivers that are half installed do.
pub(super) fn quietly<T>(probe: impl FnOnce() -> T) -> Option<T> {
    PROBING.store(true, Ordering::SeqCst);
    let answer = catch_unwind(AssertUnwindSafe(probe)).ok();
    PROBING.store(false, Ordering::SeqCst);
    answer
}
