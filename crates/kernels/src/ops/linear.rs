//! A linear layer on few vectors.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::nn::Linear;
use burn::tensor::Tensor;

use super::{FlexTensor, as_f32, tensor};
use crate::linear::{self, FEW, Shape};
use crate::profile::timed;

/// What [`Linear::forward`] does, with the kernels of this crate; none where vectors are many, or do not fit the layer, which
/// Burn reports.
pub(crate) fn linear(layer: &Linear, vectors: &Tensor<2>) -> Option<Tensor<2>> {
    let ([batch, inputs], weights) = (vectors.dims(), layer.weight.dims());
    let bias = layer.bias.as_ref().map(|bias| bias.dims());
    let fits = inputs == weights[0] && bias.is_none_or(|[bias]| bias == weights[1]);
    if !fits || batch > FEW || batch * weights[0] * weights[1] == 0 {
        return None;
    }
    let weights = layer.weight.val().into_dispatch();
    let out = <Dispatch as Multiplication>::multiply(vectors.clone().into_dispatch(), weights);
    let out = Tensor::<2>::from_dispatch(out);
    Some(match &layer.bias {
        Some(bias) => out + bias.val().unsqueeze(),
        None => out,
    })
}

/// Products of vectors and a matrix, which tensors with gradients differentiate.
#[backend_extension(Flex, Autodiff)]
trait Multiplication: Backend {
    fn multiply(vectors: FloatTensor<Self>, matrix: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// What it is made of, on a backend without gradients.
trait Kernels: Backend {
    fn forward(vectors: FloatTensor<Self>, matrix: FloatTensor<Self>) -> FloatTensor<Self>;
    fn input_grad(matrix: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self>;
    fn weight_grad(vectors: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// Of as many products as there are rows with the matrix.
fn shape(rows: &FlexTensor, matrix: &FlexTensor) -> Shape {
    let [batch, _] = rows.shape().dims();
    let [inputs, outputs] = matrix.shape().dims();
    Shape {
        batch,
        inputs,
        outputs,
    }
}

impl Kernels for Flex {
    fn forward(vectors: FlexTensor, matrix: FlexTensor) -> FlexTensor {
        let shape = shape(&vectors, &matrix);
        let (vectors, matrix) = (vectors.to_contiguous(), matrix.to_contiguous());
        let out = timed("linear", &shape, shape.operations(), || {
            linear::forward(&shape, as_f32(&vectors), as_f32(&matrix))
        });
        tensor(out, [shape.batch, shape.outputs])
    }

    fn input_grad(matrix: FlexTensor, grad: FlexTensor) -> FlexTensor {
        let shape = shape(&grad, &matrix);
        let (matrix, grad) = (matrix.to_contiguous(), grad.to_contiguous());
        let out = timed("linear, input gradient", &shape, shape.operations(), || {
            linear::input_grad(&shape, as_f32(&matrix), as_f32(&grad))
        });
        tensor(out, [shape.batch, shape.inputs])
    }

    fn weight_grad(vectors: FlexTensor, grad: FlexTensor) -> FlexTensor {
        let [batch, inputs] = vectors.shape().dims();
        let [_, outputs] = grad.shape().dims();
        let shape = Shape {
            batch,
            inputs,
            outputs,
        };
        let (vectors, grad) = (vectors.to_contiguous(), grad.to_contiguous());
        let what = "linear, weight gradient";
        let out = timed(what, &shape, shape.operations(), || {
            linear::weight_grad(&shape, as_f32(&vectors), as_f32(&grad))
        });
        tensor(out, [inputs, outputs])
    }
}

impl Multiplication for Flex {
    fn multiply(vectors: FlexTensor, matrix: FlexTensor) -> FlexTensor {
        Self::forward(vectors, matrix)
    }
}

impl<B: Kernels, C: CheckpointStrategy> Multiplication for Autodiff<B, C> {
    fn multiply(vectors: FloatTensor<Self>, matrix: FloatTensor<Self>) -> FloatTensor<Self> {
        let step = Product.prepare::<C>([vectors.node(), matrix.node()]);
        match step.compute_bound().stateful() {
            OpsKind::Tracked(mut step) => {
                let state = (step.checkpoint(&vectors), step.checkpoint(&matrix));
                let out = B::forward(vectors.into_primitive(), matrix.into_primitive());
                step.finish(state, out)
            }
            OpsKind::UnTracked(step) => {
                let out = B::forward(vectors.into_primitive(), matrix.into_primitive());
                step.finish(out)
            }
        }
    }
}

/// The backward pass.
#[derive(Debug)]
struct Product;

impl<B: Kernels> Backward<B, 2> for Product {
    /// Vectors and matrix.
    type State = (NodeId, NodeId);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let [to_vectors, to_matrix] = ops.parents.map(|node| node.map(|node| node.id));
        let (vectors, matrix) = ops.state;
        let vectors: FloatTensor<B> = checkpointer.retrieve_node_output(vectors);
        let matrix: FloatTensor<B> = checkpointer.retrieve_node_output(matrix);
        if let Some(node) = to_vectors {
            grads.register::<B>(node, B::input_grad(matrix, grad.clone()));
        }
        if let Some(node) = to_matrix {
            grads.register::<B>(node, B::weight_grad(vectors, grad));
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::LinearConfig;
    use burn::tensor::{Device, Distribution, Tolerance};

    use super::*;

    /// What comes out of the layer, and the gradients of the vectors, the weights and the bias.
    fn all(
        layer: &Linear,
        vectors: &Tensor<2>,
        forward: impl Fn(&Linear, Tensor<2>) -> Tensor<2>,
    ) -> Vec<burn::tensor::TensorData> {
        let vectors = vectors.clone().require_grad();
        let out = forward(layer, vectors.clone());
        let grads = out.clone().square().sum().backward();
        let mut found = vec![out.into_data()];
        found.extend([&vectors, &layer.weight.val()].map(|tensor| {
            let grad = tensor.grad(&grads).expect("it wants one");
            grad.into_data()
        }));
        let bias = layer.bias.as_ref().map(|bias| bias.val().grad(&grads));
        found.extend(bias.flatten().map(Tensor::into_data));
        found
    }

    #[test]
    fn few_vectors_are_multiplied_and_differentiated_as_by_burn() {
        let device = Device::flex().autodiff();
        for (batch, inputs, outputs, has_bias) in [(1, 20, 7, true), (FEW, 33, 40, false)] {
            let layer = LinearConfig::new(inputs, outputs)
                .with_bias(has_bias)
                .init(&device);
            let vectors = Tensor::random([batch, inputs], Distribution::Normal(0.0, 1.0), &device);
            let ours = |layer: &Linear, vectors| linear(layer, &vectors).expect("few vectors");
            let found = all(&layer, &vectors, ours);
            let expected = all(&layer, &vectors, Linear::forward);
            assert_eq!(found.len(), if has_bias { 4 } else { 3 });
            for (found, expected) in found.iter().zip(&expected) {
                found.assert_approx_eq::<f32>(expected, Tolerance::absolute(1e-4));
            }
        }
    }

    #[test]
    fn many_vectors_and_wrong_ones_are_left_to_burn() {
        let device = Device::flex();
        let layer = LinearConfig::new(4, 3).init(&device);
        assert!(linear(&layer, &Tensor::zeros([FEW, 4], &device)).is_some());
        assert!(linear(&layer, &Tensor::zeros([FEW + 1, 4], &device)).is_none());
        assert!(linear(&layer, &Tensor::zeros([1, 5], &device)).is_none());
    }
}
