//! Max-pooling.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::conv::calculate_pool_output_size;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::nn::PaddingConfig2d;
use burn::nn::pool::MaxPool2d;
use burn::tensor::Tensor;

use super::{FlexTensor, as_f32, tensor};
use crate::pool::{self, Shape};
use crate::profile::timed;

/// What [`MaxPool2d::forward`] does, with the kernels of this crate; none of what they cannot.
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
    // A window lies within the image at least in part, and padding is at most half of it, or Burn says what is wrong.
    let fits = |axis: usize| {
        kernel[axis] > 0
            && size_in[axis] > 0
            && kernel[axis] <= size_in[axis] + 2 * padding[axis]
            && 2 * padding[axis] <= kernel[axis]
            && stride[axis] > 0
    };
    let is_large = kernel[0] * kernel[1] > pool::LARGEST_WINDOW;
    if layer.dilation != [1, 1] || batch * channels == 0 || is_large || !(fits(0) && fits(1)) {
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
        batch,
        channels,
        size_in,
        size_out,
        kernel,
        stride,
        padding,
    };
    let images = images.clone().into_dispatch();
    Some(Tensor::from_dispatch(<Dispatch as Pooling>::largest(
        images, shape,
    )))
}

/// Max-pooling, which tensors with gradients differentiate.
#[backend_extension(Flex, Autodiff)]
trait Pooling: Backend {
    fn largest(images: FloatTensor<Self>, shape: Shape) -> FloatTensor<Self>;
}

/// What training is made of, on a backend without gradients.
trait Kernels: Backend {
    fn forward(images: FloatTensor<Self>, shape: Shape) -> (FloatTensor<Self>, Arc<[u8]>);

    fn backward(places: &[u8], grad: FloatTensor<Self>, shape: Shape) -> FloatTensor<Self>;
}

fn dims(shape: &Shape, [height, width]: [usize; 2]) -> [usize; 4] {
    [shape.batch, shape.channels, height, width]
}

impl Pooling for Flex {
    fn largest(images: FlexTensor, shape: Shape) -> FlexTensor {
        let images = images.to_contiguous();
        let out = timed("max-pooling", &shape, 0.0, || {
            pool::max_pool(&shape, as_f32(&images))
        });
        tensor(out, dims(&shape, shape.size_out))
    }
}

impl Kernels for Flex {
    fn forward(images: FlexTensor, shape: Shape) -> (FlexTensor, Arc<[u8]>) {
        let images = images.to_contiguous();
        let (out, places) = timed("max-pooling", &shape, 0.0, || {
            pool::max_pool_with_places(&shape, as_f32(&images))
        });
        (tensor(out, dims(&shape, shape.size_out)), places.into())
    }

    fn backward(places: &[u8], grad: FlexTensor, shape: Shape) -> FlexTensor {
        let grad = grad.to_contiguous();
        let out = timed("max-pooling, gradient", &shape, 0.0, || {
            pool::max_pool_grad(&shape, places, as_f32(&grad))
        });
        tensor(out, dims(&shape, shape.size_in))
    }
}

impl<B: Kernels + Pooling, C: CheckpointStrategy> Pooling for Autodiff<B, C> {
    fn largest(images: FloatTensor<Self>, shape: Shape) -> FloatTensor<Self> {
        let step = Largest.prepare::<C>([images.node()]);
        match step.compute_bound().stateful() {
            OpsKind::Tracked(step) => {
                let (out, places) = B::forward(images.into_primitive(), shape);
                step.finish((places, shape), out)
            }
            OpsKind::UnTracked(step) => step.finish(B::largest(images.into_primitive(), shape)),
        }
    }
}

/// The backward pass.
#[derive(Debug)]
struct Largest;

impl<B: Kernels> Backward<B, 1> for Largest {
    type State = (Arc<[u8]>, Shape);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let ([parent], (places, shape)) = (ops.parents, ops.state);
        if let Some(parent) = parent {
            grads.register::<B>(parent.id, B::backward(&places, grad, shape));
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::pool::MaxPool2dConfig;
    use burn::tensor::{Device, Int, TensorData};
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
            let expected = layer.forward(images.clone());
            prop_assert_eq!(found.dims(), expected.dims());
            // Weights that differ, so that a gradient in the wrong place shows.
            let weights = Tensor::<1, Int>::arange(0..expected.shape().num_elements() as i64, &device)
                .float()
                .reshape(expected.dims());
            let images = images.autodiff().require_grad();
            let training = max_pool2d(&layer, &images).expect("as above");
            let gradient = |out: Tensor<4>| {
                let weights = Tensor::from_inner(weights.clone());
                // NaN has a gradient as well.
                let sum = (out.zeros_like() + out * weights).sum();
                images.grad(&sum.backward()).expect("asked for").into_data()
            };
            prop_assert_eq!(gradient(training), gradient(layer.forward(images.clone())));
            let [found, expected] = [found, expected]
                .map(|tensor| tensor.into_data().try_to_vec::<f32>().expect("f32"));
            for (found, expected) in found.iter().zip(&expected) {
                prop_assert!(found == expected || found.is_nan() && expected.is_nan());
            }
        }
    }
}
