//! Freezing a part of a network for fine-tuning, batch-norm statistics and dropout included.

use std::error::Error;
use std::fmt;

use burn::module::{Module, ModuleVisitor, Param, ParamGroup};
use burn::tensor::Tensor;

/// Freezes every layer whose path is one of `prefixes` or lies below one (`layer1`, `features.0`): its parameters get no
/// gradient, its batch norms use and keep their running statistics, its dropout passes everything.
///
/// The rest stays as it is. `Module::unfreeze` thaws all of it.
///
/// # Errors
/// A prefix below which the network has no layer; nothing is frozen then.
pub fn freeze<M: Module>(network: M, prefixes: &[&str]) -> Result<M, UnknownPrefix> {
    let mut paths = Paths::default();
    network.visit(&mut paths);
    let is_above = |prefix: &str, path: &str| {
        let rest = path.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    for prefix in prefixes {
        if !paths.found.iter().any(|path| is_above(prefix, path)) {
            let mut layers: Vec<String> = Vec::new();
            for path in &paths.found {
                let layer = path.split('.').next().unwrap_or_default();
                if layers.last().is_none_or(|last| last != layer) {
                    layers.push(layer.to_owned());
                }
            }
            return Err(UnknownPrefix {
                prefix: (*prefix).to_owned(),
                layers,
            });
        }
    }
    if prefixes.is_empty() {
        return Ok(network);
    }
    let patterns = prefixes
        .iter()
        .map(|prefix| format!("^{}\\.", prefix.replace('.', "\\.")))
        .collect();
    let group = ParamGroup::from_any_regexes::<String>(patterns)
        .expect("a prefix of a path is made of names and dots");
    Ok(network.freeze_group(group))
}

/// The path of every parameter, in the order of the fields.
#[derive(Default)]
struct Paths {
    path: Vec<String>,
    found: Vec<String>,
}

impl ModuleVisitor for Paths {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, _param: &Param<Tensor<D>>) {
        self.found.push(self.path.join("."));
    }
}

/// Layers were to be frozen below a path that the network does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownPrefix {
    /// The path.
    pub prefix: String,
    /// The first part of every path that the network has.
    pub layers: Vec<String>,
}

impl fmt::Display for UnknownPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { prefix, layers } = self;
        write!(
            f,
            "no layer lies below {prefix:?}: the network has {}",
            layers.join(", ")
        )
    }
}

impl Error for UnknownPrefix {}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
    use burn::optim::{GradientsParams, SgdConfig};
    use burn::tensor::{Device, Distribution, Tensor};

    use super::*;

    #[derive(Module, Debug)]
    struct Net {
        first: Linear,
        bn: BatchNorm,
        last: Linear,
    }

    fn net(device: &Device) -> Net {
        Net {
            first: LinearConfig::new(3, 4).init(device),
            bn: BatchNormConfig::new(4).init(device),
            last: LinearConfig::new(4, 2).init(device),
        }
    }

    fn values(net: &Net) -> [Vec<f32>; 3] {
        let net = net.valid();
        let vec = |tensor: Tensor<1>| tensor.into_data().try_to_vec::<f32>().expect("f32");
        [
            vec(net.first.weight.val().flatten(0, 1)),
            vec(net.bn.running_mean.value()),
            vec(net.last.weight.val().flatten(0, 1)),
        ]
    }

    /// One step of training on the same random batch.
    fn step(net: Net, device: &Device) -> Net {
        let images = Tensor::<2>::random([8, 3], Distribution::Normal(1.0, 1.0), device);
        let hidden = net.bn.forward(net.first.forward(images));
        let loss = net.last.forward(hidden).powi_scalar(2).mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &net);
        SgdConfig::new().init().step(0.1, net, gradients)
    }

    #[test]
    fn what_lies_below_a_prefix_stays_as_it_is() {
        let device = Device::flex().autodiff();
        let frozen = freeze(net(&device).train(), &["first", "bn"]).expect("both are there");
        let before = values(&frozen);
        let after = values(&step(frozen, &device));
        assert_eq!(before[0], after[0], "parameters");
        assert_eq!(before[1], after[1], "running statistics");
        assert_ne!(before[2], after[2], "the rest trains");

        let free = net(&device).train();
        let before = values(&free);
        let after = values(&step(free, &device));
        assert!(
            before
                .iter()
                .zip(&after)
                .all(|(before, after)| before != after)
        );
    }

    #[test]
    fn a_prefix_is_a_whole_name_of_the_network() {
        let device = Device::flex();
        for wrong in ["fir", "first.weight.x", "layer1", ""] {
            let error = freeze(net(&device), &["bn", wrong]).expect_err(wrong);
            assert_eq!(error.layers, ["first", "bn", "last"]);
            assert!(
                error
                    .to_string()
                    .contains("the network has first, bn, last")
            );
        }
    }
}
