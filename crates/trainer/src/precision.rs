//! Mixed precision ([Micikevicius et al. 2018](https://arxiv.org/abs/1710.03740)): forward and backward passes in 16 bits from a
//! copy of the weights, the weights themselves and the optimizer in single precision, and for float16 a scaled loss.
//!
//! Batch normalisation keeps its parameters and statistics in single precision, as PyTorch's autocast has it. Validation is
//! in single precision: it judges the weights, not the arithmetic.

use burn::tensor::{Device, FloatDType};
use serde::{Deserialize, Serialize};

/// The data type in which a training step computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Single precision throughout.
    #[default]
    F32,
    /// bfloat16: float32's range with 8 bits of precision.
    Bf16,
    /// float16: 11 bits of precision, a small range; the loss is scaled so that small gradients do not vanish.
    F16,
}

impl Precision {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The data type of the forward and backward pass, where it is not f32.
    pub fn narrow(self) -> Option<FloatDType> {
        match self {
            Self::F32 => None,
            Self::Bf16 => Some(FloatDType::BF16),
            Self::F16 => Some(FloatDType::F16),
        }
    }

    /// The scale that a run starts with, where there is one.
    pub(crate) fn loss_scale(self) -> Option<LossScale> {
        (self == Self::F16).then(LossScale::default)
    }

    /// # Errors
    /// Where the device cannot compute in this data type; the message names those that it can.
    pub fn check(self, device: &Device) -> Result<(), String> {
        let supports = |dtype| device.supports_dtype(dtype);
        self.refusal(supports).map_or(Ok(()), Err)
    }

    /// Why a device that computes in what `supports` says cannot compute in this.
    fn refusal(self, supports: impl Fn(FloatDType) -> bool) -> Option<String> {
        let has = |precision: &Self| precision.narrow().is_none_or(&supports);
        if has(&self) {
            return None;
        }
        let others = [Self::Bf16, Self::F16, Self::F32].into_iter().filter(has);
        let others: Vec<String> = others.map(|precision| precision.to_string()).collect();
        Some(format!(
            "the device does not compute in {self}, expected {}",
            others.join(" or ")
        ))
    }
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            Self::F32 => "\"f32\"",
            Self::Bf16 => "\"bf16\"",
            Self::F16 => "\"f16\"",
        })
    }
}

/// What the loss is multiplied with before the backward pass, and the gradients divided by after it.
///
/// As PyTorch's `GradScaler`: halved, and the step left out, where a gradient is infinite or no number; doubled after 2000
/// steps without.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LossScale {
    pub(crate) factor: f64,
    /// Steps since it last changed.
    steps: usize,
}

impl Default for LossScale {
    fn default() -> Self {
        Self {
            factor: 65_536.0,
            steps: 0,
        }
    }
}

impl LossScale {
    const GROWTH_INTERVAL: usize = 2000;

    /// Whether gradients overflow however small the loss is made.
    pub(crate) fn is_spent(self) -> bool {
        self.factor < 1.0
    }

    /// The scale for the next step.
    pub(crate) fn after(self, gradients_were_finite: bool) -> Self {
        let factor = self.factor;
        match gradients_were_finite {
            false => Self {
                factor: factor / 2.0,
                steps: 0,
            },
            true if self.steps + 1 == Self::GROWTH_INTERVAL => Self {
                factor: factor * 2.0,
                steps: 0,
            },
            true => Self {
                factor,
                steps: self.steps + 1,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_device_cannot_is_refused_with_what_it_can() {
        let half_only = |dtype| dtype == FloatDType::F16;
        assert_eq!(Precision::F16.refusal(half_only), None);
        assert_eq!(Precision::F32.refusal(half_only), None);
        let message = Precision::Bf16.refusal(half_only);
        let expected = "the device does not compute in \"bf16\", expected \"f16\" or \"f32\"";
        assert_eq!(message.as_deref(), Some(expected));
    }

    #[test]
    fn the_scale_halves_at_once_and_doubles_after_2000_steps() {
        let start = LossScale::default();
        assert_eq!(start.after(false).factor, 32_768.0);
        let almost = (0..1999).fold(start, |scale, _| scale.after(true));
        assert_eq!(almost.factor, 65_536.0);
        assert_eq!(almost.after(true).factor, 131_072.0);
        assert_eq!(almost.after(false).after(true).factor, 32_768.0);
        let halved = |times: usize| (0..times).fold(start, |scale, _| scale.after(false));
        assert!(!halved(16).is_spent() && halved(17).is_spent());
    }
}
