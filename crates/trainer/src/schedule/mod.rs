//! `[schedule]`: the learning rate as a function of the step and of the epochs done, so that a resumed run needs no state.

mod curve;
mod section;
#[cfg(test)]
mod tests;

pub use curve::Schedule;
pub use section::{ScheduleKind, ScheduleSection, ScheduleUnit};
