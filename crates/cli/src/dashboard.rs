//! burn-train's dashboard as an observer of the training loop.

use std::sync::Arc;

use burn::train::Interrupter;
use burn::train::logger::TrainingProgressLogger;
use burn::train::metric::{
    MetricAttributes, MetricDefinition, MetricEntry, MetricId, NumericAttributes, NumericEntry,
    SerializedEntry,
};
use burn::train::renderer::tui::TuiMetricsRendererWrapper;
use burn::train::renderer::{MetricState, MetricsRenderer, MetricsRendererTraining};
use burn_zoo::trainer::{EpochRecord, Observer, Phase, StepReport};

use crate::progress::status;

/// A metric of the dashboard: name, unit, whether larger is better, decimals.
const METRICS: [(&str, Option<&str>, bool, usize); 4] = [
    ("Loss", None, false, 4),
    ("Accuracy", Some("%"), true, 2),
    ("Top-5 Accuracy", Some("%"), true, 2),
    ("Learning Rate", None, false, 6),
];

/// Shows loss, accuracy and learning rate of a run in the terminal. Notes are printed when the dashboard has closed.
pub(crate) struct DashboardObserver {
    dashboard: Option<TuiMetricsRendererWrapper>,
    /// Name of the run.
    label: String,
    /// The phase and epoch on show; none before the first step.
    current: Option<(Phase, usize)>,
    notes: Vec<String>,
}

impl DashboardObserver {
    /// Takes over the terminal; `q` in it stops the run through `interrupter`.
    pub(crate) fn new(interrupter: &Interrupter, label: String) -> Self {
        let mut dashboard = TuiMetricsRendererWrapper::new(interrupter.clone(), None);
        for (name, unit, higher_is_better, _) in METRICS {
            dashboard.register_metric(MetricDefinition {
                metric_id: id(name),
                name: Arc::new(name.to_owned()),
                description: None,
                attributes: MetricAttributes::Numeric(NumericAttributes {
                    unit: unit.map(str::to_owned),
                    higher_is_better,
                }),
            });
        }
        Self {
            dashboard: Some(dashboard),
            label,
            current: None,
            notes: Vec::new(),
        }
    }

    fn dashboard(&mut self) -> &mut TuiMetricsRendererWrapper {
        self.dashboard.as_mut().expect("it is taken by `drop` only")
    }

    /// Tells the dashboard which epoch and split the next batches belong to.
    fn enter(&mut self, report: &StepReport) {
        let StepReport {
            phase,
            epoch,
            epochs,
            num_images,
            ..
        } = *report;
        match self.current.replace((phase, epoch)) {
            Some(before) if before == (phase, epoch) => return,
            Some(_) => self.dashboard().end_split(),
            None => {
                let label = self.label.clone();
                self.dashboard().start(epochs, epoch, None, Some(&label));
            }
        }
        let split = match phase {
            Phase::Train => "train",
            Phase::Valid => "valid",
        };
        self.dashboard().start_split(split, num_images);
    }
}

impl Observer for DashboardObserver {
    fn step(&mut self, report: &StepReport) {
        self.enter(report);
        let phase = report.phase;
        let dashboard = self.dashboard();
        dashboard.update_split(report.images);
        // Only when they are read from the device anyway: the dashboard never makes the training wait.
        let Some(metrics) = report.metrics else {
            return;
        };
        let values = [
            Some(metrics.loss),
            Some(metrics.top1),
            Some(metrics.top5),
            report.lr,
        ];
        for ((name, _, _, decimals), value) in METRICS.into_iter().zip(values) {
            let Some(value) = value else { continue };
            let text = format!("{value:.decimals$}");
            let entry = MetricEntry::new(id(name), SerializedEntry::new(text.clone(), text));
            let state = MetricState::Numeric(entry, Some(NumericEntry::Value(value)));
            match phase {
                Phase::Train => dashboard.update_train(state),
                Phase::Valid => dashboard.update_valid(state),
            }
        }
    }

    fn epoch(&mut self, record: &EpochRecord, _epochs: usize) {
        self.dashboard().update_epoch(record.epoch);
    }

    fn note(&mut self, message: &str) {
        self.notes.push(message.to_owned());
    }
}

impl Drop for DashboardObserver {
    fn drop(&mut self) {
        // Gives the terminal back.
        self.dashboard = None;
        self.notes.iter().for_each(|note| status(note));
    }
}

fn id(name: &str) -> MetricId {
    MetricId::new(Arc::new(name.to_owned()))
}
