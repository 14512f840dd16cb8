//! `[optimizer]`: keys with PyTorch's names and defaults.

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
    /// `torch.optim.RMSprop`: `s ← alpha·s + (1 − alpha)·g²`, then a step along `g / (√s + eps)`, with momentum.
    Rmsprop {
        /// Peak learning rate.
        lr: f64,
        /// Decay of the running mean of the squared gradient.
        #[serde(default = "default_alpha")]
        alpha: f64,
        /// Added to the denominator.
        #[serde(default = "default_eps")]
        eps: f64,
        /// Momentum factor; 0 switches it off.
        #[serde(default)]
        momentum: f64,
        /// Whether the squared mean of the gradient is taken off `s`.
        #[serde(default)]
        centered: bool,
        /// L2 penalty, added to the gradient.
        #[serde(default)]
        weight_decay: f64,
    },
    /// LAMB (You et al. 2020): AdamW's step, scaled for each tensor by the ratio of its norm to the step's.
    /// As in timm, tensors without weight decay are not scaled; timm also clips the norm of the gradients at 1.
    Lamb {
        /// Peak learning rate.
        lr: f64,
        /// Decay of the running means of the gradient and of its square.
        #[serde(default = "default_betas")]
        betas: [f64; 2],
        /// Added to the denominator.
        #[serde(default = "default_lamb_eps")]
        eps: f64,
        /// Weight decay, part of the step that is scaled.
        #[serde(default = "default_adamw_decay")]
        weight_decay: f64,
    },
    /// Lion (Chen et al. 2023): the sign of a running mean of the gradient. Wants a lower rate than AdamW.
    Lion {
        /// Peak learning rate.
        lr: f64,
        /// Weight of the running mean in the step, and its decay.
        #[serde(default = "default_lion_betas")]
        betas: [f64; 2],
        /// Decoupled weight decay.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Muon (Jordan et al. 2024) on the kernels and matrices of the hidden layers, a kernel taken as the matrix
    /// `[out, in·height·width]`; AdamW on the head, the biases and the normalisations.
    Muon {
        /// Peak learning rate of the matrices.
        lr: f64,
        /// Momentum factor.
        #[serde(default = "default_muon_momentum")]
        momentum: f64,
        /// Nesterov's variant.
        #[serde(default = "default_true")]
        nesterov: bool,
        /// Steps of the Newton-Schulz iteration.
        #[serde(default = "default_ns_steps")]
        ns_steps: usize,
        /// How the learning rate depends on a matrix's shape.
        #[serde(default)]
        adjust_lr: AdjustLr,
        /// Decoupled weight decay, of AdamW's part too.
        #[serde(default)]
        weight_decay: f64,
        /// Peak learning rate of AdamW's part.
        #[serde(default = "default_muon_adamw_lr")]
        adamw_lr: f64,
        /// `betas` of AdamW's part.
        #[serde(default = "default_muon_betas")]
        adamw_betas: [f64; 2],
    },
}

/// How Muon's learning rate depends on the shape of a matrix: `torch.optim.Muon`'s `adjust_lr_fn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdjustLr {
    /// Times `√max(1, out / in)`.
    #[default]
    Original,
    /// Times `0.2·√max(out, in)`, so that rates tuned for AdamW can stay.
    MatchRmsAdamw,
}

fn default_betas() -> [f64; 2] {
    [0.9, 0.999]
}

fn default_lion_betas() -> [f64; 2] {
    [0.9, 0.99]
}

fn default_muon_betas() -> [f64; 2] {
    [0.9, 0.95]
}

pub(super) fn default_eps() -> f64 {
    1e-8
}

fn default_lamb_eps() -> f64 {
    1e-6
}

fn default_alpha() -> f64 {
    0.99
}

fn default_adamw_decay() -> f64 {
    1e-2
}

fn default_muon_momentum() -> f64 {
    0.95
}

fn default_muon_adamw_lr() -> f64 {
    3e-4
}

fn default_true() -> bool {
    true
}

fn default_ns_steps() -> usize {
    5
}

impl OptimizerSection {
    /// The peak learning rate, which the schedule scales.
    pub fn lr(&self) -> f64 {
        match self {
            Self::Sgd { lr, .. }
            | Self::Adamw { lr, .. }
            | Self::Rmsprop { lr, .. }
            | Self::Lamb { lr, .. }
            | Self::Lion { lr, .. }
            | Self::Muon { lr, .. } => *lr,
        }
    }

    /// The first value out of its range: its key, and what it must be.
    pub(crate) fn invalid(&self) -> Option<(&'static str, &'static str)> {
        let (lrs, betas, momentum, eps, weight_decay) = match *self {
            Self::Sgd {
                momentum: 0.0,
                nesterov: true,
                ..
            } => return Some(("nesterov", "false, or go with a momentum above 0")),
            Self::Sgd {
                lr,
                momentum,
                weight_decay,
                ..
            } => ([lr, lr], [0.0; 2], momentum, 1.0, weight_decay),
            Self::Adamw {
                lr,
                betas,
                eps,
                weight_decay,
            }
            | Self::Lamb {
                lr,
                betas,
                eps,
                weight_decay,
            } => ([lr, lr], betas, 0.0, eps, weight_decay),
            Self::Rmsprop { alpha, .. } if !(0.0..1.0).contains(&alpha) => {
                return Some(("alpha", "at least 0 and below 1"));
            }
            Self::Rmsprop {
                lr,
                momentum,
                eps,
                weight_decay,
                ..
            } => ([lr, lr], [0.0; 2], momentum, eps, weight_decay),
            Self::Lion {
                lr,
                betas,
                weight_decay,
            } => ([lr, lr], betas, 0.0, 1.0, weight_decay),
            Self::Muon { ns_steps, .. } if !(1..=100).contains(&ns_steps) => {
                return Some(("ns_steps", "1 to 100"));
            }
            Self::Muon { adamw_betas, .. }
                if !adamw_betas.iter().all(|b| (0.0..1.0).contains(b)) =>
            {
                return Some(("adamw_betas", "two numbers, each at least 0 and below 1"));
            }
            Self::Muon {
                lr,
                momentum,
                weight_decay,
                adamw_lr,
                ..
            } => ([lr, adamw_lr], [0.0; 2], momentum, 1.0, weight_decay),
        };
        // Tensors hold them in 32 bits.
        let positive = |value: f64| (value as f32).is_finite() && value as f32 > 0.0;
        let fraction = |value: f64| (0.0..1.0).contains(&(value as f32));
        if !positive(lrs[0]) {
            return Some(("lr", "a finite number above 0"));
        }
        if !positive(lrs[1]) {
            return Some(("adamw_lr", "a finite number above 0"));
        }
        if !fraction(momentum) {
            return Some(("momentum", "at least 0 and below 1"));
        }
        if !betas.iter().all(|&beta| fraction(beta)) {
            return Some(("betas", "two numbers, each at least 0 and below 1"));
        }
        if !positive(eps) {
            return Some(("eps", "a finite number above 0"));
        }
        if !(weight_decay.is_finite() && weight_decay >= 0.0) {
            return Some(("weight_decay", "a finite number, 0 or more"));
        }
        None
    }
}
