#![doc = include_str!("../README.md")]

mod error;
mod expected_tensors;
mod load;
mod opcodes;
mod pickle;
mod remap_keys;
mod save;
mod weights_file;

pub use error::{LoadReport, WeightsError, WrongTensor};
pub use expected_tensors::{ExpectedTensor, Naming, expected_tensors};
pub use load::LoadOptions;
pub use remap_keys::Aliases;
pub use save::{ModelCard, save_weights};
pub use weights_file::{Format, WeightsFile};
