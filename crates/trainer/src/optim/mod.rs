//! From `[optimizer]` and `[param_groups]` to Burn's optimizers.

mod build;
mod gradients;
mod groups;
mod muon;
mod scaled;
mod section;
mod sgd;
#[cfg(test)]
mod tests;

pub(crate) use gradients::{GradAccumulator, are_finite, clip};
pub use groups::ParamGroupsSection;
pub(crate) use groups::optimizer_for;
pub use section::{AdjustLr, OptimizerSection};
