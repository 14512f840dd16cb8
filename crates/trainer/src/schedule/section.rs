//! The keys of `[schedule]`.

use serde::{Deserialize, Serialize};

use super::curve::{Curve, Schedule};

/// How the learning rate moves over a run: a linear warm-up, then a curve.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSection {
    /// The curve after the warm-up.
    #[serde(default)]
    pub kind: ScheduleKind,
    /// Whether the rate moves with every step, or stays for a whole epoch.
    #[serde(default, skip_serializing_if = "is_step")]
    pub by: ScheduleUnit,
    /// Epochs (fractions allowed) over which the rate rises from near 0 to `optimizer.lr`.
    #[serde(default)]
    pub warmup_epochs: f64,
    /// The same in optimizer steps; one of the two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup_steps: Option<usize>,
    /// With `kind = "step"`: epochs (fractions allowed) from one multiplication by `gamma` to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_size: Option<f64>,
    /// With `kind = "multi_step"`: epochs (fractions allowed) at which the rate is multiplied by `gamma`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub milestones: Vec<f64>,
    /// With `kind = "step"` or `"multi_step"`: the factor each time, default 0.1; with `"exponential"`: the factor an
    /// epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gamma: Option<f64>,
    /// With `kind = "cosine"`, `"linear"` or `"polynomial"`: the rate at the end, as a fraction of `optimizer.lr`;
    /// default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_fraction: Option<f64>,
    /// With `kind = "polynomial"`: the exponent, default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<f64>,
    /// With `kind = "one_cycle"`: the fraction of the run in which the rate rises, default 0.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pct_start: Option<f64>,
    /// With `kind = "one_cycle"`: the first rate is `optimizer.lr` divided by this, default 25.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub div_factor: Option<f64>,
    /// With `kind = "one_cycle"`: the last rate is the first divided by this, default 10,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_div_factor: Option<f64>,
    /// With `kind = "plateau"`: the factor when the validation loss no longer falls, default 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// With `kind = "plateau"`: epochs without a lower validation loss that are waited, default 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// With `kind = "plateau"`: the fraction by which a loss must be lower to count, default 0.0001.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
}

/// The curve after the warm-up. Definitions and defaults are those of `torch.optim.lr_scheduler`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleKind {
    /// `optimizer.lr` throughout.
    #[default]
    Constant,
    /// Multiplied by `gamma` every `step_size` epochs.
    Step,
    /// Multiplied by `gamma` at each milestone (the ResNet paper's ÷10).
    MultiStep,
    /// Half a cosine from `optimizer.lr` down (Loshchilov and Hutter 2017, without restarts).
    Cosine,
    /// A straight line down; with a warm-up this is the one-cycle triangle.
    Linear,
    /// `(1 − progress)^power`.
    Polynomial,
    /// Multiplied by `gamma` over each epoch.
    Exponential,
    /// Half a cosine up from `optimizer.lr / div_factor`, then one down far below it (Smith and Topin 2019).
    OneCycle,
    /// Multiplied by `factor` when the validation loss has not fallen for `patience` epochs.
    Plateau,
}

/// How often the learning rate changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleUnit {
    /// With every optimizer step.
    #[default]
    Step,
    /// At the start of every epoch.
    Epoch,
}

fn is_step(unit: &ScheduleUnit) -> bool {
    *unit == ScheduleUnit::Step
}

impl ScheduleSection {
    /// The schedule of a run of `total_steps` optimizer steps, `steps_per_epoch` to an epoch.
    pub fn init(&self, peak: f64, steps_per_epoch: usize, total_steps: usize) -> Schedule {
        let steps = |epochs: f64| epochs * steps_per_epoch as f64;
        let end = self.final_fraction.unwrap_or(0.0);
        let gamma = self.gamma.unwrap_or(0.1);
        Schedule {
            peak,
            total: total_steps as f64,
            warmup: self
                .warmup_steps
                .map_or(steps(self.warmup_epochs), |count| count as f64),
            unit: match self.by {
                ScheduleUnit::Step => 1,
                ScheduleUnit::Epoch => steps_per_epoch.max(1),
            },
            curve: match self.kind {
                ScheduleKind::Constant => Curve::Constant,
                ScheduleKind::Step => Curve::Step {
                    size: steps(self.step_size.unwrap_or(1.0)),
                    gamma,
                },
                ScheduleKind::MultiStep => Curve::MultiStep {
                    milestones: self.milestones.iter().map(|&epoch| steps(epoch)).collect(),
                    gamma,
                },
                ScheduleKind::Cosine => Curve::Cosine { end },
                ScheduleKind::Linear => Curve::Polynomial { end, power: 1.0 },
                ScheduleKind::Polynomial => Curve::Polynomial {
                    end,
                    power: self.power.unwrap_or(1.0),
                },
                ScheduleKind::Exponential => Curve::Step {
                    size: 0.0,
                    gamma: gamma.powf(1.0 / steps(1.0).max(1.0)),
                },
                ScheduleKind::OneCycle => {
                    let div_factor = self.div_factor.unwrap_or(25.0);
                    Curve::OneCycle {
                        rise: self.pct_start.unwrap_or(0.3),
                        start: 1.0 / div_factor,
                        end: 1.0 / div_factor / self.final_div_factor.unwrap_or(1e4),
                    }
                }
                ScheduleKind::Plateau => Curve::Plateau {
                    factor: self.factor.unwrap_or(0.1),
                    patience: self.patience.unwrap_or(10),
                    threshold: self.threshold.unwrap_or(1e-4),
                },
            },
        }
    }

    /// The first value out of its range, or given to a curve that has no use for it: its key, and what it must be.
    pub(crate) fn invalid(&self, epochs: usize) -> Option<(&'static str, String)> {
        use ScheduleKind::{
            Cosine, Exponential, Linear, MultiStep, OneCycle, Plateau, Polynomial, Step,
        };
        let range = |value: f64| value.is_finite() && value >= 0.0;
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let needed = |key, what: &str| Some((key, what.to_owned()));
        if !range(self.warmup_epochs) || self.warmup_epochs > epochs as f64 {
            let expected = format!("between 0 and train.epochs ({epochs})");
            return Some(("warmup_epochs", expected));
        }
        if self.warmup_steps.is_some() && self.warmup_epochs > 0.0 {
            return needed("warmup_steps", "left out where warmup_epochs is given");
        }
        if self.kind == OneCycle && (self.warmup_epochs > 0.0 || self.warmup_steps.is_some()) {
            let key = if self.warmup_epochs > 0.0 {
                "warmup_epochs"
            } else {
                "warmup_steps"
            };
            return needed(key, "left out: kind = \"one_cycle\" rises by pct_start");
        }
        // Key, whether it is given, whether its value is right, the curves it belongs to, what it must be.
        let keys: [(&'static str, bool, bool, &[ScheduleKind], &str); 11] = [
            (
                "step_size",
                self.step_size.is_some(),
                self.step_size.is_none_or(positive),
                &[Step],
                "epochs, above 0",
            ),
            (
                "milestones",
                !self.milestones.is_empty(),
                self.milestones.iter().all(|&m| range(m)) && self.milestones.is_sorted(),
                &[MultiStep],
                "epochs in rising order, 0 or more",
            ),
            (
                "gamma",
                self.gamma.is_some(),
                self.gamma.is_none_or(positive),
                &[Step, MultiStep, Exponential],
                "a finite number above 0",
            ),
            (
                "final_fraction",
                self.final_fraction.is_some(),
                self.final_fraction
                    .is_none_or(|end| (0.0..=1.0).contains(&end)),
                &[Cosine, Linear, Polynomial],
                "between 0 and 1",
            ),
            (
                "power",
                self.power.is_some(),
                self.power.is_none_or(positive),
                &[Polynomial],
                "a finite number above 0",
            ),
            (
                "pct_start",
                self.pct_start.is_some(),
                self.pct_start
                    .is_none_or(|share| share > 0.0 && share < 1.0),
                &[OneCycle],
                "above 0 and below 1",
            ),
            (
                "div_factor",
                self.div_factor.is_some(),
                self.div_factor.is_none_or(positive),
                &[OneCycle],
                "a finite number above 0",
            ),
            (
                "final_div_factor",
                self.final_div_factor.is_some(),
                self.final_div_factor.is_none_or(positive),
                &[OneCycle],
                "a finite number above 0",
            ),
            (
                "factor",
                self.factor.is_some(),
                self.factor
                    .is_none_or(|factor| factor > 0.0 && factor < 1.0),
                &[Plateau],
                "above 0 and below 1",
            ),
            ("patience", self.patience.is_some(), true, &[Plateau], ""),
            (
                "threshold",
                self.threshold.is_some(),
                self.threshold
                    .is_none_or(|share| (0.0..1.0).contains(&share)),
                &[Plateau],
                "at least 0 and below 1",
            ),
        ];
        for (key, given, right, kinds, expected) in keys {
            if given && !kinds.contains(&self.kind) {
                let kinds: Vec<String> = kinds.iter().map(|kind| kind.quoted()).collect();
                let reason = format!("left out: it belongs to kind = {}", kinds.join(" or "));
                return Some((key, reason));
            }
            if given && !right {
                return needed(key, expected);
            }
        }
        match self.kind {
            Step if self.step_size.is_none() => needed("step_size", "epochs, such as 30"),
            MultiStep if self.milestones.is_empty() => {
                needed("milestones", "a list of epochs, such as [80, 120]")
            }
            Exponential if self.gamma.is_none() => {
                needed("gamma", "a factor an epoch, such as 0.95")
            }
            _ => None,
        }
    }
}

impl ScheduleKind {
    /// As a run file has it.
    fn quoted(self) -> String {
        serde_json::to_string(&self).expect("a word")
    }
}
