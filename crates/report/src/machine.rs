//! `machine.json`: what a run was computed on, one entry for each process that trained.

use serde::{Deserialize, Serialize};

/// A process that trained: where, and with which versions.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Machine {
    /// When it started, in seconds since 1970.
    pub started: f64,
    /// The device as the command line names it, and the driver's name of it.
    pub device: String,
    /// The processor's name.
    pub cpu: String,
    /// Threads that it runs at once.
    pub cores: usize,
    /// Main memory in bytes.
    pub memory: u64,
    /// Operating system and its version.
    pub os: String,
    /// Instruction set.
    pub arch: String,
    /// Version of burn-zoo.
    pub burn_zoo: String,
    /// Version of Burn.
    pub burn: String,
    /// Backends compiled in, and what else tells builds apart.
    pub features: Vec<String>,
}
