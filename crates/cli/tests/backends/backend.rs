//! The backends that are compared with Flex, and whether they can be.

use burn::tensor::{Device, DeviceType};
use burn_zoo::trainer::Precision;

/// A backend of Burn that is compared with Flex in single precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Wgpu,
    Vulkan,
    Metal,
    Cuda,
    Rocm,
    NdArray,
    /// Itself, in 16 bits.
    Flex,
}

impl Backend {
    pub(crate) const ALL: [Self; 7] = [
        Self::Wgpu,
        Self::Vulkan,
        Self::Metal,
        Self::Cuda,
        Self::Rocm,
        Self::NdArray,
        Self::Flex,
    ];

    /// Its name for `--device`, and of its Cargo feature.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wgpu => "wgpu",
            Self::Vulkan => "vulkan",
            Self::Metal => "metal",
            Self::Cuda => "cuda",
            Self::Rocm => "rocm",
            Self::NdArray => "ndarray",
            Self::Flex => "flex",
        }
    }

    /// Its first device on this machine.
    pub(crate) fn device(self) -> Option<Device> {
        let kind = match self {
            #[cfg(feature = "wgpu")]
            Self::Wgpu => DeviceType::Wgpu,
            #[cfg(feature = "vulkan")]
            Self::Vulkan => DeviceType::Vulkan,
            #[cfg(feature = "metal")]
            Self::Metal => DeviceType::Metal,
            #[cfg(feature = "cuda")]
            Self::Cuda => DeviceType::Cuda,
            #[cfg(feature = "rocm")]
            Self::Rocm => DeviceType::Rocm,
            #[cfg(feature = "ndarray")]
            Self::NdArray => DeviceType::NdArray,
            #[cfg(feature = "flex")]
            Self::Flex => DeviceType::Flex,
            #[allow(unreachable_patterns, reason = "with all compiled in, none is left")]
            _ => return None,
        };
        Device::enumerate(kind).into_vec().into_iter().next()
    }

    /// Why it cannot be compared, if so.
    pub(crate) fn missing(self) -> Option<String> {
        let is_compiled_in = match self {
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Vulkan => cfg!(feature = "vulkan"),
            Self::Metal => cfg!(feature = "metal"),
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Rocm => cfg!(feature = "rocm"),
            Self::NdArray => cfg!(feature = "ndarray"),
            Self::Flex => cfg!(feature = "flex"),
        };
        match (is_compiled_in, self.device()) {
            (false, _) => Some(format!("built without the feature {}", self.name())),
            (true, None) => Some(
                "no driver or no device; on Linux mesa-vulkan-drivers has one for CPUs, for wgpu"
                    .into(),
            ),
            (true, Some(_)) => None,
        }
    }

    /// Why it is not compared in these numbers, if so.
    pub(crate) fn lacks(self, precision: Precision) -> Option<String> {
        let device = self.device()?;
        let asked = std::env::var("BURN_ZOO_PRECISIONS").unwrap_or_default();
        let is_asked = self == Self::Flex
            || precision == Precision::F32
            || asked.split(',').any(|name| precision == of_name(name));
        match is_asked {
            false => Some("BURN_ZOO_PRECISIONS does not name it".into()),
            true => precision.check(&device).err(),
        }
    }

    /// Whether `BURN_ZOO_BACKENDS` names it.
    pub(crate) fn is_required(self) -> bool {
        let required = std::env::var("BURN_ZOO_BACKENDS").unwrap_or_default();
        required.split(',').any(|name| name == self.name())
    }
}

fn of_name(name: &str) -> Precision {
    match name {
        "bf16" => Precision::Bf16,
        "f16" => Precision::F16,
        _ => Precision::F32,
    }
}
