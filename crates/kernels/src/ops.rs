//! The kernels as operations of Burn: called on Flex, differentiated on its autodiff twin.

mod batch_norm;
mod batch_norm_eval;
mod conv2d;
mod fused;
mod linear;
mod lrn;
mod max_pool;
mod sgd;

use burn::backend::tensor::FloatTensor;
use burn::backend::{DispatchTensorKind, Flex, TensorMetadata};
use burn::tensor::{DType, Tensor, TensorData};

pub(crate) use batch_norm::batch_norm;
pub(crate) use batch_norm_eval::batch_norm_eval;
pub(crate) use conv2d::conv2d;
pub(crate) use fused::conv2d_then;
pub(crate) use linear::linear;
pub(crate) use lrn::local_response_norm;
pub(crate) use max_pool::max_pool2d;
pub(crate) use sgd::sgd_step;

/// A tensor of the backend Flex.
type FlexTensor = FloatTensor<Flex>;

/// Whether the kernels take the tensor.
pub(crate) fn is_single_precision_on_flex<const D: usize>(tensor: &Tensor<D>) -> bool {
    let tensor = tensor.clone().into_dispatch();
    let is_flex = match &tensor.kind {
        DispatchTensorKind::Flex(_) => true,
        DispatchTensorKind::Autodiff(inner) => matches!(**inner, DispatchTensorKind::Flex(_)),
        #[allow(unreachable_patterns, reason = "where Flex is the only backend")]
        _ => false,
    };
    is_flex && tensor.dtype() == DType::F32
}

/// The values of a tensor, one after the other.
fn as_f32(tensor: &FlexTensor) -> &[f32] {
    tensor
        .as_slice::<f32>()
        .expect("contiguous, in single precision")
}

fn tensor(values: Vec<f32>, shape: impl Into<Vec<usize>>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.into()))
}

/// The tensor of the backend, its values one after the other.
fn flex<const D: usize>(tensor: Tensor<D>) -> FlexTensor {
    match tensor.into_dispatch().kind {
        DispatchTensorKind::Flex(tensor) => tensor.float().to_contiguous(),
        _ => panic!("all tensors of an operation lie on one device"),
    }
}
