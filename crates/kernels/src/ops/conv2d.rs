//! Convolution.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::ConvOptions;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;

use super::{FlexTensor, as_f32, tensor};
use crate::conv::{self, Epilogue, Shape};
use crate::profile::timed;

/// What [`Conv2d::forward`] does, with the kernels of this crate; none where the padding is not known beforehand, or where the
/// images do not fit the layer, which Burn reports.
pub(crate) fn conv2d(layer: &Conv2d, images: &Tensor<4>) -> Option<Tensor<4>> {
    let options = options(layer)?;
    fits(layer, images, &options).then(|| convolved(layer, images.clone(), options))
}

pub(super) fn options(layer: &Conv2d) -> Option<ConvOptions<2>> {
    let padding = match layer.padding {
        PaddingConfig2d::Same => return None,
        PaddingConfig2d::Valid => [(0, 0); 2],
        PaddingConfig2d::Explicit(above, left, below, right) => [(above, below), (left, right)],
    };
    let (stride, dilation) = (layer.stride, layer.dilation);
    Some(ConvOptions::new_with_padding(
        stride,
        padding,
        dilation,
        layer.groups,
    ))
}

/// Whether images, weights and options belong together, and nothing is empty.
pub(super) fn fits(layer: &Conv2d, images: &Tensor<4>, options: &ConvOptions<2>) -> bool {
    let ([batch, channels, height, width], weights) = (images.dims(), layer.weight.dims());
    let bias = layer.bias.as_ref().map(|bias| bias.dims());
    let [channels_out, group, ..] = weights;
    let reaches = |axis: usize, side: usize| {
        let (before, after) = options.padding[axis];
        options.dilation[axis] * (weights[2 + axis] - 1) < side + before + after
    };
    let counts = [batch, channels, height, width, options.groups];
    let sides = [options.stride, options.dilation].concat();
    !counts.iter().chain(&weights).chain(&sides).any(|n| *n == 0)
        && channels == group * options.groups
        && channels_out.is_multiple_of(options.groups)
        && bias.is_none_or(|bias| bias == [channels_out])
        && reaches(0, height)
        && reaches(1, width)
}

fn convolved(layer: &Conv2d, images: Tensor<4>, options: ConvOptions<2>) -> Tensor<4> {
    let images = images.into_dispatch();
    let weights = layer.weight.val().into_dispatch();
    let out = match &layer.bias {
        Some(bias) => {
            let bias = bias.val().into_dispatch();
            <Dispatch as Convolution>::convolve_biased(images, weights, bias, options)
        }
        None => <Dispatch as Convolution>::conv2d(images, weights, options),
    };
    Tensor::from_dispatch(out)
}

/// Convolution, which tensors with gradients differentiate.
#[backend_extension(Flex, Autodiff)]
trait Convolution: Backend {
    fn conv2d(
        images: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self>;

    fn convolve_biased(
        images: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self>;
}

/// What the two are made of, on a backend without gradients.
trait Kernels: Backend {
    fn forward(
        images: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self>;

    fn input_grad(
        images: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self>;

    fn weight_grad(
        images: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self>;

    fn bias_grad(grad: FloatTensor<Self>) -> FloatTensor<Self>;
}

pub(super) fn shape_of(
    images: &FlexTensor,
    weights: &FlexTensor,
    options: &ConvOptions<2>,
) -> Shape {
    let [batch, channels_in, height, width] = images.shape().dims();
    let [channels_out, _, kernel_height, kernel_width] = weights.shape().dims();
    Shape {
        batch,
        channels_in,
        channels_out,
        size_in: [height, width],
        kernel: [kernel_height, kernel_width],
        stride: options.stride,
        padding: options.padding,
        dilation: options.dilation,
        groups: options.groups,
    }
}

impl Kernels for Flex {
    fn forward(
        images: FlexTensor,
        weights: FlexTensor,
        bias: Option<FlexTensor>,
        options: ConvOptions<2>,
    ) -> FlexTensor {
        let (images, weights) = (images.to_contiguous(), weights.to_contiguous());
        let bias = bias.map(|bias| bias.to_contiguous());
        let shape = shape_of(&images, &weights, &options);
        let [height, width] = shape.size_out();
        let bias = bias.as_ref().map(as_f32);
        let out = timed("convolution", &shape, shape.operations(), || {
            let after = Epilogue {
                shift: bias,
                ..Epilogue::default()
            };
            conv::forward(&shape, as_f32(&images), as_f32(&weights), after)
        });
        tensor(out, [shape.batch, shape.channels_out, height, width])
    }

    fn input_grad(
        images: FlexTensor,
        weights: FlexTensor,
        grad: FlexTensor,
        options: ConvOptions<2>,
    ) -> FlexTensor {
        let (weights, grad) = (weights.to_contiguous(), grad.to_contiguous());
        let shape = shape_of(&images, &weights, &options);
        let what = "convolution, input gradient";
        let out = timed(what, &shape, shape.operations(), || {
            conv::input_grad(&shape, as_f32(&weights), as_f32(&grad))
        });
        tensor(out, images.shape().to_vec())
    }

    fn weight_grad(
        images: FlexTensor,
        weights: FlexTensor,
        grad: FlexTensor,
        options: ConvOptions<2>,
    ) -> FlexTensor {
        let (images, grad) = (images.to_contiguous(), grad.to_contiguous());
        let shape = shape_of(&images, &weights, &options);
        let what = "convolution, weight gradient";
        let out = timed(what, &shape, shape.operations(), || {
            conv::weight_grad(&shape, as_f32(&images), as_f32(&grad))
        });
        tensor(out, weights.shape().to_vec())
    }

    fn bias_grad(grad: FlexTensor) -> FlexTensor {
        let [_, channels, height, width] = grad.shape().dims();
        let grad = grad.to_contiguous();
        let what = "convolution, bias gradient";
        let out = timed(
            what,
            &format!("{channels} at {height}×{width}"),
            0.0,
            || conv::bias_grad(channels, height * width, as_f32(&grad)),
        );
        tensor(out, [channels])
    }
}

impl Convolution for Flex {
    fn conv2d(images: FlexTensor, weights: FlexTensor, options: ConvOptions<2>) -> FlexTensor {
        Self::forward(images, weights, None, options)
    }

    fn convolve_biased(
        images: FlexTensor,
        weights: FlexTensor,
        bias: FlexTensor,
        options: ConvOptions<2>,
    ) -> FlexTensor {
        Self::forward(images, weights, Some(bias), options)
    }
}

impl<B: Kernels, C: CheckpointStrategy> Convolution for Autodiff<B, C> {
    fn conv2d(
        images: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        let step = Plain.prepare::<C>([images.node(), weights.node()]);
        match step.compute_bound().stateful() {
            OpsKind::Tracked(mut step) => {
                let state = (
                    step.checkpoint(&images),
                    step.checkpoint(&weights),
                    options.clone(),
                );
                let out = B::forward(
                    images.into_primitive(),
                    weights.into_primitive(),
                    None,
                    options,
                );
                step.finish(state, out)
            }
            OpsKind::UnTracked(step) => step.finish(B::forward(
                images.into_primitive(),
                weights.into_primitive(),
                None,
                options,
            )),
        }
    }

    fn convolve_biased(
        images: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        let step = Biased.prepare::<C>([images.node(), weights.node(), bias.node()]);
        match step.compute_bound().stateful() {
            OpsKind::Tracked(mut step) => {
                let state = (
                    step.checkpoint(&images),
                    step.checkpoint(&weights),
                    options.clone(),
                );
                let out = B::forward(
                    images.into_primitive(),
                    weights.into_primitive(),
                    Some(bias.into_primitive()),
                    options,
                );
                step.finish(state, out)
            }
            OpsKind::UnTracked(step) => step.finish(B::forward(
                images.into_primitive(),
                weights.into_primitive(),
                Some(bias.into_primitive()),
                options,
            )),
        }
    }
}

/// The backward pass through a convolution without bias.
#[derive(Debug)]
struct Plain;

/// The backward pass through a convolution with bias.
#[derive(Debug)]
struct Biased;

/// Images, weights, and how they were convolved.
type State = (NodeId, NodeId, ConvOptions<2>);

impl<B: Kernels> Backward<B, 2> for Plain {
    type State = State;

    fn backward(self, ops: Ops<State, 2>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        let [images, weights] = ops.parents.map(|node| node.map(|node| node.id));
        register::<B>([images, weights], grad, ops.state, grads, checkpointer);
    }
}

impl<B: Kernels> Backward<B, 3> for Biased {
    type State = State;

    fn backward(self, ops: Ops<State, 3>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        let [images, weights, bias] = ops.parents.map(|node| node.map(|node| node.id));
        if let Some(bias) = bias {
            grads.register::<B>(bias, B::bias_grad(grad.clone()));
        }
        register::<B>([images, weights], grad, ops.state, grads, checkpointer);
    }
}

/// Registers the gradients of those of images and weights that want one.
fn register<B: Kernels>(
    [images_node, weights_node]: [Option<NodeId>; 2],
    grad: FloatTensor<B>,
    (images, weights, options): State,
    grads: &mut Gradients,
    checkpointer: &mut Checkpointer,
) {
    let images: FloatTensor<B> = checkpointer.retrieve_node_output(images);
    let weights: FloatTensor<B> = checkpointer.retrieve_node_output(weights);
    if let Some(node) = images_node {
        let own = B::input_grad(
            images.clone(),
            weights.clone(),
            grad.clone(),
            options.clone(),
        );
        grads.register::<B>(node, own);
    }
    if let Some(node) = weights_node {
        grads.register::<B>(node, B::weight_grad(images, weights, grad, options));
    }
}
