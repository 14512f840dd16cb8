//! Freezing a part of a network for fine-tuning, batch-norm statistics and dropout included.

use std::collections::BTreeMap;
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
    let mut patterns = Vec::new();
    for prefix in prefixes {
        let Some(full) = paths.modules.get(*prefix) else {
            return Err(UnknownPrefix {
                prefix: (*prefix).to_owned(),
                layers: paths.layers,
            });
        };
        patterns.push(format!("^{}\\.", full.replace('.', "\\.")));
    }
    if patterns.is_empty() {
        return Ok(network);
    }
    let group = ParamGroup::from_any_regexes(patterns)
        .expect("a path is made of names and dots, which are escaped");
    Ok(network.freeze_group(group))
}

/// Where the layers with parameters are.
#[derive(Default)]
struct Paths {
    /// Name of each field on the way down, and whether it is a variant of an enum, which no path of PyTorch has.
    path: Vec<(String, bool)>,
    /// PyTorch's path of every module with parameters in it, and Burn's.
    modules: BTreeMap<String, String>,
    /// The first part of every path.
    layers: Vec<String>,
}

impl ModuleVisitor for Paths {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path
            .push((name.to_owned(), container.starts_with("Enum:")));
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, _param: &Param<Tensor<D>>) {
        let (mut plain, mut full) = (String::new(), String::new());
        // The last part is the parameter itself.
        for (name, is_variant) in &self.path[..self.path.len().saturating_sub(1)] {
            let join = |path: &mut String| {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            };
            join(&mut full);
            if *is_variant {
                continue;
            }
            if plain.is_empty() && self.layers.last() != Some(name) {
                self.layers.push(name.clone());
            }
            join(&mut plain);
            // The shorter of Burn's paths, which lies above a variant.
            self.modules
                .entry(plain.clone())
                .or_insert_with(|| full.clone());
        }
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
