//! The formula that fills models and inputs. `xtask/golden/make_golden.py` is its twin: change both or neither.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Shape, Tensor, TensorData};

use super::key::Path;

/// The value of element `index` of the tensor called `key`: uniform in [−1, 1), in steps of 2⁻²³ (SplitMix64).
pub(super) fn uniform(key: &str, index: usize) -> f64 {
    let mut mixed = fnv1a(key).wrapping_add((index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    (mixed >> 40) as f64 / f64::from(1 << 23) - 1.0
}

/// The 64-bit FNV-1a hash of a text.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

/// A tensor of uniform values in [−1, 1) that depend on `key` and the index alone.
#[must_use]
pub fn tensor<const D: usize>(key: &str, shape: [usize; D], device: &Device) -> Tensor<D> {
    let values = (0..shape.iter().product())
        .map(|index| uniform(key, index) as f32)
        .collect();
    Tensor::from_data(TensorData::new(values, Shape::from(shape)), device)
}

/// The module with every parameter and running statistic set by the formula.
///
/// Weights of rank two and more are uniform with variance `gain / fan_in`; the rest stays near the value that a layer
/// starts from.
#[must_use]
pub fn fill<M: Module>(module: M, gain: f64) -> M {
    module.map(&mut Fill {
        gain,
        path: Path::default(),
    })
}

struct Fill {
    gain: f64,
    path: Path,
}

impl Fill {
    /// Mean and half-width of the values of a tensor of PyTorch's `shape`.
    fn range(&self, key: &str, shape: &[usize]) -> (f64, f64) {
        let name = key.rsplit('.').next().unwrap_or(key);
        match (shape.len(), name) {
            (1, "weight") => (1.0, 0.25),
            (1, "running_var") => (1.0, 0.5),
            (1, "coefficient") => (0.25, 0.125),
            (1, _) => (0.0, 0.125),
            _ => {
                let fan_in: usize = shape[1..].iter().product();
                (0.0, (3.0 * self.gain / fan_in as f64).sqrt())
            }
        }
    }
}

impl ModuleMapper for Fill {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let key = self.path.key();
        let shape = param.lazy_shape();
        let (torch_shape, indices) = self.path.layout(&shape);
        let (mean, half_width) = self.range(&key, &torch_shape);
        let value = |index| (mean + half_width * uniform(&key, index)) as f32;
        let values = indices.into_iter().map(value).collect();
        param.map(|old| {
            let filled = Tensor::from_data(TensorData::new(values, shape), &old.device());
            if old.is_require_grad() {
                filled.require_grad()
            } else {
                filled
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::LinearConfig;

    use super::*;

    #[test]
    fn the_formula_gives_the_values_that_python_gives() {
        // Printed by `make_golden.py --formula`.
        assert_eq!(fnv1a("conv1.weight"), 7_611_815_837_976_482_388);
        assert_eq!(
            [0, 1, 1000].map(|index| uniform("conv1.weight", index)),
            [
                0.0901498794555664,
                0.49032342433929443,
                0.023009538650512695
            ]
        );
    }

    #[test]
    fn the_matrix_of_a_linear_layer_is_filled_in_pytorchs_order() {
        let linear = fill(LinearConfig::new(3, 2).init(&Device::flex()), 1.0);
        let values = linear
            .weight
            .val()
            .into_data()
            .try_to_vec::<f32>()
            .expect("f32");
        let torch = |output: usize, input: usize| uniform("weight", output * 3 + input) as f32;
        let expected = [
            torch(0, 0),
            torch(1, 0),
            torch(0, 1),
            torch(1, 1),
            torch(0, 2),
            torch(1, 2),
        ];
        assert_eq!(values, expected);
    }
}
