//! The passes of batch normalisation over one plane, in registers.

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
    pub(super) to: &'a mut [f32],
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
        let normal = |x: f32| (x - centre) * scale + shift;
        let [middle, factor, offset] = [centre, scale, shift].map(|x| simd.splat_f32s(x));
        let (values, values_rest) = S::as_simd_f32s(self.values);
        let (to, to_rest) = S::as_mut_simd_f32s(self.to);
        let to = &mut to[..values.len()];
        match (self.shortcut, self.has_relu) {
            (None, has_relu) => {
                for i in 0..values.len() {
                    let far = simd.mul_f32s(simd.sub_f32s(values[i], middle), factor);
                    let y = simd.add_f32s(far, offset);
                    to[i] = if has_relu { relu(simd, y) } else { y };
                }
                for (to, x) in to_rest.iter_mut().zip(values_rest) {
                    *to = normal(*x);
                    if has_relu {
                        *to = relu_of(*to);
                    }
                }
            }
            (Some(shortcut), _) => {
                let (shortcut, shortcut_rest) = S::as_simd_f32s(shortcut);
                let shortcut = &shortcut[..values.len()];
                for i in 0..values.len() {
                    let far = simd.mul_f32s(simd.sub_f32s(values[i], middle), factor);
                    let y = simd.add_f32s(far, offset);
                    to[i] = relu(simd, simd.add_f32s(y, shortcut[i]));
                }
                for ((to, x), s) in to_rest.iter_mut().zip(values_rest).zip(shortcut_rest) {
                    *to = relu_of(normal(*x) + s);
                }
            }
        }
    }
}

/// Writes the gradient where `out`, if there is one, is above 0, and sums it, and its products with what the values are from
/// the centre.
pub(super) struct Pass<'a> {
    pub(super) grad: &'a [f32],
    pub(super) out: Option<&'a [f32]>,
    pub(super) values: &'a [f32],
    pub(super) centre: f32,
    pub(super) passed: &'a mut [f32],
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
        let (passed, passed_rest) = S::as_mut_simd_f32s(self.passed);
        let (grad, passed) = (&grad[..length], &mut passed[..length]);
        let (mut plain, mut products) = ([zero; 4], [zero; 4]);
        let masks = self.out.map(S::as_simd_f32s);
        for i in 0..length {
            let mut dy = grad[i];
            if let Some((out, _)) = masks {
                let is_cut = simd.less_than_or_equal_f32s(out[i], zero);
                dy = simd.select_f32s(is_cut, zero, dy);
            }
            passed[i] = dy;
            let far = simd.sub_f32s(values[i], middle);
            // As many sums side by side as an addition takes cycles.
            plain.rotate_left(1);
            products.rotate_left(1);
            plain[0] = simd.add_f32s(plain[0], dy);
            products[0] = simd.mul_add_e_f32s(dy, far, products[0]);
        }
        let mut total = [wide(simd, plain), wide(simd, products)];
        for i in 0..values_rest.len() {
            let is_cut = masks.is_some_and(|(_, rest)| rest[i] <= 0.0);
            let dy = if is_cut { 0.0 } else { grad_rest[i] };
            passed_rest[i] = dy;
            total[0] += f64::from(dy);
            total[1] += f64::from(dy * (values_rest[i] - self.centre));
        }
        total
    }
}

/// Writes `scale * (passed - constant - (value - centre) * slope)`; what passed is in `to` already where it is nowhere else.
pub(super) struct Differentiate<'a> {
    pub(super) passed: Option<&'a [f32]>,
    pub(super) values: &'a [f32],
    pub(super) centre: f32,
    pub(super) scale: f32,
    pub(super) constant: f32,
    pub(super) slope: f32,
    pub(super) to: &'a mut [f32],
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
        let (to, to_rest) = S::as_mut_simd_f32s(self.to);
        let to = &mut to[..length];
        let passed = self.passed.map(S::as_simd_f32s);
        for i in 0..length {
            let dy = match passed {
                Some((passed, _)) => passed[i],
                None => to[i],
            };
            let far = simd.sub_f32s(values[i], middle);
            let rest = simd.sub_f32s(dy, constant);
            to[i] = simd.mul_f32s(factor, simd.sub_f32s(rest, simd.mul_f32s(far, slope)));
        }
        for i in 0..values_rest.len() {
            let dy = passed.map_or(to_rest[i], |(_, rest)| rest[i]);
            let far = values_rest[i] - self.centre;
            to_rest[i] = self.scale * (dy - self.constant - far * self.slope);
        }
    }
}

/// What is below 0 becomes 0; what is no number stays, as Burn and PyTorch have it.
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
