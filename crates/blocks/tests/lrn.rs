//! Local response normalisation against a direct computation, PyTorch's answers and finite differences.

use burn::tensor::{DType, Device, Tensor, TensorData};
use burn_zoo_blocks::LocalResponseNormConfig;

/// The formula of section 3.3, value by value.
fn direct(
    values: &[f64],
    [batch, channels, height, width]: [usize; 4],
    config: [f64; 4],
) -> Vec<f64> {
    let [k, n, alpha, beta] = config;
    let n = n as usize;
    let pixels = height * width;
    let at = |image: usize, channel: usize, pixel: usize| {
        values[(image * channels + channel) * pixels + pixel]
    };
    let mut out = Vec::with_capacity(values.len());
    for image in 0..batch {
        for channel in 0..channels {
            for pixel in 0..pixels {
                let sum: f64 = (0..n)
                    .filter_map(|offset| (channel + offset).checked_sub(n / 2))
                    .filter(|neighbour| *neighbour < channels)
                    .map(|neighbour| at(image, neighbour, pixel).powi(2))
                    .sum();
                out.push(at(image, channel, pixel) / (k + alpha * sum).powf(beta));
            }
        }
    }
    out
}

fn layer(values: Tensor<4>, [k, n, alpha, beta]: [f64; 4]) -> Tensor<4> {
    LocalResponseNormConfig::new()
        .with_k(k)
        .with_n(n as usize)
        .with_alpha(alpha)
        .with_beta(beta)
        .init()
        .forward(values)
}

/// Values between −3 and 3 without an order.
fn values(shape: [usize; 4]) -> Vec<f64> {
    let count = shape.iter().product::<usize>();
    (0..count)
        .map(|index| ((index * 37 + 11) % 61) as f64 / 10.0 - 3.0)
        .collect()
}

/// A tensor of f64, so that the comparison does not have to forgive rounding.
fn tensor(values: Vec<f64>, shape: [usize; 4], device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(values, shape), (device, DType::F64))
}

fn read(tensor: Tensor<4>) -> Vec<f64> {
    tensor.into_data().try_to_vec::<f64>().expect("f64")
}

fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= tolerance,
            "{what}, value {index}: {found} instead of {expected}"
        );
    }
}

/// Shapes of maps, with the window that is laid over their channels.
const CASES: [([usize; 4], f64); 9] = [
    ([2, 7, 3, 4], 5.0),
    ([2, 7, 3, 4], 4.0),
    ([2, 7, 3, 4], 2.0),
    ([2, 7, 3, 4], 1.0),
    ([1, 5, 1, 1], 5.0),
    ([1, 3, 2, 2], 9.0), // wider than the channels
    ([1, 3, 2, 2], 8.0),
    ([1, 2, 1, 1], 12.0), // so wide that some windows begin far below zero
    ([3, 1, 1, 2], 5.0),
];

#[test]
fn it_is_the_formula_of_the_paper() {
    for device in [Device::flex(), Device::flex().autodiff()] {
        for (shape, n) in CASES {
            // The power has a path of its own for 0.75.
            for config in [[2.0, n, 0.3, 0.75], [1.0, n, 0.2, 0.5], [2.0, n, 0.01, 1.0]] {
                let values = values(shape);
                let found = layer(tensor(values.clone(), shape, &device), config);
                assert_eq!(found.dims(), shape);
                let what = format!("{shape:?} with {config:?}");
                assert_close(&what, &read(found), &direct(&values, shape, config), 1e-12);
            }
        }
    }
}

#[test]
fn the_constants_of_the_paper_are_the_defaults() {
    let shape = [1, 8, 2, 2];
    let values: Vec<_> = values(shape).iter().map(|value| value * 100.0).collect();
    let maps = tensor(values.clone(), shape, &Device::flex());
    let found = LocalResponseNormConfig::new().init().forward(maps);
    let expected = direct(&values, shape, [2.0, 5.0, 1e-4, 0.75]);
    assert_close("defaults", &read(found), &expected, 1e-10);
}

#[test]
fn single_precision_is_enough() {
    let shape = [2, 7, 3, 4];
    let config = [2.0, 5.0, 0.3, 0.75];
    let values = values(shape);
    let singles: Vec<f32> = values.iter().map(|value| *value as f32).collect();
    let maps = Tensor::from_data(TensorData::new(singles, shape), &Device::flex());
    let found = layer(maps, config)
        .into_data()
        .try_to_vec::<f32>()
        .expect("f32");
    let found: Vec<_> = found.into_iter().map(f64::from).collect();
    assert_close("f32", &found, &direct(&values, shape, config), 1e-6);
}

#[test]
fn it_is_pytorchs_layer_with_alpha_times_n() {
    // x = (torch.arange(12.) * 1.5 - 8).double().reshape(1, 6, 1, 2)
    // torch.nn.LocalResponseNorm(n, alpha=0.01 * n, beta=0.75, k=2.0)(x)
    #[rustfmt::skip]
    const PYTORCH: [(f64, [f64; 12]); 2] = [
        (5.0, [-3.5722288, -3.2235003, -2.2269451, -1.7044633, -0.8560689, -0.2242697,
               0.4442562, 1.0418559, 1.8990534, 2.3599012, 3.3607547, 3.6493347]),
        (4.0, [-3.609247, -3.2258749, -2.232643, -1.7357309, -0.890778, -0.2434948,
               0.5090948, 1.261219, 1.8990534, 2.3599012, 3.3607547, 3.6493347]),
    ];
    let values: Vec<_> = (0..12).map(|index| f64::from(index) * 1.5 - 8.0).collect();
    for (n, expected) in PYTORCH {
        let maps = tensor(values.clone(), [1, 6, 1, 2], &Device::flex());
        let found = read(layer(maps, [2.0, n, 0.01, 0.75]));
        assert_close(&format!("n = {n}"), &found, &expected, 1e-7);
    }
}

#[test]
fn the_gradient_is_that_of_finite_differences() {
    const STEP: f64 = 1e-5;
    let device = Device::flex().autodiff();
    for (shape, n) in CASES {
        for config in [[2.0, n, 0.3, 0.75], [1.0, n, 0.2, 0.5]] {
            let values = values(shape);
            // Every output counts differently, so that a gradient in the wrong place shows.
            let weights: Vec<_> = (0..values.len())
                .map(|index| (index as f64).sin())
                .collect();
            let loss = |values: &[f64]| -> f64 {
                direct(values, shape, config)
                    .iter()
                    .zip(&weights)
                    .map(|(out, weight)| out * weight)
                    .sum()
            };
            let expected: Vec<_> = (0..values.len())
                .map(|index| {
                    let (mut above, mut below) = (values.clone(), values.clone());
                    above[index] += STEP;
                    below[index] -= STEP;
                    (loss(&above) - loss(&below)) / (2.0 * STEP)
                })
                .collect();

            let maps = tensor(values.clone(), shape, &device).require_grad();
            let weights = tensor(weights.clone(), shape, &device);
            let gradients = (layer(maps.clone(), config) * weights).sum().backward();
            let found = read(maps.grad(&gradients).expect("the maps require a gradient"));
            let what = format!("gradient of {shape:?} with {config:?}");
            assert_close(&what, &found, &expected, 1e-9);
        }
    }
}

#[test]
#[should_panic(expected = "n is 0")]
fn a_window_of_no_channel_is_refused() {
    let _ = LocalResponseNormConfig::new().with_n(0).init();
}

/// In single precision another way computes it, on Flex.
#[test]
fn single_precision_has_the_same_gradient() {
    let device = Device::flex().autodiff();
    for (shape, n) in CASES {
        for config in [[2.0, n, 0.3, 0.75], [1.0, n, 0.2, 0.5]] {
            let gradient = |dtype: DType| {
                let data = TensorData::new(values(shape), shape);
                let maps = Tensor::<4>::from_data(data, (&device, dtype)).require_grad();
                // Its own values are the weights, moved by one place.
                let weights =
                    Tensor::from_data(TensorData::new(moved(shape), shape), (&device, dtype));
                let loss = (layer(maps.clone(), config) * weights).sum();
                let gradient = maps.grad(&loss.backward()).expect("asked for");
                read(gradient.cast(DType::F64))
            };
            let (found, expected) = (gradient(DType::F32), gradient(DType::F64));
            assert_close(&format!("{shape:?}"), &found, &expected, 2e-5);
        }
    }
}

/// The values, from the second on.
fn moved(shape: [usize; 4]) -> Vec<f64> {
    let mut values = values(shape);
    values.rotate_left(1);
    values
}
