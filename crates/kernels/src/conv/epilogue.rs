//! What follows a convolution, done while its sums are in the cache.

use pulp::{Arch, Simd, WithSimd};

/// What every sum of a channel goes through: `sum · scale + shift`, a shortcut added, rectified.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Epilogue<'a> {
    /// Of each channel; 1 where there is none.
    pub(crate) scale: Option<&'a [f32]>,
    /// Of each channel: a bias, or what is left of one after normalisation.
    pub(crate) shift: Option<&'a [f32]>,
    /// As what comes out: `[batch, channels, height, width]`.
    pub(crate) shortcut: Option<&'a [f32]>,
    pub(crate) has_relu: bool,
}

impl Epilogue<'_> {
    /// A bias and nothing else.
    #[cfg(test)]
    pub(crate) fn bias(shift: &[f32]) -> Epilogue<'_> {
        Epilogue {
            shift: Some(shift),
            ..Epilogue::default()
        }
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.scale.is_none() && self.shift.is_none() && self.shortcut.is_none() && !self.has_relu
    }

    /// Finishes sums of a channel, of which the first is number `at` of what comes out.
    pub(super) fn finish(&self, channel: usize, at: usize, sums: &mut [f32]) {
        if self.is_nothing() {
            return;
        }
        Arch::new().dispatch(Finish {
            scale: self.scale.map_or(1.0, |scale| scale[channel]),
            shift: self.shift.map_or(0.0, |shift| shift[channel]),
            shortcut: self.shortcut.map(|map| &map[at..at + sums.len()]),
            has_relu: self.has_relu,
            sums,
        });
    }
}

struct Finish<'a> {
    scale: f32,
    shift: f32,
    shortcut: Option<&'a [f32]>,
    has_relu: bool,
    sums: &'a mut [f32],
}

impl WithSimd for Finish<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for sum in &mut *self.sums {
            *sum = *sum * self.scale + self.shift;
        }
        if let Some(shortcut) = self.shortcut {
            for (sum, more) in self.sums.iter_mut().zip(shortcut) {
                *sum += more;
            }
        }
        if self.has_relu {
            // NaN stays, as Burn and PyTorch have it.
            for sum in self.sums {
                *sum = if *sum <= 0.0 { 0.0 } else { *sum };
            }
        }
    }
}
