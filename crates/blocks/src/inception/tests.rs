//! The inception modules against a direct computation, pixel by pixel.

use burn::module::{Param, RunningState};
use burn::tensor::TensorData;

use super::*;
use crate::trainable_params;

const SIDE: usize = 4;
const PIXELS: usize = SIDE * SIDE;

/// A map of `SIDE`×`SIDE` pixels, channel after channel.
type Map = Vec<f32>;

/// Values without symmetry, in −1…1.
fn values(count: usize, seed: usize) -> Vec<f32> {
    (0..count)
        .map(|at| ((at * 37 + seed * 11) % 23) as f32 / 11.0 - 1.0)
        .collect()
}

fn map(channels: usize, seed: usize) -> Map {
    values(channels * PIXELS, seed)
}

/// The pixel at `row` and `column` of a channel, counted from one so that the border is 0 and `SIDE + 1`.
fn pixel(map: &Map, channel: usize, row: usize, column: usize) -> Option<f32> {
    let inside = 1..=SIDE;
    (inside.contains(&row) && inside.contains(&column))
        .then(|| map[channel * PIXELS + (row - 1) * SIDE + column - 1])
}

/// Every pixel of every output channel, from the pixels under a window of side 2·`reach` + 1 around it.
fn windowed(outputs: usize, reach: usize, answer: impl Fn(usize, &[(usize, usize)]) -> f32) -> Map {
    let mut out = Vec::new();
    for output in 0..outputs {
        for (row, column) in (1..=SIDE).flat_map(|row| (1..=SIDE).map(move |column| (row, column)))
        {
            // `usize::MAX` stands for a place far outside, where the window leaves the map on the left.
            let place =
                |at: usize, step: usize| (at + step).checked_sub(reach).unwrap_or(usize::MAX);
            let window: Vec<_> = (0..=2 * reach)
                .flat_map(|dy| (0..=2 * reach).map(move |dx| (dy, dx)))
                .map(|(dy, dx)| (place(row, dy), place(column, dx)))
                .collect();
            out.push(answer(output, &window));
        }
    }
    out
}

/// The unit's answer by the definition of a convolution, with its weights read out.
fn reference(unit: &BasicConv2d, input: &Map) -> Map {
    let [outputs, inputs, kernel, _] = unit.conv.weight.val().dims();
    let weight = floats(unit.conv.weight.val().reshape([-1]));
    let bias = unit.conv.bias.as_ref().map(|bias| floats(bias.val()));
    let scale = unit.bn.as_ref().map(|bn| {
        let [gamma, mean, var] = [
            bn.gamma.val(),
            bn.running_mean.value_sync(),
            bn.running_var.value_sync(),
        ]
        .map(floats);
        (gamma, floats(bn.beta.val()), mean, var)
    });
    windowed(outputs, kernel / 2, |output, window| {
        let mut sum = bias.as_ref().map_or(0.0, |bias| bias[output]);
        for input_channel in 0..inputs {
            let start = (output * inputs + input_channel) * kernel * kernel;
            for (at, &(row, column)) in window.iter().enumerate() {
                sum += weight[start + at] * pixel(input, input_channel, row, column).unwrap_or(0.0);
            }
        }
        if let Some((gamma, beta, mean, var)) = &scale {
            sum = gamma[output] * (sum - mean[output]) / (var[output] + 1e-3).sqrt() + beta[output];
        }
        sum.max(0.0)
    })
}

/// The greatest pixel under a 3×3 window; what lies outside does not count.
fn max_pooled(input: &Map) -> Map {
    windowed(input.len() / PIXELS, 1, |channel, window| {
        let inside = window
            .iter()
            .filter_map(|&(row, column)| pixel(input, channel, row, column));
        inside.fold(f32::NEG_INFINITY, f32::max)
    })
}

fn floats(tensor: Tensor<1>) -> Vec<f32> {
    tensor.into_data().try_to_vec::<f32>().expect("f32")
}

fn tensor(map: &Map) -> Tensor<4> {
    let shape = [1, map.len() / PIXELS, SIDE, SIDE];
    Tensor::from_data(TensorData::new(map.clone(), shape), &Device::flex())
}

/// Replaces what starts at zero or one, so that a test sees biases and normalisation.
fn with_offsets(mut unit: BasicConv2d, seed: usize) -> BasicConv2d {
    let device = Device::flex();
    let [outputs, inputs, kernel, _] = unit.conv.weight.val().dims();
    let vector = |seed| Tensor::<1>::from_floats(values(outputs, seed).as_slice(), &device);
    let weight = Tensor::<1>::from_floats(
        values(outputs * inputs * kernel * kernel, seed).as_slice(),
        &device,
    );
    unit.conv.weight = Param::from_tensor(weight.reshape([outputs, inputs, kernel, kernel]));
    unit.conv.bias = unit.conv.bias.map(|_| Param::from_tensor(vector(seed + 1)));
    if let Some(bn) = &mut unit.bn {
        bn.gamma = Param::from_tensor(vector(seed + 2));
        bn.beta = Param::from_tensor(vector(seed + 3));
        bn.running_mean = RunningState::new(vector(seed + 4));
        bn.running_var = RunningState::new(vector(seed + 5).abs() + 0.5);
    }
    unit
}

fn assert_stacked(found: Tensor<4>, branches: [Map; 4]) {
    let expected = branches.concat();
    found.into_data().assert_approx_eq::<f32>(
        &tensor(&expected).into_data(),
        burn::tensor::Tolerance::absolute(1e-4),
    );
}

fn reduced(style: InceptionStyle) -> (InceptionConfig, Inception) {
    let config = InceptionConfig {
        channels_in: 3,
        conv1x1: 2,
        reduce3x3: 4,
        conv3x3: 5,
        reduce5x5: 2,
        conv5x5: 3,
        pool_proj: 1,
        style,
    };
    let module = config.init(&Device::flex());
    let module = Inception {
        branch1: with_offsets(module.branch1, 1),
        branch2: (
            with_offsets(module.branch2.0, 2),
            with_offsets(module.branch2.1, 3),
        ),
        branch3: (
            with_offsets(module.branch3.0, 4),
            with_offsets(module.branch3.1, 5),
        ),
        branch4: (module.branch4.0, with_offsets(module.branch4.1, 6)),
    };
    (config, module)
}

fn naive(style: InceptionStyle) -> (NaiveInceptionConfig, NaiveInception) {
    let config = NaiveInceptionConfig {
        channels_in: 3,
        conv1x1: 2,
        conv3x3: 4,
        conv5x5: 1,
        style,
    };
    let module = config.init(&Device::flex());
    let module = NaiveInception {
        branch1: with_offsets(module.branch1, 1),
        branch2: with_offsets(module.branch2, 2),
        branch3: with_offsets(module.branch3, 3),
        branch4: module.branch4,
    };
    (config, module)
}

#[test]
fn the_reduced_module_is_its_four_branches_side_by_side() {
    for style in [InceptionStyle::Paper, InceptionStyle::Torchvision] {
        let (config, module) = reduced(style);
        let input = map(3, 7);
        let found = module.forward(tensor(&input));
        assert_eq!(found.dims(), [1, config.channels_out(), SIDE, SIDE]);
        assert_stacked(
            found,
            [
                reference(&module.branch1, &input),
                reference(&module.branch2.1, &reference(&module.branch2.0, &input)),
                reference(&module.branch3.1, &reference(&module.branch3.0, &input)),
                reference(&module.branch4.1, &max_pooled(&input)),
            ],
        );
    }
}

#[test]
fn the_naive_module_passes_the_pooled_map_on_unchanged() {
    for style in [InceptionStyle::Paper, InceptionStyle::Torchvision] {
        let (config, module) = naive(style);
        let input = map(3, 7);
        let found = module.forward(tensor(&input));
        assert_eq!(found.dims(), [1, 2 + 4 + 1 + 3, SIDE, SIDE]);
        assert_eq!(config.channels_out(), 2 + 4 + 1 + 3);
        assert_stacked(
            found,
            [
                reference(&module.branch1, &input),
                reference(&module.branch2, &input),
                reference(&module.branch3, &input),
                max_pooled(&input),
            ],
        );
    }
}

#[test]
fn inception_3a_has_the_parameters_of_the_papers_table() {
    let count = |style| {
        let config = InceptionConfig {
            channels_in: 192,
            conv1x1: 64,
            reduce3x3: 96,
            conv3x3: 128,
            reduce5x5: 16,
            conv5x5: 32,
            pool_proj: 32,
            style,
        };
        assert_eq!(config.channels_out(), 256);
        trainable_params(&config.init(&Device::flex()))
    };
    // 192·(64 + 96 + 16 + 32) + 9·96·128 + 25·16·32, and a bias per channel: the paper says 159 K, of 1024 each.
    assert_eq!(count(InceptionStyle::Paper), 163_328 + 368);
    // 9 in place of 25, and two numbers of the normalisation per channel.
    assert_eq!(
        count(InceptionStyle::Torchvision),
        163_328 - 16 * 16 * 32 + 2 * 368
    );
}

#[test]
fn reduction_is_what_makes_wide_kernels_affordable() {
    let style = InceptionStyle::Paper;
    let naive = NaiveInceptionConfig {
        channels_in: 192,
        conv1x1: 64,
        conv3x3: 128,
        conv5x5: 32,
        style,
    };
    let params = trainable_params(&naive.init(&Device::flex()));
    assert_eq!(params, 192 * (64 + 9 * 128 + 25 * 32) + 64 + 128 + 32);
    assert!(
        params > 2 * 163_696,
        "Fig. 2(a) costs more than twice Fig. 2(b): {params}"
    );
}

#[test]
fn weights_start_as_each_style_says() {
    let device = Device::flex();
    device.seed(5);
    let std = |unit: &BasicConv2d| {
        f64::from(
            unit.conv
                .weight
                .val()
                .powi_scalar(2)
                .mean()
                .sqrt()
                .into_scalar::<f32>(),
        )
    };

    let paper = BasicConv2d::new(InceptionStyle::Paper, [64, 96], 3, 1, &device);
    let expected = (2.0 / (64.0 * 9.0_f64)).sqrt();
    assert!((std(&paper) / expected - 1.0).abs() < 0.03);
    let bias = paper
        .conv
        .bias
        .as_ref()
        .expect("the paper's convolutions have a bias")
        .val();
    assert_eq!(floats(bias), vec![0.0; 96]);

    let torchvision = BasicConv2d::new(InceptionStyle::Torchvision, [64, 96], 3, 1, &device);
    assert!((std(&torchvision) / 0.01 - 1.0).abs() < 0.03);
    assert!(torchvision.conv.bias.is_none());
}
