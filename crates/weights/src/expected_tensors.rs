//! The tensors of a network under the names that a file has for them.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Bool, Int, Shape, Tensor};

/// How a file names tensors and lays out linear layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// Burn's fields (`bn1.gamma`), linear weights `[inputs, outputs]`.
    Burn,
    /// PyTorch's state dict (`bn1.weight`), linear weights `[outputs, inputs]`.
    PyTorch,
}

/// A parameter or a running statistic of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedTensor {
    /// Its name.
    pub name: String,
    /// Its shape, as the file has it.
    pub shape: Vec<usize>,
}

/// All tensors of a network, in the order of its fields. Weights that were never used stay undrawn.
#[must_use]
pub fn expected_tensors<M: Module>(network: &M, naming: Naming) -> Vec<ExpectedTensor> {
    let mut inventory = Inventory {
        naming,
        path: Vec::new(),
        tensors: Vec::new(),
    };
    network.visit(&mut inventory);
    inventory.tensors
}

struct Inventory {
    naming: Naming,
    /// Name of each field on the way down, and the type that holds it.
    path: Vec<(String, String)>,
    tensors: Vec<ExpectedTensor>,
}

impl Inventory {
    fn add(&mut self, shape: Shape) {
        let mut shape = shape.to_vec();
        // A `Vec` on the way holds parts, and has none of its own.
        let mut holders = self.path.iter().rev().map(|(_, holder)| holder.as_str());
        let holder = holders
            .find(|holder| holder.starts_with("Struct:"))
            .unwrap_or_default();
        let mut names: Vec<&str> = self
            .path
            .iter()
            .filter(|(_, holder)| !holder.starts_with("Enum:"))
            .map(|(name, _)| name.as_str())
            .collect();
        if let (Naming::PyTorch, Some(leaf)) = (self.naming, names.last_mut()) {
            match (holder, *leaf) {
                ("Struct:BatchNorm", "gamma") => *leaf = "weight",
                ("Struct:BatchNorm", "beta") => *leaf = "bias",
                ("Struct:Linear", "weight") => shape.reverse(),
                _ => {}
            }
        }
        let name = names.join(".");
        self.tensors.push(ExpectedTensor { name, shape });
    }
}

impl ModuleVisitor for Inventory {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.push((name.to_owned(), container.to_owned()));
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.add(param.lazy_shape());
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.add(param.lazy_shape());
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.add(param.lazy_shape());
    }
}
