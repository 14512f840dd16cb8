//! From `[optimizer]` and `[param_groups]` to Burn's optimizers.

mod build;
mod groups;
mod muon;
mod scaled;
mod section;
mod sgd;
#[cfg(test)]
mod tests;

pub use groups::ParamGroupsSection;
pub(crate) use groups::optimizer_for;
pub use section::{AdjustLr, OptimizerSection};
