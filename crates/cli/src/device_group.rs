//! The devices of a run: those that its file names, or the one that the command line chooses.

use burn::tensor::Device;
use burn_zoo::trainer::DevicesSection;

use crate::args::DeviceArg;
use crate::devices;
use crate::error::CliError;
#[cfg(feature = "remote")]
use crate::remote::{self, Lent, TokenArg};

/// Devices that share a run.
pub(crate) struct DeviceGroup {
    /// The network's.
    pub(crate) first: Device,
    pub(crate) others: Vec<Device>,
    /// What each is called, the first's first.
    pub(crate) names: Vec<String>,
    #[cfg(feature = "remote")]
    lent: Vec<Lent>,
}

impl DeviceGroup {
    pub(crate) fn open(
        section: &DevicesSection,
        asked: &DeviceArg,
        #[cfg(feature = "remote")] token: &TokenArg,
    ) -> Result<Self, CliError> {
        let chosen = asked.choose_unless(section)?;
        let mut devices: Vec<Device> = chosen.into_iter().collect();
        for name in &section.local {
            let device = devices::open(name, "run file, key `devices.local`:")?;
            if devices.contains(&device) {
                return Err(CliError::Input(format!(
                    "run file, key `devices.local`: {name} is a device that stands there already: expected each once"
                )));
            }
            devices.push(device);
        }
        #[allow(unused_mut, reason = "workers add theirs")]
        let mut names: Vec<String> = devices.iter().map(devices::name_of).collect();
        #[cfg(not(feature = "remote"))]
        if !section.remote.is_empty() {
            return Err(CliError::Input(
                "run file, key `devices.remote`: this zoo is built without remote devices; run it as \
                 `cargo run --release --features remote -- …`"
                    .into(),
            ));
        }
        #[cfg(feature = "remote")]
        let lent = match section.remote.is_empty() {
            true => Vec::new(),
            false => {
                let token = token.read()?;
                let lent = section.remote.iter();
                lent.map(|address| remote::borrow(address, &token))
                    .collect::<Result<Vec<_>, _>>()?
            }
        };
        #[cfg(feature = "remote")]
        for worker in &lent {
            devices.push(worker.device.clone());
            names.push(worker.name.clone());
        }
        let mut devices = devices.into_iter();
        Ok(Self {
            first: devices.next().expect("one is chosen where none is named"),
            others: devices.collect(),
            names,
            #[cfg(feature = "remote")]
            lent,
        })
    }

    /// Whether kernels are compiled and tuned before the first step.
    pub(crate) fn compiles_kernels(&self) -> bool {
        let mut devices = [&self.first].into_iter().chain(&self.others);
        devices.any(devices::compiles_kernels)
    }

    /// Lets `end` end the process where a worker is lost.
    #[cfg(feature = "remote")]
    pub(crate) fn watch(&mut self, end: impl FnOnce(&str) + Send + 'static) {
        remote::watch(std::mem::take(&mut self.lent), end);
    }
}
