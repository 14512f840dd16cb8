//! The passes of batch normalisation over one plane, in registers.

use std::mem::MaybeUninit;

use pulp::{Arch, Simd, WithSimd};

/// The sum of a plane.
pub(super) struct Sum<'a>(pub(super) &'a [f32]);

impl Sum<'_> {
    pub(super) fn run(self) -> f64 {
        Arch::new().dispatch(self)
    }
}

impl WithSimd for Sum<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let (plane, rest) = S::as_simd_f32s(self.0);
        let (fours, ones) = pulp::as_arrays::<4, _>(plane);
        let mut sums = [simd.splat_f32s(0.0); 4];
        for four in fours {
            for i in 0..4 {
                sums[i] = simd.add_f32s(sums[i], four[i]);
            }
        }
        for one in ones {
            sums[0] = simd.add_f32s(sums[0], *one);
        }
        let mut total = wide(simd, sums);
        for value in rest {
            total += f64::from(*value);
        }
        total
    }
}

/// The sum of the squares of what a plane's values are from the centre.
pub(super) struct Squares<'a>(pub(super) &'a [f32], pub(super) f32);

impl Squares<'_> {
    pub(super) fn run(self) -> f64 {
        Arch::new().dispatch(self)
    }
}

impl WithSimd for Squares<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let Self(plane, centre) = self;
        let middle = simd.splat_f32s(centre);
        let (plane, rest) = S::as_simd_f32s(plane);
        let (fours, ones) = pulp::as_arrays::<4, _>(plane);
        let mut sums = [simd.splat_f32s(0.0); 4];
        for four in fours {
            for i in 0..4 {
                let far = simd.sub_f32s(four[i], middle);
                sums[i] = simd.mul_add_e_f32s(far, far, sums[i]);
            }
        }
        for one in ones {
            let far = simd.sub_f32s(*one, middle);
            sums[0] = simd.mul_add_e_f32s(far, far, sums[0]);
        }
        let mut total = wide(simd, sums);
        for value in rest {
            let far = f64::from(value - centre);
            total += far * far;
        }
        total
    }
}

/// Writes `(value - centre) * scale + shift`, with the shortcut added where there is one, rectified where it is to be.
pub(super) struct Normalise<'a> {
    pub(super) values: &'a [f32],
    pub(super) shortcut: Option<&'a [f32]>,
    pub(super) centre: f32,
    pub(super) scale: f32,
    pub(super) shift: f32,
    pub(super) has_relu: bool,
    pub(super) to: &'a mut [MaybeUninit<f32>],
}

impl Normalise<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Normalise<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let [centre, scale, shift] = [self.centre, self.scale, self.shift];
        let [middle, factor, offset] = [centre, scale, shift].map(|x| simd.splat_f32s(x));
        let (values, values_rest) = S::as_simd_f32s(self.values);
        let (to, to_rest) = S::as_uninit_mut_simd_f32s(self.to);
        let to = &mut to[..values.len()];
        match (self.shortcut, self.has_relu) {
            (None, has_relu) => {
                for i in 0..values.len() {
                    let y = affine(simd, values[i], [middle, factor, offset]);
                    to[i].write(if has_relu { relu(simd, y) } else { y });
                }
                for (to, x) in to_rest.iter_mut().zip(values_rest) {
                    let y = affine_of(*x, [centre, scale, shift]);
                    to.write(if has_relu { relu_of(y) } else { y });
                }
            }
            (Some(shortcut), _) => {
                let (shortcut, shortcut_rest) = S::as_simd_f32s(shortcut);
                let shortcut = &shortcut[..values.len()];
                for i in 0..values.len() {
                    let y = affine(simd, values[i], [middle, factor, offset]);
                    to[i].write(relu(simd, simd.add_f32s(y, shortcut[i])));
                }
                for ((to, x), s) in to_rest.iter_mut().zip(values_rest).zip(shortcut_rest) {
                    to.write(relu_of(affine_of(*x, [centre, scale, shift]) + s));
                }
            }
        }
    }
}

/// Where a gradient does not pass: where what came out was not above 0.
#[derive(Clone, Copy)]
pub(super) enum Blocking<'a> {
    /// It passes everywhere: nothing was rectified.
    Nowhere,
    /// By what came out.
    Out(&'a [f32]),
    /// By what came out of these, computed anew: that is faster than to read it.
    Affine { scale: f32, shift: f32 },
}

/// Sums the gradient that passes, and its products with what the values are from the centre. Writes what passes, where it is
/// wanted.
pub(super) struct Pass<'a> {
    pub(super) grad: &'a [f32],
    pub(super) cut: Blocking<'a>,
    pub(super) values: &'a [f32],
    pub(super) centre: f32,
    pub(super) passed: Option<&'a mut [MaybeUninit<f32>]>,
}

impl Pass<'_> {
    pub(super) fn run(self) -> [f64; 2] {
        Arch::new().dispatch(self)
    }
}

impl WithSimd for Pass<'_> {
    type Output = [f64; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [f64; 2] {
        let zero = simd.splat_f32s(0.0);
        let middle = simd.splat_f32s(self.centre);
        let (values, values_rest) = S::as_simd_f32s(self.values);
        let length = values.len();
        let (grad, grad_rest) = S::as_simd_f32s(self.grad);
        let grad = &grad[..length];
        let mut passed = self.passed.map(S::as_uninit_mut_simd_f32s);
        let cut = Cutter::new(simd, self.cut, self.centre);
        let (mut plain, mut products) = ([zero; 4], [zero; 4]);
        for i in 0..length {
            let dy = cut.pass(simd, i, values[i], grad[i]);
            if let Some((passed, _)) = &mut passed {
                passed[i].write(dy);
            }
            let far = simd.sub_f32s(values[i], middle);
            // As many sums side by side as an addition takes cycles.
            plain.rotate_left(1);
            products.rotate_left(1);
            plain[0] = simd.add_f32s(plain[0], dy);
            products[0] = simd.mul_add_e_f32s(dy, far, products[0]);
        }
        let mut total = [wide(simd, plain), wide(simd, products)];
        for i in 0..values_rest.len() {
            let dy = cut.pass_one(i, values_rest[i], grad_rest[i]);
            if let Some((_, passed)) = &mut passed {
                passed[i].write(dy);
            }
            total[0] += f64::from(dy);
            total[1] += f64::from(dy * (values_rest[i] - self.centre));
        }
        total
    }
}

/// Writes `scale * (dy - constant - (value - centre) * slope)`, dy being the gradient that passes.
pub(super) struct Differentiate<'a> {
    pub(super) grad: &'a [f32],
    pub(super) cut: Blocking<'a>,
    pub(super) values: &'a [f32],
    pub(super) centre: f32,
    pub(super) scale: f32,
    pub(super) constant: f32,
    pub(super) slope: f32,
    pub(super) to: &'a mut [MaybeUninit<f32>],
}

impl Differentiate<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Differentiate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let own = [self.centre, self.scale, self.constant, self.slope];
        let [middle, factor, constant, slope] = own.map(|x| simd.splat_f32s(x));
        let (values, values_rest) = S::as_simd_f32s(self.values);
        let length = values.len();
        let (grad, grad_rest) = S::as_simd_f32s(self.grad);
        let (to, to_rest) = S::as_uninit_mut_simd_f32s(self.to);
        let (grad, to) = (&grad[..length], &mut to[..length]);
        let cut = Cutter::new(simd, self.cut, self.centre);
        for i in 0..length {
            let dy = cut.pass(simd, i, values[i], grad[i]);
            let far = simd.sub_f32s(values[i], middle);
            let rest = simd.sub_f32s(dy, constant);
            to[i].write(simd.mul_f32s(factor, simd.sub_f32s(rest, simd.mul_f32s(far, slope))));
        }
        for i in 0..values_rest.len() {
            let dy = cut.pass_one(i, values_rest[i], grad_rest[i]);
            let far = values_rest[i] - self.centre;
            to_rest[i].write(self.scale * (dy - self.constant - far * self.slope));
        }
    }
}

/// A [`Blocking`], in registers.
struct Cutter<'a, S: Simd> {
    cut: Blocking<'a>,
    centre: f32,
    out: &'a [S::f32s],
    out_rest: &'a [f32],
    affine: [S::f32s; 3],
}

impl<'a, S: Simd> Cutter<'a, S> {
    #[inline(always)]
    fn new(simd: S, cut: Blocking<'a>, centre: f32) -> Self {
        let (out, out_rest) = match cut {
            Blocking::Out(out) => S::as_simd_f32s(out),
            Blocking::Nowhere | Blocking::Affine { .. } => S::as_simd_f32s(&[]),
        };
        let (scale, shift) = match cut {
            Blocking::Affine { scale, shift } => (scale, shift),
            Blocking::Nowhere | Blocking::Out(_) => (0.0, 0.0),
        };
        Self {
            cut,
            centre,
            out,
            out_rest,
            affine: [
                simd.splat_f32s(centre),
                simd.splat_f32s(scale),
                simd.splat_f32s(shift),
            ],
        }
    }

    #[inline(always)]
    fn pass(&self, simd: S, i: usize, value: S::f32s, grad: S::f32s) -> S::f32s {
        let out = match self.cut {
            Blocking::Nowhere => return grad,
            Blocking::Out(_) => self.out[i],
            Blocking::Affine { .. } => affine(simd, value, self.affine),
        };
        let zero = simd.splat_f32s(0.0);
        simd.select_f32s(simd.less_than_or_equal_f32s(out, zero), zero, grad)
    }

    #[inline(always)]
    fn pass_one(&self, i: usize, value: f32, grad: f32) -> f32 {
        let out = match self.cut {
            Blocking::Nowhere => return grad,
            Blocking::Out(_) => self.out_rest[i],
            Blocking::Affine { scale, shift } => affine_of(value, [self.centre, scale, shift]),
        };
        if out <= 0.0 { 0.0 } else { grad }
    }
}

/// `(value - centre) * scale + shift`, rounded after each of the three.
#[inline(always)]
fn affine<S: Simd>(simd: S, value: S::f32s, [centre, scale, shift]: [S::f32s; 3]) -> S::f32s {
    let far = simd.mul_f32s(simd.sub_f32s(value, centre), scale);
    simd.add_f32s(far, shift)
}

/// As [`affine`], of one number.
#[inline(always)]
fn affine_of(value: f32, [centre, scale, shift]: [f32; 3]) -> f32 {
    (value - centre) * scale + shift
}

/// What is below 0 becomes 0; NaN stays, as Burn and PyTorch have it.
#[inline(always)]
fn relu<S: Simd>(simd: S, values: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    simd.select_f32s(simd.less_than_or_equal_f32s(values, zero), zero, values)
}

/// As [`relu`], of one number.
pub(super) fn relu_of(value: f32) -> f32 {
    if value <= 0.0 { 0.0 } else { value }
}

#[inline(always)]
fn wide<S: Simd>(simd: S, sums: [S::f32s; 4]) -> f64 {
    let mut total = 0.0;
    for sum in sums {
        total += f64::from(simd.reduce_sum_f32s(sum));
    }
    total
}
