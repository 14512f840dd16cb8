//! `[augment]`: random changes of the training images.

use burn_zoo_data::{Augment, AutoAugment, ColorJitter, Crop, EraseValue, Erasing, Policy};
use serde::{Deserialize, Serialize};

/// `[augment]`: random changes of the training images.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AugmentSection {
    /// Random crop.
    #[serde(default)]
    pub crop: CropMode,
    /// With `crop = "pad"`: pixels of black border on each side; default 4, as in the ResNet paper, section 4.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pad: Option<usize>,
    /// With `crop = "random_resized"`: least and greatest fraction of the area; default 0.08 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<[f64; 2]>,
    /// With `crop = "random_resized"`: least and greatest ratio of width to height; default 3/4 to 4/3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<[f64; 2]>,
    /// With `crop = "scale_jitter"`: least and greatest length of the shorter side; default 8/7 to 16/7 of the input's, which
    /// is VGG's 256 to 512 for 224.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shorter: Option<[usize; 2]>,
    /// Mirror half of the images.
    #[serde(default)]
    pub flip: bool,
    /// A choice among many operations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyName>,
    /// With `policy = "rand_augment"`: operations on each image; default 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_ops: Option<usize>,
    /// With `policy = "rand_augment"`: strength of the operations, from 0 to 30; default 9.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub magnitude: Option<usize>,
    /// Random changes of brightness, contrast, saturation and hue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color_jitter: Option<ColorJitterSection>,
    /// Light along the principal components of ImageNet's colours: std of their coefficients, 0.1 in AlexNet's section 4.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lighting: Option<f64>,
    /// Overwrite a rectangle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erasing: Option<ErasingSection>,
    /// Cutout: side in pixels of a square that becomes the mean colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cutout: Option<usize>,
    /// Mixup: blend images with their neighbours in the batch, λ drawn from Beta(this, this).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixup: Option<f64>,
    /// CutMix: paste a rectangle of the neighbour, its area drawn from Beta(this, this).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cutmix: Option<f64>,
    /// With `mixup` or `cutmix`: probability that a batch is mixed; default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mix_prob: Option<f64>,
    /// With `mixup` and `cutmix`: probability that a mixed batch gets CutMix; default 0.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch_prob: Option<f64>,
}

/// Random crop of the training images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CropMode {
    /// The same crop as in evaluation.
    #[default]
    None,
    /// A border of `pad` pixels, then a random window of the input's size.
    Pad,
    /// A window of random area and shape, resized (torchvision's RandomResizedCrop).
    RandomResized,
    /// The shorter side resized to a random length, then a random window of the input's size (VGG, section 3.1).
    ScaleJitter,
}

/// A choice among many operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyName {
    /// RandAugment.
    RandAugment,
    /// TrivialAugmentWide.
    TrivialAugmentWide,
    /// AutoAugment, as found on ImageNet.
    AutoAugmentImagenet,
    /// AutoAugment, as found on CIFAR-10.
    AutoAugmentCifar10,
    /// AutoAugment, as found on SVHN.
    AutoAugmentSvhn,
}

/// `[augment.color_jitter]`: torchvision's `ColorJitter`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColorJitterSection {
    /// The factor lies between `max(0, 1 - this)` and `1 + this`.
    #[serde(default)]
    pub brightness: f64,
    /// As for the brightness.
    #[serde(default)]
    pub contrast: f64,
    /// As for the brightness.
    #[serde(default)]
    pub saturation: f64,
    /// Up to this fraction of the circle either way, at most 0.5.
    #[serde(default)]
    pub hue: f64,
}

/// `[augment.erasing]`: torchvision's `RandomErasing`, with its defaults.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ErasingSection {
    /// Probability that an image loses a rectangle.
    pub prob: f64,
    /// Least and greatest fraction of the area.
    pub scale: [f64; 2],
    /// Least and greatest ratio of height to width.
    pub ratio: [f64; 2],
    /// What stands in its place.
    pub value: EraseMode,
}

/// What stands in place of an erased rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EraseMode {
    /// The mean colour.
    #[default]
    Zero,
    /// Noise.
    Random,
}

impl Default for ErasingSection {
    fn default() -> Self {
        let Erasing {
            prob, scale, ratio, ..
        } = Erasing::default();
        Self {
            prob,
            scale,
            ratio,
            value: EraseMode::default(),
        }
    }
}

/// Pixels of border of the ResNet paper's CIFAR recipe (section 4.2).
const DEFAULT_PAD: usize = 4;

impl AugmentSection {
    /// What happens to an image whose input has this height and width.
    pub(crate) fn build(&self, [height, width]: [usize; 2]) -> Augment {
        let crop = match self.crop {
            CropMode::None => Crop::None,
            CropMode::Pad => Crop::Pad(self.pad.unwrap_or(DEFAULT_PAD)),
            CropMode::RandomResized => Crop::RandomResized {
                scale: self.scale.unwrap_or([0.08, 1.0]),
                ratio: self.ratio.unwrap_or([3.0 / 4.0, 4.0 / 3.0]),
            },
            CropMode::ScaleJitter => {
                let side = height.max(width);
                let own = [(side * 8).div_ceil(7), (side * 16).div_ceil(7)];
                Crop::ScaleJitter {
                    shorter: self.shorter.unwrap_or(own),
                }
            }
        };
        let policy = self.policy.map(|name| match name {
            PolicyName::RandAugment => Policy::RandAugment {
                num_ops: self.num_ops.unwrap_or(2),
                magnitude: self.magnitude.unwrap_or(9),
            },
            PolicyName::TrivialAugmentWide => Policy::TrivialAugmentWide,
            PolicyName::AutoAugmentImagenet => Policy::AutoAugment(AutoAugment::ImageNet),
            PolicyName::AutoAugmentCifar10 => Policy::AutoAugment(AutoAugment::Cifar10),
            PolicyName::AutoAugmentSvhn => Policy::AutoAugment(AutoAugment::Svhn),
        });
        let color_jitter = self.color_jitter.map(|section| ColorJitter {
            brightness: section.brightness,
            contrast: section.contrast,
            saturation: section.saturation,
            hue: section.hue,
        });
        let erasing = self.erasing.map(|section| Erasing {
            prob: section.prob,
            scale: section.scale,
            ratio: section.ratio,
            value: match section.value {
                EraseMode::Zero => EraseValue::Zero,
                EraseMode::Random => EraseValue::Random,
            },
        });
        Augment {
            crop,
            flip: self.flip,
            policy,
            color_jitter,
            lighting: self.lighting,
            erasing,
            cutout: self.cutout,
        }
    }

    /// The first value that makes no sense: its key, and what it must be. Ranges are checked by
    /// [`Pipeline::validate`](burn_zoo_data::Pipeline::validate).
    pub(super) fn invalid(&self) -> Option<(&'static str, &'static str)> {
        // Tensors hold them in 32 bits.
        let above = |value: f64| (value as f32).is_finite() && value as f32 > 0.0;
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let mixes = self.mixup.is_some() || self.cutmix.is_some();
        let mixes_both = self.mixup.is_some() && self.cutmix.is_some();
        let number = "a finite number above 0";
        let is_rand = self.policy == Some(PolicyName::RandAugment);
        let only_rand = "left out: only policy = \"rand_augment\" has it";
        let is_resized = self.crop == CropMode::RandomResized;
        let only_resized = "left out: only crop = \"random_resized\" has it";
        let checks = [
            (
                "pad",
                self.pad.is_none() || self.crop == CropMode::Pad,
                "left out: only crop = \"pad\" pads",
            ),
            ("scale", self.scale.is_none() || is_resized, only_resized),
            ("ratio", self.ratio.is_none() || is_resized, only_resized),
            (
                "shorter",
                self.shorter.is_none() || self.crop == CropMode::ScaleJitter,
                "left out: only crop = \"scale_jitter\" has it",
            ),
            (
                "shorter",
                self.shorter.is_none_or(|[_, most]| most <= 32_768),
                "at most 32768",
            ),
            ("num_ops", self.num_ops.is_none() || is_rand, only_rand),
            (
                "num_ops",
                self.num_ops.is_none_or(|n| (1..=64).contains(&n)),
                "1 to 64",
            ),
            ("magnitude", self.magnitude.is_none() || is_rand, only_rand),
            (
                "magnitude",
                self.magnitude.is_none_or(|m| m <= 30),
                "0 to 30",
            ),
            ("lighting", self.lighting.is_none_or(above), number),
            (
                "cutout",
                self.cutout.is_none_or(|side| side >= 2),
                "2 or more",
            ),
            ("mixup", self.mixup.is_none_or(above), number),
            ("cutmix", self.cutmix.is_none_or(above), number),
            (
                "mix_prob",
                self.mix_prob.is_none_or(share),
                "between 0 and 1",
            ),
            (
                "mix_prob",
                self.mix_prob.is_none() || mixes,
                "left out where neither mixup nor cutmix is given",
            ),
            (
                "switch_prob",
                self.switch_prob.is_none_or(share),
                "between 0 and 1",
            ),
            (
                "switch_prob",
                self.switch_prob.is_none() || mixes_both,
                "left out where mixup and cutmix are not both given",
            ),
        ];
        let wrong = checks.into_iter().find(|(_, right, _)| !right);
        wrong.map(|(key, _, expected)| (key, expected))
    }
}
