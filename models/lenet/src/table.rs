//! C3, the convolution whose maps each see only some of the maps below: Table I of the paper.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Int, Tensor, TensorData};

/// Table I: the maps of S2 that each map of C3 sees.
const TABLE: [&[usize]; OUTPUTS] = [
    // Three neighbours.
    &[0, 1, 2],
    &[1, 2, 3],
    &[2, 3, 4],
    &[3, 4, 5],
    &[0, 4, 5],
    &[0, 1, 5],
    // Four neighbours.
    &[0, 1, 2, 3],
    &[1, 2, 3, 4],
    &[2, 3, 4, 5],
    &[0, 3, 4, 5],
    &[0, 1, 4, 5],
    &[0, 1, 2, 5],
    // Two pairs.
    &[0, 1, 3, 4],
    &[1, 2, 4, 5],
    &[0, 2, 3, 5],
    // All.
    &[0, 1, 2, 3, 4, 5],
];
const INPUTS: usize = 6;
const OUTPUTS: usize = 16;
/// Connections of the table, one kernel each.
const KERNELS: usize = 60;
const SIDE: usize = 5;

/// A 5×5 convolution from 6 to 16 maps along the 60 connections of Table I: 60·25 + 16 = 1,516 parameters.
///
/// The kernels are stored connection by connection in the order of the table. The forward pass lays them out as a
/// dense kernel with zeros in between: 2,400 numbers to arrange, for one fast convolution instead of sixteen.
#[derive(Module, Debug)]
pub struct TableConv {
    /// `[60, 1, 5, 5]`
    weight: Param<Tensor<4>>,
    /// `[16]`
    bias: Param<Tensor<1>>,
}

impl TableConv {
    /// Draws the weights and the bias of every map uniformly in ±2.4 divided by its number of inputs.
    pub(crate) fn new(device: &Device) -> Self {
        let bound = |map: &[usize]| (2.4 / (map.len() * SIDE * SIDE) as f64) as f32;
        let of_kernels: Vec<f32> = TABLE
            .iter()
            .flat_map(|map| vec![bound(map); map.len()])
            .collect();
        let of_maps: Vec<f32> = TABLE.iter().map(|map| bound(map)).collect();

        let signs = Initializer::Uniform {
            min: -1.0,
            max: 1.0,
        };
        Self {
            weight: signs
                .init([KERNELS, 1, SIDE, SIDE], device)
                .init_mapper(move |weight| {
                    let bounds = Tensor::<1>::from_data(of_kernels.as_slice(), &weight.device());
                    weight * bounds.reshape([KERNELS, 1, 1, 1])
                }),
            bias: signs.init([OUTPUTS], device).init_mapper(move |bias| {
                let bounds = Tensor::<1>::from_data(of_maps.as_slice(), &bias.device());
                bias * bounds
            }),
        }
    }

    /// # Shapes
    /// - input: `[batch, 6, height, width]`
    /// - output: `[batch, 16, height - 4, width - 4]`
    pub(crate) fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let options = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
        conv2d(input, self.dense(), Some(self.bias.val()), options)
    }

    /// The kernels in their places, and zero where the table has no connection: `[16, 6, 5, 5]`.
    fn dense(&self) -> Tensor<4> {
        let weight = self.weight.val();
        let device = weight.device();
        let zero = Tensor::<4>::zeros([1, 1, SIDE, SIDE], &device).cast(weight.dtype());
        let places = Tensor::<1, Int>::from_data(TensorData::from(places()), &device);
        Tensor::cat(vec![weight, zero], 0) // [61, 1, 5, 5]
            .select(0, places) // [96, 1, 5, 5]
            .reshape([OUTPUTS, INPUTS, SIDE, SIDE])
    }
}

/// For every pair of output and input, in the order of a dense kernel: its connection, or [`KERNELS`] for none.
fn places() -> [i32; OUTPUTS * INPUTS] {
    let mut places = [KERNELS as i32; OUTPUTS * INPUTS];
    let connections = TABLE
        .iter()
        .enumerate()
        .flat_map(|(output, map)| map.iter().map(move |input| (output, input)));
    for (connection, (output, input)) in connections.enumerate() {
        places[output * INPUTS + input] = connection as i32;
    }
    places
}

#[cfg(test)]
mod tests {
    use burn_zoo_blocks::trainable_params;

    use super::*;

    #[test]
    fn every_connection_has_one_place_and_every_map_of_s2_is_seen_ten_times() {
        let mut used: Vec<_> = places()
            .into_iter()
            .filter(|&place| place < KERNELS as i32)
            .collect();
        used.sort_unstable();
        assert_eq!(used, (0..KERNELS as i32).collect::<Vec<_>>());
        for input in 0..INPUTS {
            // The columns of Table I hold ten crosses each.
            assert_eq!(
                TABLE.iter().filter(|map| map.contains(&input)).count(),
                10,
                "map {input}"
            );
        }
        assert_eq!(trainable_params(&TableConv::new(&Device::flex())), 1516);
    }

    #[test]
    fn a_map_hears_only_the_maps_of_its_row() {
        let device = Device::flex();
        device.seed(5);
        let layer = TableConv::new(&device);
        let silence = layer.forward(Tensor::zeros([1, INPUTS, SIDE, SIDE], &device));
        for input in 0..INPUTS {
            let mut signal = Tensor::zeros([1, INPUTS, SIDE, SIDE], &device);
            signal = signal.slice_fill([0..1, input..input + 1], 1.0);
            let change = (layer.forward(signal) - silence.clone())
                .into_data()
                .try_to_vec::<f32>()
                .expect("f32");
            for (output, change) in change.into_iter().enumerate() {
                assert_eq!(
                    change != 0.0,
                    TABLE[output].contains(&input),
                    "map {output} from {input}"
                );
            }
        }
    }

    #[test]
    fn every_kernel_learns() {
        let device = Device::flex().autodiff();
        let layer = TableConv::new(&device);
        let gradients = layer
            .forward(Tensor::ones([1, INPUTS, SIDE, SIDE], &device))
            .sum()
            .backward();
        let gradient = layer
            .weight
            .val()
            .grad(&gradients)
            .expect("the kernels are trained");
        gradient
            .into_data()
            .assert_eq(&TensorData::ones::<f32, _>([KERNELS, 1, SIDE, SIDE]), true);
    }
}
