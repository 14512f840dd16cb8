//! What drivers and runtimes tell of a device. What they do not tell is left open, not guessed.

use burn::tensor::Device;

use super::backend::Backend;

/// What is known of a device beyond its backend.
#[derive(Debug, Default)]
pub(super) struct Details {
    pub(super) name: Option<String>,
    /// The graphics API that it is reached by.
    pub(super) api: Option<&'static str>,
    /// Name and version of the driver.
    pub(super) driver: Option<String>,
    /// In bytes. Of a card behind Vulkan it is known to the backend `vulkan` alone.
    pub(super) memory: Option<u64>,
    /// In bytes: no tensor can be larger.
    pub(super) largest_buffer: Option<u64>,
    /// As in `16×16×16 f16→f32`: rows, columns and depth, the numbers of the factors and of the sum.
    pub(super) matrices: Vec<String>,
    /// The backend made for cards of this vendor alone.
    pub(super) own_backend: Option<Backend>,
}

/// Asks for the details of a backend's devices, one after the other in the order of their numbers.
pub(super) struct Probe {
    /// Adapters that none of the devices was found behind yet: two cards may bear one name.
    #[cfg(feature = "_adapters")]
    left: Vec<wgpu::AdapterInfo>,
}

impl Probe {
    pub(super) fn new(backend: Backend) -> Self {
        #[cfg(not(feature = "_adapters"))]
        let _ = backend;
        Self {
            #[cfg(feature = "_adapters")]
            left: adapters(backend),
        }
    }

    /// Opens the device.
    pub(super) fn details(&mut self, device: &Device) -> Details {
        let details = Details::default();
        #[cfg(feature = "_cubecl")]
        let details = told_by_runtime(device).unwrap_or(details);
        #[cfg(feature = "_adapters")]
        let details = self.told_by_driver(details);
        #[cfg(not(feature = "_cubecl"))]
        let _ = device;
        details
    }

    #[cfg(feature = "_adapters")]
    fn told_by_driver(&mut self, details: Details) -> Details {
        use wgpu::Backend as Api;

        let is_it = |info: &wgpu::AdapterInfo| Some(&info.name) == details.name.as_ref();
        let Some(place) = self.left.iter().position(is_it) else {
            return details;
        };
        let info = self.left.remove(place);
        let driver = format!("{} {}", info.driver, info.driver_info);
        let driver = driver.trim();
        Details {
            api: match info.backend {
                Api::Vulkan => Some("Vulkan"),
                Api::Metal => Some("Metal"),
                Api::Dx12 => Some("DirectX 12"),
                Api::Gl => Some("OpenGL"),
                Api::BrowserWebGpu => Some("WebGPU"),
                Api::Noop => None,
            },
            driver: (!driver.is_empty()).then(|| driver.to_owned()),
            // The numbers of the register of PCI vendors.
            own_backend: match info.vendor {
                0x10de => Some(Backend::Cuda),
                0x1002 => Some(Backend::Rocm),
                _ if info.backend == Api::Metal => Some(Backend::Metal),
                _ => None,
            },
            ..details
        }
    }
}

/// The adapters that a graphics backend chooses among.
#[cfg(feature = "_adapters")]
fn adapters(backend: Backend) -> Vec<wgpu::AdapterInfo> {
    use burn::cubecl::future::block_on;
    use wgpu::{Adapter, Backends, Instance, InstanceDescriptor};

    let apis = match backend {
        Backend::Vulkan => Backends::VULKAN,
        Backend::Metal => Backends::METAL,
        Backend::Wgpu | Backend::WebGpu => Backends::all(),
        _ => return Vec::new(),
    };
    let instance = Instance::new(InstanceDescriptor {
        backends: apis,
        ..InstanceDescriptor::new_without_display_handle()
    });
    let adapters = block_on(instance.enumerate_adapters(apis));
    let mut adapters: Vec<_> = adapters.iter().map(Adapter::get_info).collect();
    // OpenGL names once more what a better API has named before, and Burn prefers that one.
    adapters.sort_by_key(|info| info.backend == wgpu::Backend::Gl);
    adapters
}

/// The name alone; see [`Details::name`].
pub(super) fn name_by_runtime(device: &Device) -> Option<String> {
    #[cfg(feature = "_cubecl")]
    return told_by_runtime(device).and_then(|details| details.name);
    #[cfg(not(feature = "_cubecl"))]
    {
        let _ = device;
        None
    }
}

/// Most bytes of a tensor of images that are kept there; see [`Details::largest_buffer`]. 0 for devices in main memory, which has
/// them anyway.
pub(crate) fn device_cache_bytes(device: &Device) -> u64 {
    #[cfg(feature = "_cubecl")]
    if super::has_own_memory(device) {
        return told_by_runtime(device)
            .and_then(|details| details.largest_buffer)
            .unwrap_or(0);
    }
    let _ = device;
    0
}

/// Bytes that the runtime of a graphics card holds for this process there; none for devices in main memory.
pub(crate) fn held(device: &Device) -> Option<u64> {
    #[cfg(feature = "_cubecl")]
    return cube(device)
        .filter(|_| super::has_own_memory(device))
        .map(|device| {
            let report = device
                .client()
                .memory_report(burn::cubecl::MemoryScope::Device);
            report.usage().bytes_reserved
        });
    #[cfg(not(feature = "_cubecl"))]
    {
        let _ = device;
        None
    }
}

#[cfg(feature = "_cubecl")]
fn told_by_runtime(device: &Device) -> Option<Details> {
    use std::collections::BTreeSet;

    let client = cube(device)?.client();
    let properties = client.properties();
    let units = &properties.features.matmul;
    let sizes = units.cmma.iter().chain(&units.mma).map(|size| {
        let (m, n, k) = (size.m, size.n, size.k);
        format!("{m}×{n}×{k} {}→{}", size.a_type, size.cd_type)
    });
    Some(Details {
        name: Some(properties.identity.name.clone()),
        memory: properties.memory.max_memory(),
        largest_buffer: Some(properties.memory.max_page_size),
        matrices: sizes.collect::<BTreeSet<_>>().into_iter().collect(),
        ..Details::default()
    })
}

/// The device as its runtime knows it. None for a backend that is no runtime of CubeCL.
#[cfg(feature = "_cubecl")]
fn cube(device: &Device) -> Option<&burn::cubecl::Device> {
    use burn::backend::DispatchDevice;

    #[allow(
        irrefutable_let_patterns,
        reason = "without a CPU backend, all devices are such"
    )]
    let DispatchDevice::Cube(device) = device.as_dispatch() else {
        return None;
    };
    Some(device)
}
