//! From the keys of `[optimizer]` to Burn's optimizers.

use burn::module::ParamGroup;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{
    AdamW, AdamWConfig, AdjustLrFn, Lamb, LambConfig, Lion, LionConfig, ModuleOptimizer, Muon,
    MuonConfig, Optimizer, RmsProp, RmsPropConfig, Sgd, SgdConfig,
};

use super::groups::GroupRule;
use super::muon::KernelMuon;
use super::scaled::Scaled;
use super::section::{AdjustLr, OptimizerSection, default_betas, default_eps};

impl OptimizerSection {
    /// Whether matrices are updated in another way than the rest.
    pub(super) fn tells_matrices_apart(&self) -> bool {
        matches!(self, Self::Muon { .. })
    }

    /// The optimizer, without state, all parameters updated alike (with Muon: by AdamW).
    pub fn init(&self) -> ModuleOptimizer {
        match *self {
            Self::Sgd { weight_decay, .. } => self.sgd(weight_decay).into(),
            Self::Rmsprop { weight_decay, .. } => self.rmsprop(weight_decay).into(),
            Self::Lamb { weight_decay, .. } => self.lamb(weight_decay).into(),
            Self::Lion { weight_decay, .. } => self.lion(weight_decay).into(),
            Self::Adamw { weight_decay, .. } | Self::Muon { weight_decay, .. } => {
                self.adamw(weight_decay).into()
            }
        }
    }

    /// `optimizer`, with a rule of their own for the parameters of `group`.
    pub(super) fn with_group(
        &self,
        optimizer: ModuleOptimizer,
        group: ParamGroup,
        rule: GroupRule,
    ) -> ModuleOptimizer {
        fn scaled<O: Optimizer>(optimizer: O, factor: f64) -> Scaled<O> {
            Scaled { optimizer, factor }
        }
        let decay = |weight_decay: f64| if rule.decays { weight_decay } else { 0.0 };
        let factor = rule.factor;
        match *self {
            Self::Sgd { weight_decay, .. } => {
                optimizer.with_group(group, scaled(self.sgd(decay(weight_decay)), factor), None)
            }
            Self::Rmsprop { weight_decay, .. } => {
                let rmsprop = self.rmsprop(decay(weight_decay));
                optimizer.with_group(group, scaled(rmsprop, factor), None)
            }
            Self::Lamb { weight_decay, .. } => {
                optimizer.with_group(group, scaled(self.lamb(decay(weight_decay)), factor), None)
            }
            Self::Lion { weight_decay, .. } => {
                optimizer.with_group(group, scaled(self.lion(decay(weight_decay)), factor), None)
            }
            Self::Adamw { weight_decay, .. } => {
                optimizer.with_group(group, scaled(self.adamw(decay(weight_decay)), factor), None)
            }
            Self::Muon { weight_decay, .. } if rule.is_hidden_matrix => {
                let muon = KernelMuon(self.muon(decay(weight_decay)));
                optimizer.with_group(group, scaled(muon, factor), None)
            }
            Self::Muon {
                lr,
                adamw_lr,
                weight_decay,
                ..
            } => {
                let adamw = self.adamw(decay(weight_decay));
                optimizer.with_group(group, scaled(adamw, factor * adamw_lr / lr), None)
            }
        }
    }

    fn sgd(&self, weight_decay: f64) -> Sgd {
        let mut config = SgdConfig::new();
        if let Self::Sgd {
            momentum, nesterov, ..
        } = *self
            && momentum > 0.0
        {
            // Burn's default dampening is 0.1, PyTorch's is 0.
            let momentum = MomentumConfig::new()
                .with_momentum(momentum)
                .with_dampening(0.0)
                .with_nesterov(nesterov);
            config = config.with_momentum(Some(momentum));
        }
        config.with_weight_decay(penalty(weight_decay)).build()
    }

    fn adamw(&self, weight_decay: f64) -> AdamW {
        let ([beta_1, beta_2], eps) = match *self {
            Self::Adamw { betas, eps, .. } => (betas, eps),
            Self::Muon { adamw_betas, .. } => (adamw_betas, default_eps()),
            _ => (default_betas(), default_eps()),
        };
        AdamWConfig::new()
            .with_beta_1(beta_1 as f32)
            .with_beta_2(beta_2 as f32)
            .with_epsilon(eps as f32)
            .with_weight_decay(weight_decay as f32)
            .build()
    }

    fn rmsprop(&self, weight_decay: f64) -> RmsProp {
        let mut config = RmsPropConfig::new();
        if let Self::Rmsprop {
            alpha,
            eps,
            momentum,
            centered,
            ..
        } = *self
        {
            config = config
                .with_alpha(alpha as f32)
                .with_epsilon(eps as f32)
                .with_momentum(momentum as f32)
                .with_centered(centered);
        }
        config.with_weight_decay(penalty(weight_decay)).build()
    }

    fn lamb(&self, weight_decay: f64) -> Lamb {
        let mut config = LambConfig::new();
        if let Self::Lamb {
            betas: [beta_1, beta_2],
            eps,
            ..
        } = *self
        {
            config = config
                .with_beta_1(beta_1 as f32)
                .with_beta_2(beta_2 as f32)
                .with_epsilon(eps as f32);
        }
        config
            .with_weight_decay(weight_decay as f32)
            .with_use_trust_ratio(weight_decay != 0.0)
            .build()
    }

    fn lion(&self, weight_decay: f64) -> Lion {
        let mut config = LionConfig::new();
        if let Self::Lion {
            betas: [beta_1, beta_2],
            ..
        } = *self
        {
            config = config.with_beta_1(beta_1 as f32).with_beta_2(beta_2 as f32);
        }
        config.with_weight_decay(weight_decay as f32).build()
    }

    fn muon(&self, weight_decay: f64) -> Muon {
        let mut config = MuonConfig::new();
        if let Self::Muon {
            momentum,
            nesterov,
            ns_steps,
            adjust_lr,
            ..
        } = *self
        {
            let momentum = MomentumConfig::new()
                .with_momentum(momentum)
                .with_dampening(0.0)
                .with_nesterov(nesterov);
            config = config
                .with_momentum(momentum)
                .with_ns_steps(ns_steps)
                .with_adjust_lr_fn(match adjust_lr {
                    AdjustLr::Original => AdjustLrFn::Original,
                    AdjustLr::MatchRmsAdamw => AdjustLrFn::MatchRmsAdamW,
                });
        }
        config.with_weight_decay(penalty(weight_decay)).build()
    }
}

fn penalty(weight_decay: f64) -> Option<WeightDecayConfig> {
    (weight_decay > 0.0).then(|| WeightDecayConfig::new(weight_decay as f32))
}
