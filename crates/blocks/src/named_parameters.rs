//! The parameters of a network, one by one, and their number as papers and PyTorch count it.

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

/// One tensor of floating-point numbers in a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Burn's name for it, which clones of the network share.
    pub id: ParamId,
    /// Its path in the network's own words: `layer1.0.conv1.weight`.
    pub name: String,
    /// Its path in Burn's, which also names the variants of enums.
    pub path: String,
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Whether it is a running statistic of batch normalisation, which PyTorch calls a buffer and nothing trains.
    pub is_buffer: bool,
}

/// Every parameter of `module`, in the order of its fields. Weights that are not drawn yet stay so.
#[must_use]
pub fn parameters<M: Module>(module: &M) -> Vec<Parameter> {
    let mut list = List::default();
    module.visit(&mut list);
    list.parameters
}

/// Number of trainable values of a module: PyTorch's `sum(p.numel() for p in model.parameters())`.
///
/// [`Module::num_params`] also counts the running statistics of batch normalisation, which PyTorch calls buffers;
/// they are left out here. Freezing does not change the count, and lazy parameters stay uninitialised.
#[must_use]
pub fn trainable_params<M: Module>(module: &M) -> usize {
    let trained = parameters(module).into_iter().filter(|p| !p.is_buffer);
    trained.map(|p| p.shape.iter().product::<usize>()).sum()
}

#[derive(Default)]
struct List {
    parameters: Vec<Parameter>,
    /// Name of each field on the way down, and whether it is a variant of an enum.
    path: Vec<(String, bool)>,
}

impl ModuleVisitor for List {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path
            .push((name.to_owned(), container.starts_with("Enum:")));
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let names = |all: bool| -> Vec<&str> {
            let kept = self.path.iter().filter(|(_, variant)| all || !variant);
            kept.map(|(name, _)| name.as_str()).collect()
        };
        let leaf = self.path.last().map(|(name, _)| name.as_str());
        let parameter = Parameter {
            id: param.id,
            name: names(false).join("."),
            path: names(true).join("."),
            shape: param.lazy_shape().to_vec(),
            is_buffer: matches!(leaf, Some("running_mean" | "running_var")),
        };
        self.parameters.push(parameter);
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

    #[test]
    fn names_are_those_of_the_fields() {
        let device = Device::flex();
        let module = vec![LinearConfig::new(3, 4).init(&device)];
        let all = parameters(&module);
        let names: Vec<&str> = all.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["0.weight", "0.bias"]);
        assert_eq!(all[0].shape, [3, 4]);
        assert_eq!(all[0].id, module[0].weight.id);
    }
}
