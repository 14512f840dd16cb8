//! The operations that policies choose from, and how strong each is.

use super::{adjust, warp};
use crate::image::Image;

/// One operation of a policy, by torchvision's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Op {
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Color,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
    Invert,
}

impl Op {
    /// Every operation, in the order of the declaration.
    #[rustfmt::skip]
    pub(super) const ALL: [Self; 15] = {
        use Op::*;
        [Identity, ShearX, ShearY, TranslateX, TranslateY, Rotate, Brightness, Color, Contrast, Sharpness, Posterize,
         Solarize, AutoContrast, Equalize, Invert]
    };

    /// What RandAugment and TrivialAugment choose from: all but [`Invert`](Self::Invert).
    pub(super) const CHOICE: &[Self] = Self::ALL.split_at(14).0;

    /// Whether it has two directions, so that half of the magnitudes are taken negative.
    pub(super) fn is_signed(self) -> bool {
        (Self::ShearX..=Self::Sharpness).contains(&self)
    }

    /// Changes the image. The unit of `magnitude` is the operation's: a slope, pixels, degrees, an enhancement factor minus
    /// 1, bits, a threshold; some have none.
    pub(super) fn apply(self, image: &mut Image, magnitude: f64) {
        let factor = (1.0 + magnitude) as f32;
        match self {
            Self::Identity => {}
            Self::ShearX => warp::shear_x(image, magnitude),
            Self::ShearY => warp::shear_y(image, magnitude),
            Self::TranslateX => warp::translate(image, magnitude as i64, 0),
            Self::TranslateY => warp::translate(image, 0, magnitude as i64),
            Self::Rotate => warp::rotate(image, magnitude),
            Self::Brightness => adjust::brightness(image, factor),
            Self::Color => adjust::saturation(image, factor),
            Self::Contrast => adjust::contrast(image, factor),
            Self::Sharpness => adjust::sharpness(image, factor),
            Self::Posterize => adjust::posterize(image, magnitude as u32),
            Self::Solarize => adjust::solarize(image, magnitude),
            Self::AutoContrast => adjust::auto_contrast(image),
            Self::Equalize => adjust::equalize(image),
            Self::Invert => adjust::invert(image),
        }
    }
}

/// The greatest magnitudes of a policy, and the number of steps to them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// Steps from the weakest magnitude to the strongest.
    pub(super) bins: usize,
    shear: f32,
    shift: Shift,
    degrees: f32,
    factor: f32,
    bits: f32,
}

/// The greatest shift of an image.
#[derive(Debug, Clone, Copy)]
enum Shift {
    Pixels(f32),
    /// Fraction of the image's side.
    Fraction(f64),
}

/// AutoAugment's (Cubuk et al. 2019), in torchvision's bins.
pub(super) const AUTO: Scale = Scale {
    bins: 10,
    shear: 0.3,
    shift: Shift::Fraction(150.0 / 331.0),
    degrees: 30.0,
    factor: 0.9,
    bits: 4.0,
};

/// RandAugment's (Cubuk et al. 2020), in torchvision's bins.
pub(super) const RAND: Scale = Scale { bins: 31, ..AUTO };

/// TrivialAugmentWide's (Müller and Hutter 2021).
pub(super) const WIDE: Scale = Scale {
    bins: 31,
    shear: 0.99,
    shift: Shift::Pixels(32.0),
    degrees: 135.0,
    factor: 0.99,
    bits: 6.0,
};

impl Scale {
    /// The magnitude of `op` at step `bin` for an image of this height and width.
    pub(super) fn magnitude(&self, op: Op, bin: usize, [height, width]: [usize; 2]) -> f64 {
        let shift = |side: usize| match self.shift {
            Shift::Pixels(pixels) => pixels,
            Shift::Fraction(fraction) => (fraction * side as f64) as f32,
        };
        let value = match op {
            Op::ShearX | Op::ShearY => self.linear(0.0, self.shear, bin),
            Op::TranslateX => self.linear(0.0, shift(width), bin),
            Op::TranslateY => self.linear(0.0, shift(height), bin),
            Op::Rotate => self.linear(0.0, self.degrees, bin),
            Op::Brightness | Op::Color | Op::Contrast | Op::Sharpness => {
                self.linear(0.0, self.factor, bin)
            }
            Op::Posterize => {
                8.0 - (bin as f32 / ((self.bins - 1) as f32 / self.bits)).round_ties_even()
            }
            Op::Solarize => self.linear(255.0, 0.0, bin),
            Op::Identity | Op::AutoContrast | Op::Equalize | Op::Invert => 0.0,
        };
        f64::from(value)
    }

    /// PyTorch's `linspace` in single precision, which counts from the nearer end.
    fn linear(&self, start: f32, end: f32, bin: usize) -> f32 {
        let last = self.bins - 1;
        let step = (end - start) / last as f32;
        match bin < self.bins / 2 {
            true => start + step * bin as f32,
            false => end - step * (last - bin) as f32,
        }
    }
}
