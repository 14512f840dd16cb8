//! `[optimizer]`: from keys with PyTorch's names and defaults to Burn's optimizers.

use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamWConfig, ModuleOptimizer, SgdConfig};
use serde::{Deserialize, Serialize};

/// Which optimizer, with its hyper-parameters under PyTorch's names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum OptimizerSection {
    /// `torch.optim.SGD` with dampening 0: `v ← momentum·v + (g + weight_decay·w)`, `w ← w − lr·v`.
    Sgd {
        /// Peak learning rate.
        lr: f64,
        /// Momentum factor; 0 switches it off.
        #[serde(default)]
        momentum: f64,
        /// Nesterov's variant: step along `g + momentum·v`.
        #[serde(default)]
        nesterov: bool,
        /// L2 penalty, added to the gradient.
        #[serde(default)]
        weight_decay: f64,
    },
    /// `torch.optim.AdamW`: Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    Adamw {
        /// Peak learning rate.
        lr: f64,
        /// Decay of the running means of the gradient and of its square.
        #[serde(default = "default_betas")]
        betas: [f64; 2],
        /// Added to the denominator.
        #[serde(default = "default_eps")]
        eps: f64,
        /// Decoupled weight decay: `w ← w − lr·weight_decay·w`.
        #[serde(default = "default_adamw_decay")]
        weight_decay: f64,
    },
}

fn default_betas() -> [f64; 2] {
    [0.9, 0.999]
}

fn default_eps() -> f64 {
    1e-8
}

fn default_adamw_decay() -> f64 {
    1e-2
}

impl OptimizerSection {
    /// The peak learning rate, which the schedule scales.
    pub fn lr(&self) -> f64 {
        match self {
            Self::Sgd { lr, .. } | Self::Adamw { lr, .. } => *lr,
        }
    }

    /// The optimizer, without state.
    pub fn init(&self) -> ModuleOptimizer {
        match *self {
            Self::Sgd {
                momentum,
                nesterov,
                weight_decay,
                ..
            } => {
                let mut config = SgdConfig::new();
                if momentum > 0.0 {
                    // Burn's default dampening is 0.1, PyTorch's is 0.
                    let momentum = MomentumConfig::new()
                        .with_momentum(momentum)
                        .with_dampening(0.0)
                        .with_nesterov(nesterov);
                    config = config.with_momentum(Some(momentum));
                }
                if weight_decay > 0.0 {
                    config =
                        config.with_weight_decay(Some(WeightDecayConfig::new(weight_decay as f32)));
                }
                config.init()
            }
            Self::Adamw {
                betas: [beta_1, beta_2],
                eps,
                weight_decay,
                ..
            } => AdamWConfig::new()
                .with_beta_1(beta_1 as f32)
                .with_beta_2(beta_2 as f32)
                .with_epsilon(eps as f32)
                .with_weight_decay(weight_decay as f32)
                .init(),
        }
    }

    /// The first value out of its range: its key, and what it must be.
    pub(crate) fn invalid(&self) -> Option<(&'static str, &'static str)> {
        let decay = |value: f64| value.is_finite() && value >= 0.0;
        let fraction = |value: f64| (0.0..1.0).contains(&value);
        if !(self.lr().is_finite() && self.lr() > 0.0) {
            return Some(("lr", "a finite number above 0"));
        }
        match *self {
            Self::Sgd { momentum, .. } if !fraction(momentum) => {
                Some(("momentum", "at least 0 and below 1"))
            }
            Self::Sgd {
                momentum: 0.0,
                nesterov: true,
                ..
            } => Some(("nesterov", "false, or go with a momentum above 0")),
            Self::Adamw { betas, .. } if !betas.iter().all(|&beta| fraction(beta)) => {
                Some(("betas", "two numbers, each at least 0 and below 1"))
            }
            Self::Adamw { eps, .. } if !(eps.is_finite() && eps > 0.0) => {
                Some(("eps", "a finite number above 0"))
            }
            Self::Sgd { weight_decay, .. } | Self::Adamw { weight_decay, .. }
                if !decay(weight_decay) =>
            {
                Some(("weight_decay", "a finite number, 0 or more"))
            }
            _ => None,
        }
    }
}
