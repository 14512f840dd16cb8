//! Random colours: torchvision's `ColorJitter` and AlexNet's PCA lighting.

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::adjust;
use crate::error::{PipelineError, ensure};
use crate::image::Image;

/// torchvision's `ColorJitter`, `[augment.color_jitter]` of a run file: each property changes by a random amount up to the
/// one given, 0 for none, in random order.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ColorJitter {
    /// The factor lies between `max(0, 1 − this)` and `1 + this`; default 0.
    pub brightness: f64,
    /// As for the brightness.
    pub contrast: f64,
    /// As for the brightness. Grey images stay.
    pub saturation: f64,
    /// The hue turns by up to this fraction of the colour circle either way, at most 0.5; default 0.
    pub hue: f64,
}

impl ColorJitter {
    pub(super) fn apply(&self, image: &mut Image, rng: &mut impl Rng) {
        let mut order = [0, 1, 2, 3];
        order.shuffle(rng);
        for property in order {
            let reach = self.reaches()[property];
            if reach == 0.0 {
                continue;
            }
            if property == 3 {
                adjust::hue(image, rng.random_range(-reach..=reach));
                continue;
            }
            let factor = rng.random_range((1.0 - reach).max(0.0)..=1.0 + reach) as f32;
            match property {
                0 => adjust::brightness(image, factor),
                1 => adjust::contrast(image, factor),
                _ => adjust::saturation(image, factor),
            }
        }
    }

    fn reaches(&self) -> [f64; 4] {
        [self.brightness, self.contrast, self.saturation, self.hue]
    }

    pub(super) fn validate(&self) -> Result<(), PipelineError> {
        let is_valid = |reach: f64| reach.is_finite() && reach >= 0.0;
        ensure(self.reaches().into_iter().all(is_valid), || {
            format!("augment.color_jitter = {self:?}: expected finite values, 0 or above")
        })?;
        ensure(self.hue <= 0.5, || {
            let hue = self.hue;
            format!("augment.color_jitter.hue = {hue}: expected at most 0.5, half of the circle")
        })
    }
}

/// Eigenvalues of the covariance of ImageNet's RGB values, scaled to 0…1, from fb.resnet.torch; AlexNet's authors did not
/// publish theirs.
const EIGENVALUES: [f64; 3] = [0.2175, 0.0188, 0.0045];
/// The eigenvectors, a column each.
const EIGENVECTORS: [[f64; 3]; 3] = [
    [-0.5675, 0.7192, 0.4009],
    [-0.5808, -0.0045, -0.8140],
    [-0.5836, -0.6948, 0.4203],
];

/// Adds `[p₁, p₂, p₃][α₁λ₁, α₂λ₂, α₃λ₃]ᵀ` to every pixel of a normalised RGB image, each α from a normal distribution
/// of std `alpha_std` (AlexNet, section 4.1). `std` is that of the normalisation.
pub(super) fn pca_lighting(alpha_std: f64, std: &[f32], values: &mut [f32], rng: &mut impl Rng) {
    let alphas: [f64; 3] = std::array::from_fn(|_| {
        let normal: f64 = StandardNormal.sample(rng);
        normal * alpha_std
    });
    add_light(alphas, std, values);
}

pub(super) fn add_light(alphas: [f64; 3], std: &[f32], values: &mut [f32]) {
    let plane = values.len() / std.len();
    let planes = values.chunks_exact_mut(plane).zip(std).zip(EIGENVECTORS);
    for ((plane, std), row) in planes {
        let terms = row.iter().zip(EIGENVALUES).zip(alphas);
        let light: f64 = terms.map(|((p, lambda), alpha)| p * alpha * lambda).sum();
        let light = light as f32 / std;
        plane.iter_mut().for_each(|value| *value += light);
    }
}
