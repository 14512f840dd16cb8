//! Batch normalisation, with what may follow it: the addition of a shortcut, and rectification.

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

use super::{FlexTensor, as_f32, tensor};
use crate::Activation;
use crate::batch_norm::{self, Shape};
use crate::profile::timed;

/// What the training pass of [`BatchNorm::forward`] does, and what follows, with the kernels of this crate.
pub(crate) fn batch_norm(layer: &BatchNorm, images: Tensor<4>, then: Activation) -> Tensor<4> {
    let device = images.device();
    let images = images.into_dispatch();
    let gamma = layer.gamma.val().into_dispatch();
    let beta = layer.beta.val().into_dispatch();
    let epsilon = layer.epsilon;
    let (out, mean, variance) = match then {
        Activation::Nothing => <Dispatch as Normalisation>::normalise(images, gamma, beta, epsilon),
        Activation::Relu => {
            <Dispatch as Normalisation>::normalise_relu(images, gamma, beta, epsilon)
        }
        Activation::AddRelu(shortcut) => <Dispatch as Normalisation>::normalise_add_relu(
            images,
            gamma,
            beta,
            shortcut.into_dispatch(),
            epsilon,
        ),
    };
    let momentum = layer.momentum;
    let updated = |running: Tensor<1>, found: Tensor<1>| {
        running.mul_scalar(1.0 - momentum) + found.detach().mul_scalar(momentum)
    };
    let mean = updated(
        layer.running_mean.value_sync().to_device(&device),
        Tensor::from_dispatch(mean),
    );
    let variance = updated(
        layer.running_var.value_sync().to_device(&device),
        Tensor::from_dispatch(variance),
    );
    layer.running_mean.update(mean.detach());
    layer.running_var.update(variance.detach());
    Tensor::from_dispatch(out)
}

/// What comes out, and mean and biased variance of each channel.
type Normalised<B> = (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>);

/// Batch normalisation, which tensors with gradients differentiate. Each gives what comes out, and mean and biased variance
/// of each channel.
#[backend_extension(Flex, Autodiff)]
trait Normalisation: Backend {
    fn normalise(
        images: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    fn normalise_relu(
        images: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    fn normalise_add_relu(
        images: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        shortcut: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// What followed, as far as the backward pass needs it.
#[derive(Debug, Clone)]
enum Fused<B: Backend> {
    Nothing,
    Relu,
    /// What came out.
    AddRelu(FloatTensor<B>),
}

/// What the three are made of, on a backend without gradients.
trait Kernels: Backend {
    fn forward(
        images: FloatTensor<Self>,
        gamma_and_beta: [FloatTensor<Self>; 2],
        shortcut: Option<FloatTensor<Self>>,
        has_relu: bool,
        epsilon: f64,
    ) -> Normalised<Self>;

    /// The gradients of images, gamma, beta and the shortcut.
    fn backward(
        images: FloatTensor<Self>,
        followed: Fused<Self>,
        gamma_and_beta: [FloatTensor<Self>; 2],
        mean_and_variance: [FloatTensor<Self>; 2],
        grad: FloatTensor<Self>,
        epsilon: f64,
    ) -> [Option<FloatTensor<Self>>; 4];
}

pub(super) fn shape_of(images: &FlexTensor) -> Shape {
    let [batch, channels, height, width] = images.shape().dims();
    Shape {
        batch,
        channels,
        pixels: height * width,
    }
}

impl Kernels for Flex {
    fn forward(
        images: FlexTensor,
        [gamma, beta]: [FlexTensor; 2],
        shortcut: Option<FlexTensor>,
        has_relu: bool,
        epsilon: f64,
    ) -> Normalised<Self> {
        let (images, gamma, beta) = (
            images.to_contiguous(),
            gamma.to_contiguous(),
            beta.to_contiguous(),
        );
        let shortcut = shortcut.map(|shortcut| shortcut.to_contiguous());
        let shape = shape_of(&images);
        let found = timed("normalisation", &shape, 0.0, || {
            batch_norm::forward(
                shape,
                as_f32(&images),
                [as_f32(&gamma), as_f32(&beta)],
                shortcut.as_ref().map(as_f32),
                has_relu,
                epsilon,
            )
        });
        (
            tensor(found.out, images.shape().to_vec()),
            tensor(found.mean, [shape.channels]),
            tensor(found.variance, [shape.channels]),
        )
    }

    fn backward(
        images: FlexTensor,
        followed: Fused<Self>,
        gamma_and_beta: [FlexTensor; 2],
        [mean, variance]: [FlexTensor; 2],
        grad: FlexTensor,
        epsilon: f64,
    ) -> [Option<FlexTensor>; 4] {
        let (images, grad) = (images.to_contiguous(), grad.to_contiguous());
        let scale = gamma_and_beta.map(|own| own.to_contiguous());
        let followed = match &followed {
            Fused::Nothing => batch_norm::Fused::Nothing,
            Fused::Relu => batch_norm::Fused::Relu,
            Fused::AddRelu(out) => batch_norm::Fused::AddRelu(as_f32(out)),
        };
        let shape = shape_of(&images);
        let found = timed("normalisation, gradients", &shape, 0.0, || {
            batch_norm::backward(
                shape,
                as_f32(&images),
                followed,
                scale.each_ref().map(as_f32),
                [as_f32(&mean), as_f32(&variance)],
                as_f32(&grad),
                epsilon,
            )
        });
        let whole = images.shape().to_vec();
        [
            Some(tensor(found.values, whole.clone())),
            Some(tensor(found.gamma, [shape.channels])),
            Some(tensor(found.beta, [shape.channels])),
            found.shortcut.map(|shortcut| tensor(shortcut, whole)),
        ]
    }
}

impl Normalisation for Flex {
    fn normalise(
        images: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        epsilon: f64,
    ) -> Normalised<Self> {
        Self::forward(images, [gamma, beta], None, false, epsilon)
    }

    fn normalise_relu(
        images: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        epsilon: f64,
    ) -> Normalised<Self> {
        Self::forward(images, [gamma, beta], None, true, epsilon)
    }

    fn normalise_add_relu(
        images: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        shortcut: FlexTensor,
        epsilon: f64,
    ) -> Normalised<Self> {
        Self::forward(images, [gamma, beta], Some(shortcut), true, epsilon)
    }
}

impl<B: Kernels, C: CheckpointStrategy> Normalisation for Autodiff<B, C> {
    fn normalise(
        images: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> Normalised<Self> {
        without_shortcut::<B, C>(images, [gamma, beta], false, epsilon)
    }

    fn normalise_relu(
        images: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> Normalised<Self> {
        without_shortcut::<B, C>(images, [gamma, beta], true, epsilon)
    }

    fn normalise_add_relu(
        images: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        shortcut: FloatTensor<Self>,
        epsilon: f64,
    ) -> Normalised<Self> {
        let parents = [images.node(), gamma.node(), beta.node(), shortcut.node()];
        let step = AddRelu.prepare::<C>(parents).compute_bound().stateful();
        let forward = |[images, gamma, beta]: [FloatTensor<Self>; 3]| {
            B::forward(
                images.into_primitive(),
                [gamma.into_primitive(), beta.into_primitive()],
                Some(shortcut.into_primitive()),
                true,
                epsilon,
            )
        };
        let own = [images, gamma, beta];
        let (out, mean, variance) = match step {
            OpsKind::Tracked(mut step) => {
                let nodes = own.each_ref().map(|own| step.checkpoint(own));
                let (out, mean, variance) = forward(own);
                let statistics = [mean.clone(), variance.clone()];
                let followed = Fused::AddRelu(out.clone());
                let state = (nodes, followed, statistics, epsilon);
                (step.finish(state, out), mean, variance)
            }
            OpsKind::UnTracked(step) => {
                let (out, mean, variance) = forward(own);
                (step.finish(out), mean, variance)
            }
        };
        (out, Self::from_inner(mean), Self::from_inner(variance))
    }
}

fn without_shortcut<B: Kernels, C: CheckpointStrategy>(
    images: FloatTensor<Autodiff<B, C>>,
    [gamma, beta]: [FloatTensor<Autodiff<B, C>>; 2],
    has_relu: bool,
    epsilon: f64,
) -> Normalised<Autodiff<B, C>> {
    let parents = [images.node(), gamma.node(), beta.node()];
    let step = Plain.prepare::<C>(parents).compute_bound().stateful();
    let forward = |[images, gamma, beta]: [FloatTensor<Autodiff<B, C>>; 3]| {
        let scale = [gamma.into_primitive(), beta.into_primitive()];
        B::forward(images.into_primitive(), scale, None, has_relu, epsilon)
    };
    let own = [images, gamma, beta];
    let (out, mean, variance) = match step {
        OpsKind::Tracked(mut step) => {
            let nodes = own.each_ref().map(|own| step.checkpoint(own));
            let (out, mean, variance) = forward(own);
            let followed = match has_relu {
                true => Fused::Relu,
                false => Fused::Nothing,
            };
            let state = (nodes, followed, [mean.clone(), variance.clone()], epsilon);
            (step.finish(state, out), mean, variance)
        }
        OpsKind::UnTracked(step) => {
            let (out, mean, variance) = forward(own);
            (step.finish(out), mean, variance)
        }
    };
    (
        out,
        Autodiff::<B, C>::from_inner(mean),
        Autodiff::<B, C>::from_inner(variance),
    )
}

/// The backward pass without a shortcut.
#[derive(Debug)]
struct Plain;

/// The backward pass with a shortcut.
#[derive(Debug)]
struct AddRelu;

/// Images, gamma and beta, what followed, mean and variance, epsilon.
type State<B> = ([NodeId; 3], Fused<B>, [FloatTensor<B>; 2], f64);

impl<B: Kernels> Backward<B, 3> for Plain {
    type State = State<B>;

    fn backward(
        self,
        ops: Ops<State<B>, 3>,
        grads: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let parents = ops.parents.map(|node| node.map(|node| node.id));
        register::<B>(&parents, grad, ops.state, grads, checkpointer);
    }
}

impl<B: Kernels> Backward<B, 4> for AddRelu {
    type State = State<B>;

    fn backward(
        self,
        ops: Ops<State<B>, 4>,
        grads: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let parents = ops.parents.map(|node| node.map(|node| node.id));
        register::<B>(&parents, grad, ops.state, grads, checkpointer);
    }
}

/// Registers the gradients of those parents that want one: images, gamma, beta, and a shortcut where there is one.
fn register<B: Kernels>(
    parents: &[Option<NodeId>],
    grad: FloatTensor<B>,
    (nodes, followed, statistics, epsilon): State<B>,
    grads: &mut Gradients,
    checkpointer: &mut Checkpointer,
) {
    let [images, gamma, beta]: [FloatTensor<B>; 3] =
        nodes.map(|node| checkpointer.retrieve_node_output(node));
    let scale = [gamma, beta];
    let found = B::backward(images, followed, scale, statistics, grad, epsilon);
    for (node, own) in parents.iter().zip(found) {
        if let (Some(node), Some(own)) = (node, own) {
            grads.register::<B>(*node, own);
        }
    }
}
