//! Batch normalisation in training.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Autodiff, AutodiffBackend, Backend, Dispatch, Flex, TensorMetadata, backend_extension,
};
use burn::nn::BatchNorm;
use burn::tensor::Tensor;

use super::{FlexTensor, numbers, tensor};
use crate::norm::{self, Shape};

/// What the training pass of [`BatchNorm::forward`] does, with the kernels of this crate.
pub(crate) fn batch_norm(layer: &BatchNorm, images: Tensor<4>) -> Tensor<4> {
    let (out, mean, variance) = <Dispatch as Normalisation>::normalise(
        images.into_dispatch(),
        layer.gamma.val().into_dispatch(),
        layer.beta.val().into_dispatch(),
        layer.epsilon,
    );
    let momentum = layer.momentum;
    let updated = |running: Tensor<1>, found: Tensor<1>| {
        running.mul_scalar(1.0 - momentum) + found.detach().mul_scalar(momentum)
    };
    let mean = updated(layer.running_mean.value_sync(), Tensor::from_dispatch(mean));
    let variance = updated(
        layer.running_var.value_sync(),
        Tensor::from_dispatch(variance),
    );
    layer.running_mean.update(mean.detach());
    layer.running_var.update(variance.detach());
    Tensor::from_dispatch(out)
}

/// Batch normalisation and its gradients.
#[backend_extension(Flex, Autodiff)]
trait Normalisation: Backend {
    /// What comes out, and mean and biased variance of each channel.
    fn normalise(
        images: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// The gradients of images, gamma and beta.
    fn normalise_grad(
        images: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

fn shape_of(images: &FlexTensor) -> Shape {
    let [batch, channels, height, width] = images.shape().dims();
    Shape {
        batch,
        channels,
        pixels: height * width,
    }
}

impl Normalisation for Flex {
    fn normalise(
        images: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        epsilon: f64,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let (images, gamma, beta) = (
            images.to_contiguous(),
            gamma.to_contiguous(),
            beta.to_contiguous(),
        );
        let shape = shape_of(&images);
        let found = norm::forward(
            shape,
            numbers(&images),
            numbers(&gamma),
            numbers(&beta),
            epsilon,
        );
        (
            tensor(found.out, images.shape().to_vec()),
            tensor(found.mean, [shape.channels]),
            tensor(found.variance, [shape.channels]),
        )
    }

    fn normalise_grad(
        images: FlexTensor,
        gamma: FlexTensor,
        mean: FlexTensor,
        variance: FlexTensor,
        grad: FlexTensor,
        epsilon: f64,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let (images, gamma, grad) = (
            images.to_contiguous(),
            gamma.to_contiguous(),
            grad.to_contiguous(),
        );
        let shape = shape_of(&images);
        let found = norm::backward(
            shape,
            numbers(&images),
            numbers(&gamma),
            numbers(&mean),
            numbers(&variance),
            epsilon,
            numbers(&grad),
        );
        (
            tensor(found.values, images.shape().to_vec()),
            tensor(found.gamma, [shape.channels]),
            tensor(found.beta, [shape.channels]),
        )
    }
}

impl<B: Backend + Normalisation, C: CheckpointStrategy> Normalisation for Autodiff<B, C> {
    fn normalise(
        images: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let step = Normalise.prepare::<C>([images.node(), gamma.node(), beta.node()]);
        let (out, mean, variance) = match step.compute_bound().stateful() {
            OpsKind::Tracked(mut step) => {
                let nodes = (step.checkpoint(&images), step.checkpoint(&gamma));
                let (out, mean, variance) = B::normalise(
                    images.into_primitive(),
                    gamma.into_primitive(),
                    beta.into_primitive(),
                    epsilon,
                );
                let state = (nodes.0, nodes.1, mean.clone(), variance.clone(), epsilon);
                (step.finish(state, out), mean, variance)
            }
            OpsKind::UnTracked(step) => {
                let (out, mean, variance) = B::normalise(
                    images.into_primitive(),
                    gamma.into_primitive(),
                    beta.into_primitive(),
                    epsilon,
                );
                (step.finish(out), mean, variance)
            }
        };
        (out, Self::from_inner(mean), Self::from_inner(variance))
    }

    // A gradient is not differentiated again.
    fn normalise_grad(
        _images: FloatTensor<Self>,
        _gamma: FloatTensor<Self>,
        _mean: FloatTensor<Self>,
        _variance: FloatTensor<Self>,
        _grad: FloatTensor<Self>,
        _epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("called on the inner backend only")
    }
}

/// The way back.
#[derive(Debug)]
struct Normalise;

impl<B: Backend + Normalisation> Backward<B, 3> for Normalise {
    /// Images, gamma, mean, variance and epsilon.
    type State = (NodeId, NodeId, FloatTensor<B>, FloatTensor<B>, f64);

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        grads: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let (images, gamma, mean, variance, epsilon) = ops.state;
        let images: FloatTensor<B> = checkpointer.retrieve_node_output(images);
        let gamma: FloatTensor<B> = checkpointer.retrieve_node_output(gamma);
        let (images, gamma, beta) = B::normalise_grad(images, gamma, mean, variance, grad, epsilon);
        for (node, own) in ops.parents.into_iter().zip([images, gamma, beta]) {
            if let Some(node) = node {
                grads.register::<B>(node.id, own);
            }
        }
    }
}
