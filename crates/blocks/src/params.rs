//! Counting parameters the way papers and PyTorch do.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// Number of trainable values of a module: PyTorch's `sum(p.numel() for p in model.parameters())`.
///
/// [`Module::num_params`] also counts the running statistics of batch normalisation, which PyTorch calls buffers;
/// they are left out here. Freezing does not change the count, and lazy parameters stay uninitialised.
#[must_use]
pub fn trainable_params<M: Module>(module: &M) -> usize {
    let mut count = Count::default();
    module.visit(&mut count);
    count.values
}

#[derive(Default)]
struct Count {
    values: usize,
    path: Vec<String>,
}

impl ModuleVisitor for Count {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let is_buffer = matches!(
            self.path.last().map(String::as_str),
            Some("running_mean" | "running_var")
        );
        if !is_buffer {
            self.values += param.lazy_shape().num_elements();
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{BatchNormConfig, LinearConfig};
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn running_statistics_are_not_parameters() {
        let device = Device::flex();
        let module = (
            LinearConfig::new(3, 4).init(&device),
            BatchNormConfig::new(4).init(&device),
        );
        assert_eq!(module.num_params(), 3 * 4 + 4 + 4 * 4);
        assert_eq!(trainable_params(&module), 3 * 4 + 4 + 2 * 4);
        assert_eq!(trainable_params(&module.freeze()), 3 * 4 + 4 + 2 * 4);
    }
}
