//! What a training run writes down of itself, and the page that shows it.
//!
//! The records of a run folder ([`EpochRecord`], [`Summary`], [`EvaluationRecord`], [`Machine`]), the other forms that its
//! metrics take ([`csv()`], [`events()`]), and [`page()`], one HTML file that compares runs; likewise what was found in a data
//! set ([`Inspection`], [`inspection_page`]). Knows no framework and no network; writes no file.

mod chart;
mod csv;
mod difference;
mod evaluation;
mod events;
mod folder;
mod inspection;
mod machine;
mod page;
mod record;
mod text;

pub use csv::csv;
pub use evaluation::{ClassRecord, EvaluationRecord, Mistake, PrecisionRecall, png_uri};
pub use events::events;
pub use folder::{ReportError, Run};
pub use inspection::{
    ClassCount, DuplicateGroup, DuplicateImage, Duplicates, Inspection, SplitInspection,
};
pub use machine::Machine;
pub use page::{inspection_page, page, shown_groups};
pub use record::{Best, EpochRecord, Metrics, Summary};

/// The files of a run folder that this crate reads or gives the content of.
pub mod files {
    /// The resolved run file.
    pub const CONFIG: &str = "config.toml";
    /// One [`EpochRecord`](crate::EpochRecord) a line.
    pub const METRICS: &str = "metrics.jsonl";
    /// The same as a table.
    pub const CSV: &str = "metrics.csv";
    /// The same for TensorBoard, which looks for `tfevents` in a name.
    pub const EVENTS: &str = "events.out.tfevents";
    /// The [`EvaluationRecord`](crate::EvaluationRecord) of the best epoch.
    pub const EVALUATION: &str = "evaluation.json";
    /// One [`Machine`](crate::Machine) for each process that trained.
    pub const MACHINE: &str = "machine.json";
    /// The [`Summary`](crate::Summary) of a finished run.
    pub const SUMMARY: &str = "summary.json";
    /// The page.
    pub const REPORT: &str = "report.html";
}
