//! `[schedule]`: the learning rate as a pure function of the step, so that a resumed run needs no state.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// How the learning rate moves over a run: a linear warm-up, then a curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSection {
    /// The curve after the warm-up.
    #[serde(default)]
    pub kind: ScheduleKind,
    /// Epochs (fractions allowed) over which the rate rises from near 0 to `optimizer.lr`.
    #[serde(default)]
    pub warmup_epochs: f64,
    /// With `kind = "multi_step"`: epochs (fractions allowed) at which the rate is multiplied by `gamma`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub milestones: Vec<f64>,
    /// With `kind = "multi_step"`: the factor at each milestone; default 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gamma: Option<f64>,
    /// With `kind = "cosine"` or `"linear"`: the rate at the end, as a fraction of `optimizer.lr`; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_fraction: Option<f64>,
}

impl Default for ScheduleSection {
    fn default() -> Self {
        Self {
            kind: ScheduleKind::Constant,
            warmup_epochs: 0.0,
            milestones: Vec::new(),
            gamma: None,
            final_fraction: None,
        }
    }
}

/// The curve after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleKind {
    /// `optimizer.lr` throughout.
    #[default]
    Constant,
    /// Multiplied by `gamma` at each milestone (the ResNet paper's ÷10).
    MultiStep,
    /// Half a cosine from `optimizer.lr` down (Loshchilov and Hutter 2017, without restarts).
    Cosine,
    /// A straight line down; with a warm-up this is the one-cycle triangle.
    Linear,
}

impl ScheduleSection {
    /// The schedule of a run of `total_steps` optimizer steps, `steps_per_epoch` to an epoch.
    pub fn init(&self, peak: f64, steps_per_epoch: usize, total_steps: usize) -> Schedule {
        let steps = |epochs: f64| epochs * steps_per_epoch as f64;
        Schedule {
            peak,
            total: total_steps as f64,
            warmup: steps(self.warmup_epochs),
            curve: match self.kind {
                ScheduleKind::Constant => Curve::Constant,
                ScheduleKind::MultiStep => Curve::MultiStep {
                    milestones: self.milestones.iter().map(|&epoch| steps(epoch)).collect(),
                    gamma: self.gamma.unwrap_or(0.1),
                },
                ScheduleKind::Cosine => Curve::Cosine {
                    end: self.final_fraction.unwrap_or(0.0),
                },
                ScheduleKind::Linear => Curve::Linear {
                    end: self.final_fraction.unwrap_or(0.0),
                },
            },
        }
    }

    /// The first value out of its range, or given to a curve that has no use for it: its key, and what it must be.
    pub(crate) fn invalid(&self, epochs: usize) -> Option<(&'static str, String)> {
        let range = |value: f64| value.is_finite() && value >= 0.0;
        if !range(self.warmup_epochs) || self.warmup_epochs > epochs as f64 {
            return Some((
                "warmup_epochs",
                format!("between 0 and train.epochs ({epochs})"),
            ));
        }
        let multi_step = self.kind == ScheduleKind::MultiStep;
        let falls = matches!(self.kind, ScheduleKind::Cosine | ScheduleKind::Linear);
        if multi_step && self.milestones.is_empty() {
            return Some(("milestones", "a list of epochs, such as [80, 120]".into()));
        }
        if !self.milestones.is_empty() && !multi_step {
            return Some((
                "milestones",
                "left out: only kind = \"multi_step\" has milestones".into(),
            ));
        }
        if !self.milestones.iter().all(|&m| range(m)) || !self.milestones.is_sorted() {
            return Some(("milestones", "epochs in rising order, 0 or more".into()));
        }
        match self.gamma {
            Some(_) if !multi_step => {
                return Some((
                    "gamma",
                    "left out: only kind = \"multi_step\" has a gamma".into(),
                ));
            }
            Some(gamma) if !(gamma.is_finite() && gamma > 0.0) => {
                return Some(("gamma", "a finite number above 0".into()));
            }
            _ => {}
        }
        match self.final_fraction {
            Some(_) if !falls => Some((
                "final_fraction",
                "left out: only kind = \"cosine\" or \"linear\" ends elsewhere than it starts"
                    .into(),
            )),
            Some(end) if !(0.0..=1.0).contains(&end) => {
                Some(("final_fraction", "between 0 and 1".into()))
            }
            _ => None,
        }
    }
}

/// A learning-rate schedule with its lengths in optimizer steps.
#[derive(Debug, Clone)]
pub struct Schedule {
    peak: f64,
    total: f64,
    warmup: f64,
    curve: Curve,
}

#[derive(Debug, Clone)]
enum Curve {
    Constant,
    MultiStep { milestones: Vec<f64>, gamma: f64 },
    Cosine { end: f64 },
    Linear { end: f64 },
}

impl Schedule {
    /// The rate of optimizer step `step`, counted from 0.
    ///
    /// The warm-up's first step has `peak / warm-up steps`, its last has `peak`. Past the end of the run a falling
    /// curve stays at its end.
    pub fn lr(&self, step: usize) -> f64 {
        let step = step as f64;
        if step < self.warmup {
            return self.peak * ((step + 1.0) / self.warmup).min(1.0);
        }
        // 0 at the end of the warm-up, 1 after the last step.
        let progress = ((step - self.warmup) / (self.total - self.warmup).max(1.0)).clamp(0.0, 1.0);
        let fraction = match &self.curve {
            Curve::Constant => 1.0,
            Curve::MultiStep { milestones, gamma } => gamma.powi(
                milestones
                    .iter()
                    .filter(|&&milestone| step >= milestone)
                    .count() as i32,
            ),
            Curve::Cosine { end } => end + (1.0 - end) * 0.5 * (1.0 + (PI * progress).cos()),
            Curve::Linear { end } => end + (1.0 - end) * (1.0 - progress),
        };
        self.peak * fraction
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(kind: ScheduleKind, warmup_epochs: f64) -> ScheduleSection {
        ScheduleSection {
            kind,
            warmup_epochs,
            ..ScheduleSection::default()
        }
    }

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() < 1e-12,
            "found {found}, expected {expected}"
        );
    }

    #[test]
    fn multi_step_follows_the_resnet_paper() {
        // Section 4.2: 0.1, divided by 10 at 32k and 48k of 64k iterations, 391 iterations to an epoch.
        let section = ScheduleSection {
            milestones: vec![82.0, 123.0],
            ..schedule(ScheduleKind::MultiStep, 0.0)
        };
        let schedule = section.init(0.1, 391, 64_000);
        close(schedule.lr(0), 0.1);
        close(schedule.lr(82 * 391 - 1), 0.1);
        close(schedule.lr(82 * 391), 0.01);
        close(schedule.lr(123 * 391), 0.001);
    }

    #[test]
    fn warm_up_is_linear_and_reaches_the_peak() {
        let schedule = schedule(ScheduleKind::Constant, 0.5).init(2.0, 8, 80);
        let rates: Vec<f64> = (0..5).map(|step| schedule.lr(step)).collect();
        assert_eq!(rates, [0.5, 1.0, 1.5, 2.0, 2.0]);
    }

    #[test]
    fn cosine_and_linear_fall_to_their_end_and_stay() {
        let cosine = schedule(ScheduleKind::Cosine, 1.0).init(1.0, 10, 110);
        close(cosine.lr(10), 1.0);
        close(cosine.lr(60), 0.5);
        close(cosine.lr(35), 0.5 * (1.0 + (PI * 0.25).cos()));
        close(cosine.lr(110), 0.0);
        close(cosine.lr(500), 0.0);
        let section = ScheduleSection {
            final_fraction: Some(0.2),
            ..schedule(ScheduleKind::Linear, 0.0)
        };
        let linear = section.init(1.0, 10, 100);
        close(linear.lr(0), 1.0);
        close(linear.lr(50), 0.6);
        close(linear.lr(1000), 0.2);
    }

    #[test]
    fn a_warm_up_as_long_as_the_run_is_harmless() {
        let schedule = schedule(ScheduleKind::Cosine, 2.0).init(1.0, 5, 10);
        assert!((0..20).all(|step| schedule.lr(step).is_finite()));
    }

    #[test]
    fn values_without_use_are_refused() {
        let gamma = ScheduleSection {
            gamma: Some(0.5),
            ..schedule(ScheduleKind::Cosine, 0.0)
        };
        assert_eq!(gamma.invalid(10).map(|(key, _)| key), Some("gamma"));
        let none = schedule(ScheduleKind::MultiStep, 0.0);
        assert_eq!(none.invalid(10).map(|(key, _)| key), Some("milestones"));
        let long = schedule(ScheduleKind::Cosine, 11.0);
        assert_eq!(long.invalid(10).map(|(key, _)| key), Some("warmup_epochs"));
        assert_eq!(
            schedule(ScheduleKind::Cosine, f64::NAN)
                .invalid(10)
                .map(|(key, _)| key),
            Some("warmup_epochs")
        );
    }
}
