//! The backends that are compared with Flex, and whether they can be.

use burn::tensor::Device;

/// A backend of Burn that runs without special hardware.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Backend {
    Wgpu,
    NdArray,
}

impl Backend {
    pub(crate) const ALL: [Self; 2] = [Self::Wgpu, Self::NdArray];

    /// Its name for `--device`, and of its Cargo feature.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wgpu => "wgpu",
            Self::NdArray => "ndarray",
        }
    }

    /// Its first device on this machine.
    pub(crate) fn device(self) -> Option<Device> {
        match self {
            #[cfg(feature = "wgpu")]
            Self::Wgpu => first(burn::tensor::DeviceType::Wgpu),
            #[cfg(feature = "ndarray")]
            Self::NdArray => first(burn::tensor::DeviceType::NdArray),
            #[allow(unreachable_patterns, reason = "with both compiled in, none is left")]
            _ => None,
        }
    }

    /// Why it cannot be compared, if so.
    pub(crate) fn missing(self) -> Option<String> {
        let is_compiled_in = match self {
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::NdArray => cfg!(feature = "ndarray"),
        };
        match (is_compiled_in, self.device()) {
            (false, _) => Some(format!("built without the feature {}", self.name())),
            (true, None) => Some(
                "no driver for Vulkan, Metal, DirectX 12 or OpenGL; on Linux mesa-vulkan-drivers has one for CPUs".into(),
            ),
            (true, Some(_)) => None,
        }
    }

    /// Whether `BURN_ZOO_BACKENDS` names it.
    pub(crate) fn is_required(self) -> bool {
        let required = std::env::var("BURN_ZOO_BACKENDS").unwrap_or_default();
        required.split(',').any(|name| name == self.name())
    }
}

#[cfg(any(feature = "wgpu", feature = "ndarray"))]
fn first(kind: burn::tensor::DeviceType) -> Option<Device> {
    Device::enumerate(kind).into_vec().into_iter().next()
}
