//! From the keys of `[optimizer]` to Burn's optimizers.

use burn::module::ParamGroup;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{
    AdamW, AdamWConfig, AdjustLrFn, LambConfig, LionConfig, ModuleOptimizer, MuonConfig, Optimizer,
    RmsPropConfig, SgdConfig,
};
use burn_zoo_kernels::SgdStep;

use super::groups::GroupRule;
use super::muon::KernelMuon;
use super::scaled::Scaled;
use super::section::{AdjustLr, OptimizerSection, default_eps};
use super::sgd::Sgd;

impl OptimizerSection {
    /// Whether matrices are updated in another way than the rest.
    pub(super) fn tells_matrices_apart(&self) -> bool {
        matches!(self, Self::Muon { .. })
    }

    /// The optimizer, without state, all parameters updated alike (with Muon: by AdamW).
    pub fn init(&self) -> ModuleOptimizer {
        // Burn wants an optimizer to begin with; the group of all parameters leaves nothing to it.
        let unused = SgdConfig::new().init();
        self.with_group(unused, ParamGroup::all(), GroupRule::default())
    }

    /// `optimizer`, with a rule of their own for the parameters of `group`.
    pub(super) fn with_group(
        &self,
        optimizer: ModuleOptimizer,
        group: ParamGroup,
        rule: GroupRule,
    ) -> ModuleOptimizer {
        fn add<O: Optimizer>(
            to: ModuleOptimizer,
            group: ParamGroup,
            optimizer: O,
            factor: f64,
        ) -> ModuleOptimizer {
            to.with_group(group, Scaled { optimizer, factor }, None)
        }
        let decay = |weight_decay: f64| if rule.decays { weight_decay } else { 0.0 };
        let factor = rule.factor;
        match *self {
            Self::Sgd {
                momentum,
                nesterov,
                weight_decay,
                ..
            } => {
                let descent = SgdStep {
                    momentum: momentum as f32,
                    nesterov,
                    weight_decay: decay(weight_decay) as f32,
                };
                add(optimizer, group, Sgd(descent), factor)
            }
            Self::Adamw {
                betas,
                eps,
                weight_decay,
                ..
            } => {
                let adamw = adamw(betas, eps, decay(weight_decay));
                add(optimizer, group, adamw, factor)
            }
            Self::Rmsprop {
                alpha,
                eps,
                momentum,
                centered,
                weight_decay,
                ..
            } => {
                let config = RmsPropConfig::new()
                    .with_alpha(alpha as f32)
                    .with_epsilon(eps as f32)
                    .with_momentum(momentum as f32)
                    .with_centered(centered)
                    .with_weight_decay(penalty(decay(weight_decay)));
                add(optimizer, group, config.build(), factor)
            }
            Self::Lamb {
                betas: [beta_1, beta_2],
                eps,
                weight_decay,
                ..
            } => {
                let weight_decay = decay(weight_decay);
                let config = LambConfig::new()
                    .with_beta_1(beta_1 as f32)
                    .with_beta_2(beta_2 as f32)
                    .with_epsilon(eps as f32)
                    .with_weight_decay(weight_decay as f32)
                    .with_use_trust_ratio(weight_decay != 0.0);
                add(optimizer, group, config.build(), factor)
            }
            Self::Lion {
                betas: [beta_1, beta_2],
                weight_decay,
                ..
            } => {
                let config = LionConfig::new()
                    .with_beta_1(beta_1 as f32)
                    .with_beta_2(beta_2 as f32)
                    .with_weight_decay(decay(weight_decay) as f32);
                add(optimizer, group, config.build(), factor)
            }
            Self::Muon {
                momentum,
                nesterov,
                ns_steps,
                adjust_lr,
                weight_decay,
                ..
            } if rule.is_hidden_matrix => {
                let config = MuonConfig::new()
                    .with_momentum(undampened(momentum, nesterov))
                    .with_ns_steps(ns_steps)
                    .with_adjust_lr_fn(match adjust_lr {
                        AdjustLr::Original => AdjustLrFn::Original,
                        AdjustLr::MatchRmsAdamw => AdjustLrFn::MatchRmsAdamW,
                    })
                    .with_weight_decay(penalty(decay(weight_decay)));
                add(optimizer, group, KernelMuon(config.build()), factor)
            }
            Self::Muon {
                lr,
                weight_decay,
                adamw_lr,
                adamw_betas,
                ..
            } => {
                let adamw = adamw(adamw_betas, default_eps(), decay(weight_decay));
                add(optimizer, group, adamw, factor * adamw_lr / lr)
            }
        }
    }
}

fn adamw([beta_1, beta_2]: [f64; 2], eps: f64, weight_decay: f64) -> AdamW {
    AdamWConfig::new()
        .with_beta_1(beta_1 as f32)
        .with_beta_2(beta_2 as f32)
        .with_epsilon(eps as f32)
        .with_weight_decay(weight_decay as f32)
        .build()
}

/// Burn's default dampening is 0.1, PyTorch's is 0.
fn undampened(momentum: f64, nesterov: bool) -> MomentumConfig {
    MomentumConfig::new()
        .with_momentum(momentum)
        .with_dampening(0.0)
        .with_nesterov(nesterov)
}

fn penalty(weight_decay: f64) -> Option<WeightDecayConfig> {
    (weight_decay > 0.0).then(|| WeightDecayConfig::new(weight_decay as f32))
}
