//! What is tuned and compiled for a GPU is kept for the next start.

use burn::cubecl::config::cache::CacheConfig;
use burn::cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};

/// Has CubeCL keep its choices of kernels, and compiled kernels where the API gives them, in the user's cache folder: in
/// `cubecl/burn-zoo.db`, by device and version. Where a `cubecl.toml` names a place of its own (`local` or a directory), there.
///
/// To be called before any device is used.
pub(crate) fn keep_kernels() {
    let mut config = CubeClRuntimeConfig::from_current_dir();
    if matches!(config.environment.path, CacheConfig::Target) {
        config.environment.path = CacheConfig::Global;
        config.environment.name = "burn-zoo".to_owned();
    }
    config.compilation.cache = true;
    CubeClRuntimeConfig::try_set(config.override_from_env());
}
