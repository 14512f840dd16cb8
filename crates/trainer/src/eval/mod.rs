//! Evaluation of a network over a split, with one view per image or several.

mod class_metrics;
mod evaluate;
mod evaluation_record;
mod metrics;
mod tta;

pub use class_metrics::ClassMetrics;
pub use evaluate::{Evaluation, evaluate};
pub(crate) use evaluate::{EvaluationError, run_over};
pub(crate) use evaluation_record::evaluation_record;
pub(crate) use metrics::{DeferredMetrics, MetricSums, NotFinite};
pub use tta::{Dense, Views};
