//! The learning rate of a step.

use std::f64::consts::PI;

/// A learning-rate schedule with its lengths in optimizer steps.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub(super) peak: f64,
    pub(super) total: f64,
    pub(super) warmup: f64,
    /// Steps for which the rate stays.
    pub(super) unit: usize,
    pub(super) curve: Curve,
}

#[derive(Debug, Clone)]
pub(super) enum Curve {
    Constant,
    /// Every `size` steps; with size 0 at every step.
    Step {
        size: f64,
        gamma: f64,
    },
    MultiStep {
        milestones: Vec<f64>,
        gamma: f64,
    },
    Cosine {
        end: f64,
    },
    Polynomial {
        end: f64,
        power: f64,
    },
    /// Up from `start` in the fraction `rise` of the run, then down to `end`; all as fractions.
    OneCycle {
        rise: f64,
        start: f64,
        end: f64,
    },
    Plateau {
        factor: f64,
        patience: usize,
        threshold: f64,
    },
}

impl Schedule {
    /// The rate of optimizer step `step`, counted from 0, after epochs with the validation losses `losses` (which only a
    /// plateau looks at).
    ///
    /// The warm-up's first step has `peak / warm-up steps`, its last has `peak`. Past the end of the run a falling
    /// curve stays at its end.
    pub fn lr(&self, step: usize, losses: &[f64]) -> f64 {
        let step = (step - step % self.unit) as f64;
        if step < self.warmup {
            return self.peak * ((step + self.unit as f64) / self.warmup).min(1.0);
        }
        // 0 at the end of the warm-up, 1 after the last step.
        let progress = ((step - self.warmup) / (self.total - self.warmup).max(1.0)).clamp(0.0, 1.0);
        let fraction = match self.curve {
            Curve::Constant => 1.0,
            Curve::Step { size: 0.0, gamma } => gamma.powf(step),
            Curve::Step { size, gamma } => gamma.powf((step / size).floor()),
            Curve::MultiStep {
                ref milestones,
                gamma,
            } => {
                let passed = milestones.iter().filter(|&&milestone| step >= milestone);
                gamma.powi(passed.count() as i32)
            }
            Curve::Cosine { end } => between(1.0, end, progress),
            Curve::Polynomial { end, power } => end + (1.0 - end) * (1.0 - progress).powf(power),
            Curve::OneCycle { rise, start, end } => {
                // The last step of the run has the last rate.
                let (peak, last) = (rise * self.total - 1.0, self.total - 1.0);
                if step < peak {
                    between(start, 1.0, step / peak)
                } else if step < last {
                    between(1.0, end, (step - peak) / (last - peak))
                } else {
                    end
                }
            }
            Curve::Plateau {
                factor,
                patience,
                threshold,
            } => factor.powi(plateaus(losses, patience, threshold)),
        };
        self.peak * fraction
    }
}

/// Half a cosine from `from` (at 0) to `to` (at 1).
fn between(from: f64, to: f64, progress: f64) -> f64 {
    to + (from - to) * 0.5 * (1.0 + (PI * progress).cos())
}

/// How often the losses have come to a plateau: `torch.optim.lr_scheduler.ReduceLROnPlateau`.
fn plateaus(losses: &[f64], patience: usize, threshold: f64) -> i32 {
    let (mut best, mut bad, mut count) = (f64::INFINITY, 0, 0);
    for &loss in losses {
        if loss < best * (1.0 - threshold) {
            (best, bad) = (loss, 0);
        } else {
            bad += 1;
        }
        if bad > patience {
            (bad, count) = (0, count + 1);
        }
    }
    count
}
