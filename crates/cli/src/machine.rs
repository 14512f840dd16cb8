//! What the program runs on, for the run folder.

use burn::tensor::Device;
use burn_zoo::trainer::Machine;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use crate::devices::Backend;

/// Of the lock file: Burn does not tell its version.
pub(crate) const BURN: &str = "0.22.1";

/// This machine and program, computing on `first` and others, called `names`.
pub(crate) fn machine(first: &Device, names: &[String]) -> Machine {
    let wanted = RefreshKind::nothing()
        .with_cpu(CpuRefreshKind::nothing())
        .with_memory(MemoryRefreshKind::nothing().with_ram());
    // What the system does not tell stays empty: it is not worth a run.
    let system = System::new_with_specifics(wanted).ok();
    let cpu = system.as_ref().and_then(|system| system.cpus().first());
    let brand = cpu.map(|cpu| cpu.brand().trim());
    let mut features: Vec<String> = Backend::compiled_in()
        .map(|backend| backend.to_string())
        .collect();
    if !burn_zoo::supports_kernels(first) {
        features.push("without our kernels".to_owned());
    }
    if cfg!(debug_assertions) {
        features.push("debug".to_owned());
    }
    Machine {
        // Set by the trainer.
        started: 0.0,
        device: names.join(", "),
        cpu: brand.unwrap_or_default().to_owned(),
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        memory: system.as_ref().map_or(0, System::total_memory),
        os: System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.to_owned()),
        arch: std::env::consts::ARCH.to_owned(),
        burn_zoo: env!("CARGO_PKG_VERSION").to_owned(),
        burn: BURN.to_owned(),
        features,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices;

    #[test]
    fn burns_version_is_the_one_that_is_built() {
        let lock = include_str!("../../../Cargo.lock");
        let expected = format!("name = \"burn\"\nversion = \"{BURN}\"\n");
        assert!(lock.contains(&expected), "Burn is another one: change BURN");
    }

    #[cfg(feature = "flex")]
    #[test]
    fn a_machine_says_what_it_is() {
        let device = devices::choose(Some("flex")).expect("compiled in");
        let machine = machine(&device, &[devices::name_of(&device)]);
        assert!(machine.device.starts_with("flex"), "{}", machine.device);
        assert!(machine.features.contains(&"flex".to_owned()));
        assert!(machine.cores > 0 && machine.memory > 1 << 20);
        assert_eq!(machine.burn_zoo, env!("CARGO_PKG_VERSION"));
    }
}
