//! What is missing where no GPU is found: a backend in this program, a driver on this machine, or the card.

use std::path::Path;

use super::backend::Backend;

/// What this machine shows of its graphics without a driver being asked.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Machine {
    /// Linux and its like, where the rest can be seen.
    is_linux: bool,
    /// A Vulkan driver is registered with the loader.
    has_vulkan_driver: bool,
    /// NVIDIA's kernel module is loaded.
    has_nvidia: bool,
    /// AMD's compute driver is loaded.
    has_rocm: bool,
    /// The kernel drives some graphics card.
    has_card: bool,
}

impl Machine {
    pub(super) fn this() -> Self {
        let has = |path: &str| Path::new(path).exists();
        let lists = |folder: &str, part: &str| {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let mut names = entries.map(|entry| entry.file_name());
            names.any(|name| name.to_string_lossy().contains(part))
        };
        let named = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES"]
            .into_iter()
            .any(|variable| std::env::var_os(variable).is_some());
        Self {
            is_linux: cfg!(target_os = "linux"),
            has_vulkan_driver: named
                || [
                    "/usr/share/vulkan/icd.d",
                    "/usr/local/share/vulkan/icd.d",
                    "/etc/vulkan/icd.d",
                ]
                .into_iter()
                .any(|folder| lists(folder, ".json")),
            has_nvidia: has("/dev/nvidiactl"),
            has_rocm: has("/dev/kfd"),
            has_card: lists("/dev/dri", "renderD"),
        }
    }

    /// What to do for `backend` to find a device.
    pub(super) fn advice(self, backend: Backend) -> String {
        match backend {
            Backend::Cuda if self.is_linux && !self.has_nvidia => {
                "NVIDIA's driver is not loaded (there is no /dev/nvidiactl)".into()
            }
            Backend::Cuda => "CUDA does not answer: see whether `nvidia-smi` does".into(),
            Backend::Rocm if self.is_linux && !self.has_rocm => {
                "AMD's compute driver is not loaded (there is no /dev/kfd)".into()
            }
            Backend::Rocm => "ROCm does not answer: see whether `rocminfo` does".into(),
            Backend::Metal => "Metal is on Apple's machines alone".into(),
            Backend::Vulkan | Backend::WebGpu | Backend::Wgpu => self.graphics_advice(),
            Backend::Flex | Backend::Cpu | Backend::NdArray => "it should find any CPU".into(),
        }
    }

    fn graphics_advice(self) -> String {
        if !self.is_linux {
            return "no graphics driver answers: install that of the card's vendor".into();
        }
        match (self.has_vulkan_driver, self.has_nvidia) {
            (false, true) => "NVIDIA's driver is loaded without its Vulkan part: install the package that has \
                              nvidia_icd.json (in a container, NVIDIA_DRIVER_CAPABILITIES=all)"
                .into(),
            (false, false) => "no Vulkan driver is installed: `apt-get install mesa-vulkan-drivers` has those of AMD and \
                               Intel, and llvmpipe, which needs no GPU"
                .into(),
            (true, _) if !self.has_card && !self.has_nvidia => {
                "a Vulkan driver is installed, and the kernel shows no graphics card (/dev/dri is empty)".into()
            }
            (true, _) => "a Vulkan driver is installed and finds no card that it may use: see `vulkaninfo --summary`, and \
                          the permissions of /dev/dri"
                .into(),
        }
    }

    /// What to do where `zoo devices` finds no GPU at all; `is_compiled_in` says which backends were asked.
    pub(super) fn without_gpu(self, is_compiled_in: impl Fn(Backend) -> bool) -> String {
        let build =
            |backend: Backend| format!("`cargo run --release --features {backend} -- devices`");
        let asked: Vec<Backend> = Backend::ALL
            .into_iter()
            .filter(|backend| backend.is_gpu() && is_compiled_in(*backend))
            .collect();
        let mut lines: Vec<String> = Vec::new();
        match (self.has_nvidia, self.has_rocm) {
            (true, _) if !asked.contains(&Backend::Cuda) => {
                lines.push(format!(
                    "NVIDIA's driver is loaded: {} uses it",
                    build(Backend::Cuda)
                ));
            }
            (false, true) if !asked.contains(&Backend::Rocm) => {
                lines.push(format!(
                    "AMD's compute driver is loaded: {} uses it",
                    build(Backend::Rocm)
                ));
            }
            _ => {}
        }
        if asked.is_empty() {
            lines.push(format!(
                "this zoo is built for CPUs only: {} looks for GPUs",
                build(Backend::Wgpu)
            ));
        }
        lines.extend(
            asked
                .into_iter()
                .map(|backend| format!("{backend}: {}", self.advice(backend))),
        );
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINUX: Machine = Machine {
        is_linux: true,
        has_vulkan_driver: false,
        has_nvidia: false,
        has_rocm: false,
        has_card: false,
    };

    #[test]
    fn a_program_for_cpus_says_how_to_build_one_for_gpus() {
        let advice = LINUX.without_gpu(|backend| backend == Backend::Flex);
        assert_eq!(
            advice,
            "this zoo is built for CPUs only: `cargo run --release --features wgpu -- devices` looks for GPUs"
        );
        let advice = Machine {
            has_nvidia: true,
            ..LINUX
        }
        .without_gpu(|backend| backend == Backend::Flex);
        assert!(advice.contains("--features cuda"), "{advice}");
    }

    #[test]
    fn a_machine_without_a_driver_is_told_the_package() {
        let asked = |backend| backend == Backend::Wgpu;
        let advice = LINUX.without_gpu(asked);
        assert!(
            advice.contains("apt-get install mesa-vulkan-drivers"),
            "{advice}"
        );
        let installed = Machine {
            has_vulkan_driver: true,
            ..LINUX
        };
        assert!(installed.without_gpu(asked).contains("no graphics card"));
        let card = Machine {
            has_card: true,
            ..installed
        };
        assert!(card.without_gpu(asked).contains("vulkaninfo"));
        assert!(LINUX.advice(Backend::Cuda).contains("/dev/nvidiactl"));
    }
}
