//! The curves of all runs: loss, top-1, learning rate, speed.

use crate::chart::{Line, Scale, chart};
use crate::folder::Run;
use crate::record::{EpochRecord, Metrics};

/// What an epoch has of a curve.
type Value = fn(&EpochRecord) -> Option<f64>;

/// A chart with its heading.
pub(super) struct Curve {
    pub(super) title: &'static str,
    /// What the kinds of line mean.
    pub(super) legend: &'static str,
    /// SVG.
    pub(super) linear: String,
    /// The same with a logarithmic scale, where that makes sense.
    pub(super) log: Option<String>,
}

/// One chart's values.
struct Plan {
    name: &'static str,
    title: &'static str,
    legend: &'static str,
    has_log: bool,
    /// CSS class of a line and its value in an epoch.
    values: &'static [(&'static str, Value)],
}

const PASSES: &str = "solid: validation; dashed: training, as met";
const EMA_PASSES: &str =
    "solid: validation; dashed: training, as met; dotted: averaged weights, validation";

const PLANS: [Plan; 4] = [
    Plan {
        name: "loss",
        title: "Loss",
        legend: PASSES,
        has_log: true,
        values: &[
            ("train", |record| Some(record.train.loss)),
            ("valid", |record| Some(record.valid.loss)),
            ("ema", |record| ema(record, |scores| scores.loss)),
        ],
    },
    Plan {
        name: "top1",
        title: "Top-1, %",
        legend: PASSES,
        has_log: false,
        values: &[
            ("train", |record| Some(record.train.top1)),
            ("valid", |record| Some(record.valid.top1)),
            ("ema", |record| ema(record, |scores| scores.top1)),
        ],
    },
    Plan {
        name: "lr",
        title: "Learning rate",
        legend: "of the last step of each epoch",
        has_log: true,
        values: &[("valid", |record| Some(record.lr))],
    },
    Plan {
        name: "images_per_second",
        title: "images/s",
        legend: "training, validation not counted",
        has_log: false,
        values: &[("valid", |record| Some(record.images_per_second))],
    },
];

fn ema(record: &EpochRecord, score: fn(&Metrics) -> f64) -> Option<f64> {
    record.ema.as_ref().map(score)
}

/// The charts that have a point.
pub(super) fn all(runs: &[Run]) -> Vec<Curve> {
    let has_ema = runs
        .iter()
        .flat_map(|run| &run.history)
        .any(|record| record.ema.is_some());
    let curves = PLANS.iter().filter_map(|plan| {
        let lines = lines(plan, runs);
        Some(Curve {
            title: plan.title,
            legend: match plan.legend {
                PASSES if has_ema => EMA_PASSES,
                legend => legend,
            },
            linear: chart(plan.name, plan.title, &lines, Scale::Linear)?,
            log: match plan.has_log {
                true => chart(plan.name, plan.title, &lines, Scale::Log),
                false => None,
            },
        })
    });
    curves.collect()
}

fn lines(plan: &Plan, runs: &[Run]) -> Vec<Line> {
    let lines = runs.iter().enumerate().flat_map(|(run, folder)| {
        plan.values.iter().map(move |(kind, value)| {
            let points = folder.history.iter().filter_map(|record| {
                let value = value(record)?;
                Some([record.epoch as f64, value])
            });
            Line {
                run,
                kind,
                points: points.collect(),
            }
        })
    });
    lines.collect()
}
