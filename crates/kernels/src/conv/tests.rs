//! The kernels against plain sums in double precision, over shapes of every kind.

use proptest::prelude::*;

use super::*;

fn any_shape() -> impl Strategy<Value = Shape> {
    let pair = |range: std::ops::RangeInclusive<usize>| [range.clone(), range];
    (
        (1usize..=5, 1usize..=3, 1usize..=5, 1usize..=5),
        pair(1..=small(19, 6)),
        pair(1..=5),
        (pair(1..=3), pair(1..=2)),
        (pair(0..=3), pair(0..=3)),
    )
        .prop_map(
            |((batch, groups, into, out), size_in, kernel, (stride, dilation), (before, after))| {
                let mut shape = Shape {
                    batch,
                    channels_in: groups * into,
                    channels_out: groups * out,
                    size_in,
                    kernel,
                    stride,
                    padding: [(before[0], after[0]), (before[1], after[1])],
                    dilation,
                    groups,
                };
                for axis in 0..2 {
                    let room = size_in[axis] + shape.padding[axis].0 + shape.padding[axis].1;
                    while dilation[axis] * (shape.kernel[axis] - 1) + 1 > room {
                        shape.kernel[axis] -= 1;
                    }
                }
                shape
            },
        )
}

/// The most of something: less where every operation is interpreted.
fn small(most: usize, interpreted: usize) -> usize {
    if cfg!(miri) { interpreted } else { most }
}

/// Numbers between -1 and 1 that follow no pattern.
fn values(length: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// Calls `product` with the places of every product that a convolution sums: of the output, the input and the weight.
fn each_product(shape: &Shape, mut product: impl FnMut(usize, usize, usize)) {
    let [height, width] = shape.size_in;
    let [height_out, width_out] = shape.size_out();
    let [channels_in, channels_out] = shape.group();
    for image in 0..shape.batch {
        for out in 0..shape.channels_out {
            for y in 0..height_out {
                for x in 0..width_out {
                    let place =
                        ((image * shape.channels_out + out) * height_out + y) * width_out + x;
                    for into in 0..channels_in {
                        let channel = out / channels_out * channels_in + into;
                        for down in 0..shape.kernel[0] {
                            for right in 0..shape.kernel[1] {
                                let row = (y * shape.stride[0] + down * shape.dilation[0])
                                    .checked_sub(shape.padding[0].0);
                                let column = (x * shape.stride[1] + right * shape.dilation[1])
                                    .checked_sub(shape.padding[1].0);
                                let (Some(row), Some(column)) = (row, column) else {
                                    continue;
                                };
                                if row < height && column < width {
                                    let pixel = ((image * shape.channels_in + channel) * height
                                        + row)
                                        * width
                                        + column;
                                    let weight = ((out * channels_in + into) * shape.kernel[0]
                                        + down)
                                        * shape.kernel[1]
                                        + right;
                                    product(place, pixel, weight);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn assert_close(found: &[f32], expected: &[f64]) {
    assert_within(found, expected, |expected| 2e-5 * (1.0 + expected.abs()));
}

/// Of long sums, of `products` values below 1, and of sums that pass through transforms: what they come to on the way counts.
fn assert_close_sums(found: &[f32], expected: &[f64], products: usize) {
    let allowed = 1e-5 + 2e-6 * (products as f64).sqrt();
    assert_within(found, expected, |expected| allowed + 2e-5 * expected.abs());
}

fn assert_within(found: &[f32], expected: &[f64], allowed: impl Fn(f64) -> f64) {
    assert_eq!(found.len(), expected.len());
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(*found) - expected).abs();
        assert!(
            error <= allowed(*expected),
            "{place}: {found} for {expected}"
        );
    }
}

/// As large networks meet it: one block of all tiles; blocks of a row or some, worked on together; and each by a thread of its
/// own, several to a thread.
const CUTS: [Blocking; 3] = [
    Blocking::BY_CACHES,
    Blocking {
        shared: 1,
        few: 0,
        least: 3,
        ..Blocking::BY_CACHES
    },
    Blocking {
        own: 1,
        least: 1,
        ..Blocking::BY_CACHES
    },
];

fn check(shape: Shape) {
    let weights_len = shape.channels_out * shape.group()[0] * shape.taps();
    let images = values(shape.len_in(), 1);
    let weights = values(weights_len, 2);
    let bias = values(shape.channels_out, 3);
    let grad = values(shape.len_out(), 4);
    let pixels = shape.pixels_out();

    let mut out: Vec<f64> = (0..shape.len_out())
        .map(|place| f64::from(bias[place / pixels % shape.channels_out]))
        .collect();
    let mut images_grad = vec![0.0f64; images.len()];
    let mut weights_grad = vec![0.0f64; weights.len()];
    each_product(&shape, |place, pixel, weight| {
        let wide = |x: f32| f64::from(x);
        out[place] += wide(images[pixel]) * wide(weights[weight]);
        images_grad[pixel] += wide(grad[place]) * wide(weights[weight]);
        weights_grad[weight] += wide(grad[place]) * wide(images[pixel]);
    });
    for forward in [direct::forward, im2col::forward] {
        let found = forward(&shape, &images, &weights, Epilogue::bias(&bias));
        assert_close_sums(&found, &out, shape.group()[0] * shape.taps());
    }
    for weight_grad in [direct::weight_grad, im2col::weight_grad] {
        let found = weight_grad(&shape, &images, &grad);
        assert_close_sums(&found, &weights_grad, shape.batch * pixels);
    }
    let found = input_grad(&shape, &weights, &grad);
    assert_close_sums(&found, &images_grad, shape.group()[1] * shape.taps());
    if winograd::fits(&shape) {
        for cut in CUTS {
            let after = Epilogue::bias(&bias);
            let found = winograd::forward(&shape, cut, &images, &weights, after);
            let found = found.expect("finite values");
            assert_close_sums(&found, &out, shape.channels_in * 9);
            let found = winograd::weight_grad(&shape, cut, &images, &grad);
            let found = found.expect("finite values");
            assert_close_sums(&found, &weights_grad, shape.batch * pixels);
        }
    }
    let mut bias_sums = vec![0.0f64; shape.channels_out];
    for (place, value) in grad.iter().enumerate() {
        bias_sums[place / pixels % shape.channels_out] += f64::from(*value);
    }
    assert_close(&bias_grad(shape.channels_out, pixels, &grad), &bias_sums);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 3 } else { 128 }, ..ProptestConfig::default() })]

    #[test]
    fn convolution_and_gradients_are_the_sums_that_define_them(shape in any_shape()) {
        check(shape);
    }
}

/// 3×3 kernels of stride 1, which every way computes.
fn any_tiled_shape() -> impl Strategy<Value = Shape> {
    (
        (1..=small(4, 1), 1..=small(20, 2), 1..=small(20, 2)),
        [3..=small(40, 5), 3..=small(40, 5)],
        [(0usize..=3, 0usize..=3), (0usize..=3, 0usize..=3)],
    )
        .prop_map(
            |((batch, channels_in, channels_out), size_in, padding)| Shape {
                batch,
                channels_in,
                channels_out,
                size_in,
                kernel: [3, 3],
                stride: [1, 1],
                padding,
                dilation: [1, 1],
                groups: 1,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 1 } else { 48 }, ..ProptestConfig::default() })]

    #[test]
    fn tiles_give_the_sums_that_define_a_convolution(shape in any_tiled_shape()) {
        check(shape);
    }
}

/// The kinds of layers that the zoo has, narrow, among them images of many tiles and tiles of many images.
#[test]
#[cfg_attr(miri, ignore = "takes hours there")]
fn the_layers_of_the_zoo_are_the_sums_that_define_them() {
    let layer =
        |batch, [channels_in, channels_out]: [usize; 2], side, kernel, stride, padding| Shape {
            batch,
            channels_in,
            channels_out,
            size_in: [side, side],
            kernel: [kernel, kernel],
            stride: [stride, stride],
            padding: [(padding, padding); 2],
            dilation: [1, 1],
            groups: 1,
        };
    for shape in [
        layer(2, [3, 8], 32, 3, 1, 1),
        layer(1, [3, 8], 57, 7, 2, 3),
        layer(1, [3, 6], 67, 11, 4, 2),
        layer(2, [8, 16], 24, 3, 2, 1),
        layer(2, [8, 16], 24, 1, 2, 0),
        layer(9, [16, 8], 4, 3, 1, 1),
        layer(9, [16, 8], 7, 1, 1, 0),
        layer(3, [8, 4], 20, 1, 1, 0),
        layer(1, [4, 4], 14, 5, 1, 2),
        layer(37, [5, 7], 1, 1, 1, 0),
        layer(1, [40, 3], 1, 3, 1, 1),
    ] {
        check(shape);
    }
}

/// 3×3 kernels with a border of 1.
fn square(batch: usize, channels: usize, side: usize) -> Shape {
    Shape {
        batch,
        channels_in: channels,
        channels_out: channels,
        size_in: [side, side],
        kernel: [3, 3],
        stride: [1, 1],
        padding: [(1, 1); 2],
        dilation: [1, 1],
        groups: 1,
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes hours there")]
fn what_is_no_number_shows_where_it_is_used_and_nowhere_else() {
    for (channels, side, is_tiled) in [(2, 6, false), (64, 24, true)] {
        let shape = square(2, channels, side);
        assert_eq!(winograd::is_faster(&shape), is_tiled);
        let mut images = values(shape.len_in(), 1);
        images[0] = f32::NAN;
        images[shape.len_in() / 2] = f32::INFINITY;
        let weights = values(channels * channels * 9, 2);
        let out = forward(&shape, &images, &weights, Epilogue::default());
        for (place, value) in out.iter().enumerate() {
            let (y, x) = (place / side % side, place % side);
            let is_near = y < 2 && x < 2;
            assert_eq!(value.is_finite(), !is_near, "{place}: {value}");
            assert_eq!(value.is_infinite(), is_near && place >= out.len() / 2);
        }
        let grad = values(shape.len_out(), 3);
        let found = weight_grad(&shape, &images, &grad);
        let of_first = |place: usize| (place / 9).is_multiple_of(channels);
        assert!((0..found.len()).all(|at| of_first(at) || found[at].is_finite()));
        assert!((0..found.len()).any(|at| of_first(at) && found[at].is_nan()));
    }
}

/// More channels than a task has rows, several blocks to a thread, and more tiles than a register holds.
#[test]
#[cfg_attr(miri, ignore = "takes hours there")]
fn tiles_of_many_channels_give_the_sums_that_define_a_convolution() {
    for shape in [square(1, 136, 6), square(9, 20, 20)] {
        check(shape);
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes hours there")]
fn no_number_depends_on_how_many_threads_there_are() {
    let grouped = |(batch, side, stride)| Shape {
        batch,
        channels_in: 6,
        channels_out: 9,
        size_in: [side, side],
        kernel: [3, 3],
        stride: [stride, stride],
        padding: [(1, 1); 2],
        dilation: [1, 1],
        groups: 3,
    };
    let shapes = [(9, 4, 1), (8, 1, 1), (3, 17, 2), (1, 40, 1)].map(grouped);
    // By tiles: all threads on one block, and each on its own.
    let tiled = [square(3, 160, 16), square(16, 64, 16)];
    assert!(tiled.iter().all(winograd::is_faster));
    for shape in shapes.into_iter().chain(tiled) {
        let images = values(shape.len_in(), 1);
        let weights = values(shape.channels_out * shape.group()[0] * shape.taps(), 2);
        let grad = values(shape.len_out(), 3);
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("threads can be started").install(|| {
                (
                    forward(&shape, &images, &weights, Epilogue::default()),
                    input_grad(&shape, &weights, &grad),
                    weight_grad(&shape, &images, &grad),
                )
            })
        };
        assert_eq!(with(1), with(7), "{shape:?}");
    }
}
