//! Local response normalisation.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;

use super::{FlexTensor, as_f32, tensor};
use crate::LrnParams;
use crate::lrn::{self, Shape};
use crate::profile::timed;

/// The normalisation with the kernels of this crate.
pub(crate) fn local_response_norm(window: &LrnParams, maps: &Tensor<4>) -> Tensor<4> {
    let maps = maps.clone().into_dispatch();
    Tensor::from_dispatch(<Dispatch as Normalisation>::normalise(maps, *window))
}

/// The normalisation, which tensors with gradients differentiate.
#[backend_extension(Flex, Autodiff)]
trait Normalisation: Backend {
    fn normalise(maps: FloatTensor<Self>, window: LrnParams) -> FloatTensor<Self>;
}

/// Its gradient, on a backend without gradients.
trait Kernels: Backend {
    fn backward(
        maps: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        window: LrnParams,
    ) -> FloatTensor<Self>;
}

fn shape(maps: &FlexTensor, window: LrnParams) -> Shape {
    let [batch, channels, height, width] = maps.shape().dims();
    Shape {
        batch,
        channels,
        pixels: height * width,
        window,
    }
}

impl Normalisation for Flex {
    fn normalise(maps: FlexTensor, window: LrnParams) -> FlexTensor {
        let (shape, maps) = (shape(&maps, window), maps.to_contiguous());
        let out = timed("local response normalisation", &shape, 0.0, || {
            lrn::forward(&shape, as_f32(&maps))
        });
        tensor(out, maps.shape().to_vec())
    }
}

impl Kernels for Flex {
    fn backward(maps: FlexTensor, grad: FlexTensor, window: LrnParams) -> FlexTensor {
        let (shape, maps, grad) = (
            shape(&maps, window),
            maps.to_contiguous(),
            grad.to_contiguous(),
        );
        let out = timed(
            "local response normalisation, gradient",
            &shape,
            0.0,
            || lrn::backward(&shape, as_f32(&maps), as_f32(&grad)),
        );
        tensor(out, maps.shape().to_vec())
    }
}

impl<B: Kernels + Normalisation, C: CheckpointStrategy> Normalisation for Autodiff<B, C> {
    fn normalise(maps: FloatTensor<Self>, window: LrnParams) -> FloatTensor<Self> {
        let step = Normalise.prepare::<C>([maps.node()]);
        match step.compute_bound().stateful() {
            OpsKind::Tracked(mut step) => {
                let state = (step.checkpoint(&maps), window);
                step.finish(state, B::normalise(maps.into_primitive(), window))
            }
            OpsKind::UnTracked(step) => step.finish(B::normalise(maps.into_primitive(), window)),
        }
    }
}

/// The backward pass.
#[derive(Debug)]
struct Normalise;

impl<B: Kernels> Backward<B, 1> for Normalise {
    type State = (NodeId, LrnParams);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let ([parent], (maps, window)) = (ops.parents, ops.state);
        if let Some(parent) = parent {
            let maps: FloatTensor<B> = checkpointer.retrieve_node_output(maps);
            grads.register::<B>(parent.id, B::backward(maps, grad, window));
        }
    }
}
