//! Weights in 16 bits for a pass, from weights in single precision.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{FloatDType, Tensor};

/// `network` with its weights cast to `dtype`, all but those of batch normalisation. The casts are part of the graph: gradients
/// arrive at the weights of `network`, in their precision.
///
/// Its input is to be cast as well. Batch normalisation computes in single precision and gives back what it got, where the
/// network has it from [`normalize`](crate::normalize) and its kin.
#[must_use]
pub fn cast_params<M: Module>(network: M, dtype: FloatDType) -> M {
    network.map(&mut Narrow {
        dtype,
        normalisations: 0,
    })
}

struct Narrow {
    dtype: FloatDType,
    /// How many batch normalisations the mapper is inside of.
    normalisations: usize,
}

/// What Burn calls the module's type when it visits it.
const NORMALISATION: &str = "Struct:BatchNorm";

impl ModuleMapper for Narrow {
    fn enter_module(&mut self, _name: &str, container_type: &str) {
        self.normalisations += usize::from(container_type == NORMALISATION);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.normalisations -= usize::from(container_type == NORMALISATION);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.normalisations > 0 {
            return param;
        }
        let (id, tensor, mapper) = param.consume();
        Param::from_mapped_value(id, tensor.cast(self.dtype), mapper)
    }
}

/// A tensor of 16 bits in single precision, for sums and powers that 16 bits spoil; any other as it is.
#[must_use]
pub fn to_f32<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    match tensor.dtype().size() {
        2 => tensor.cast(FloatDType::F32),
        _ => tensor,
    }
}

#[cfg(test)]
mod tests {
    use burn::module::ModuleVisitor;
    use burn::nn::conv::{Conv2d, Conv2dConfig};
    use burn::nn::{BatchNorm, BatchNormConfig};
    use burn::tensor::{DType, Device};

    use super::*;

    #[derive(Module, Debug)]
    struct Unit {
        conv: Conv2d,
        norm: BatchNorm,
    }

    fn unit() -> Unit {
        let device = Device::flex().autodiff();
        Unit {
            conv: Conv2dConfig::new([1, 2], [1, 1]).init(&device),
            norm: BatchNormConfig::new(2).init(&device),
        }
    }

    #[test]
    fn everything_but_batch_normalisation_is_narrowed() {
        struct Types(Vec<DType>);
        impl ModuleVisitor for Types {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                self.0.push(param.val().dtype());
            }
        }
        let own = unit();
        let narrow = cast_params(own.clone(), FloatDType::BF16);
        let types = |unit: &Unit| {
            let mut types = Types(Vec::new());
            unit.visit(&mut types);
            types.0
        };
        let (bf16, f32) = (DType::BF16, DType::F32);
        assert_eq!(types(&narrow), [bf16, bf16, f32, f32, f32, f32]);
        assert_eq!(types(&own), [f32; 6]);
    }

    #[test]
    fn gradients_come_to_the_weights_in_single_precision() {
        let own = unit();
        let narrow = cast_params(own.clone(), FloatDType::F16);
        let gradients = narrow.conv.weight.val().sum().backward();
        let gradient = own.conv.weight.grad(&gradients).expect("a gradient");
        assert_eq!(gradient.dtype(), DType::F32);
        assert_eq!(
            gradient.into_data().try_to_vec::<f32>().expect("f32"),
            [1.0; 2]
        );
    }
}
