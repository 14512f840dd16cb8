//! Max-pooling.

use burn::backend::ops::conv::calculate_pool_output_size;
use burn::nn::PaddingConfig2d;
use burn::nn::pool::MaxPool2d;
use burn::tensor::{Tensor, TensorData};

use super::{flex, numbers};
use crate::pool::{self, Shape};

/// What [`MaxPool2d::forward`] does without gradients, with the kernel of this crate; none of what it cannot.
pub(crate) fn max_pool2d(layer: &MaxPool2d, images: &Tensor<4>) -> Option<Tensor<4>> {
    let padding = match layer.padding {
        PaddingConfig2d::Valid => [0, 0],
        PaddingConfig2d::Explicit(above, left, below, right) if above == below && left == right => {
            [above, left]
        }
        PaddingConfig2d::Same | PaddingConfig2d::Explicit(..) => return None,
    };
    let [batch, channels, height, width] = images.dims();
    let size_in = [height, width];
    let (kernel, stride) = (layer.kernel_size, layer.stride);
    // A window lies within the picture at least in part, and padding is at most half of it, or Burn says what is wrong.
    let fits = |axis: usize| {
        kernel[axis] <= size_in[axis] + 2 * padding[axis]
            && 2 * padding[axis] <= kernel[axis]
            && stride[axis] > 0
    };
    if layer.dilation != [1, 1] || batch * channels == 0 || !(fits(0) && fits(1)) {
        return None;
    }
    let size_out = [0, 1].map(|axis| {
        calculate_pool_output_size(
            kernel[axis],
            stride[axis],
            padding[axis],
            1,
            size_in[axis],
            layer.ceil_mode,
        )
    });
    let shape = Shape {
        planes: batch * channels,
        size_in,
        size_out,
        kernel,
        stride,
        padding,
    };
    let out = pool::max_pool(&shape, numbers(&flex(images.clone())));
    let [height, width] = size_out;
    let data = TensorData::new(out, [batch, channels, height, width]);
    Some(Tensor::from_data(data, &images.device()))
}

#[cfg(test)]
mod tests {
    use burn::nn::pool::MaxPool2dConfig;
    use burn::tensor::Device;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_largest_of_a_window_is_what_burn_finds(
            (height, width) in (1usize..20, 1usize..20),
            kernel in [1usize..5, 1usize..5],
            stride in [1usize..5, 1usize..5],
            padding in [0usize..3, 0usize..3],
            ceil in any::<bool>(),
            seed in 0u32..1000,
        ) {
            let device = Device::flex();
            let [down, right] = padding;
            let layer = MaxPool2dConfig::new(kernel)
                .with_strides(stride)
                .with_padding(PaddingConfig2d::Explicit(down, right, down, right))
                .with_ceil_mode(ceil)
                .init();
            let values: Vec<f32> = (0..6 * height * width)
                .map(|i| match (i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed * 97) >> 20 {
                    0..30 => f32::NAN,
                    30..60 => f32::NEG_INFINITY,
                    value => value as f32 - 2000.0,
                })
                .collect();
            let data = TensorData::new(values, [2, 3, height, width]);
            let images = Tensor::<4>::from_data(data, &device);
            let Some(found) = max_pool2d(&layer, &images) else {
                return Ok(());
            };
            let expected = layer.forward(images);
            prop_assert_eq!(found.dims(), expected.dims());
            let [found, expected] = [found, expected]
                .map(|tensor| tensor.into_data().try_to_vec::<f32>().expect("f32"));
            for (found, expected) in found.iter().zip(&expected) {
                prop_assert!(found == expected || found.is_nan() && expected.is_nan());
            }
        }
    }
}
