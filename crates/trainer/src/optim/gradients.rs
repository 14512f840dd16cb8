//! Gradients between the backward passes and the optimizer: accumulated, averaged and clipped.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Bool, Tensor};

use crate::config::TrainSection;

/// The gradients of the batches that make up one optimizer step.
pub(crate) struct GradAccumulator<M> {
    sum: GradientsAccumulator<M>,
    batches: usize,
}

impl<M: Module> Default for GradAccumulator<M> {
    fn default() -> Self {
        Self {
            sum: GradientsAccumulator::new(),
            batches: 0,
        }
    }
}

impl<M: Module> GradAccumulator<M> {
    /// Batches since the last step.
    pub(crate) fn batches(&self) -> usize {
        self.batches
    }

    pub(crate) fn add(&mut self, module: &M, gradients: GradientsParams) {
        self.sum.accumulate(module, gradients);
        self.batches += 1;
    }

    /// The mean over the batches, divided by the scale of their loss; the accumulator is empty afterwards.
    pub(crate) fn take(&mut self, module: &M, loss_scale: f64) -> GradientsParams {
        let mut gradients = self.sum.grads();
        let batches = std::mem::take(&mut self.batches);
        let factor = 1.0 / (batches as f64 * loss_scale);
        if factor != 1.0 {
            change(module, &mut gradients, Change::Scale(factor));
        }
        gradients
    }
}

/// Clips the gradients as the run file says.
pub(crate) fn clip<M: Module>(module: &M, gradients: &mut GradientsParams, section: &TrainSection) {
    if let Some(limit) = section.clip_value {
        change(module, gradients, Change::Clamp(limit));
    }
    if let Some(limit) = section.clip_norm {
        clip_norm(module, gradients, limit);
    }
}

/// `torch.nn.utils.clip_grad_norm_`: all gradients times `limit / (norm + 1e-6)` where that is below 1, `norm` being
/// that of all gradients together. The factor stays on the device.
fn clip_norm<M: Module>(module: &M, gradients: &mut GradientsParams, limit: f64) {
    let mut squares = Squares {
        gradients,
        sum: None,
    };
    module.visit(&mut squares);
    if let Some(sum) = squares.sum {
        let factor = (sum.sqrt() + 1e-6).recip().mul_scalar(limit).clamp_max(1.0);
        change(module, gradients, Change::Times(Box::new(factor)));
    }
}

/// Whether every gradient is finite. Waits for the device.
pub(crate) fn are_finite<M: Module>(module: &M, gradients: &GradientsParams) -> bool {
    let mut finite = Finite {
        gradients,
        all: None,
    };
    module.visit(&mut finite);
    finite.all.is_none_or(|all| all.into_scalar())
}

struct Finite<'a> {
    gradients: &'a GradientsParams,
    all: Option<Tensor<1, Bool>>,
}

impl ModuleVisitor for Finite<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let finite = gradient.is_finite().all();
            self.all = Some(match self.all.take() {
                Some(all) => all.bool_and(finite),
                None => finite,
            });
        }
    }
}

/// The sum of the squares of all gradients.
struct Squares<'a> {
    gradients: &'a GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let square = gradient.square().sum();
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + square,
                None => square,
            });
        }
    }
}

/// What is done to every gradient.
enum Change {
    Scale(f64),
    /// Into `-limit..=limit`.
    Clamp(f64),
    Times(Box<Tensor<1>>),
}

fn change<M: Module>(module: &M, gradients: &mut GradientsParams, change: Change) {
    module.visit(&mut Changer { gradients, change });
}

struct Changer<'a> {
    gradients: &'a mut GradientsParams,
    change: Change,
}

impl ModuleVisitor for Changer<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            return;
        };
        let changed = match &self.change {
            Change::Scale(factor) => gradient.mul_scalar(*factor),
            Change::Clamp(limit) => gradient.clamp(-limit, *limit),
            Change::Times(factor) => gradient * factor.as_ref().clone().unsqueeze(),
        };
        self.gradients.register(param.id, changed);
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    use super::*;

    fn section(text: &str) -> TrainSection {
        toml::from_str(&format!("epochs = 1\n{text}")).expect("a section")
    }

    fn linear() -> Linear {
        LinearConfig::new(1, 2).init(&Device::flex())
    }

    fn gradients(linear: &Linear, weight: [f32; 2], bias: [f32; 2]) -> GradientsParams {
        let device = Device::flex();
        let mut gradients = GradientsParams::new();
        gradients.register(
            linear.weight.id,
            Tensor::<2>::from_floats([weight], &device),
        );
        let id = linear.bias.as_ref().expect("it has one").id;
        gradients.register(id, Tensor::<1>::from_floats(bias, &device));
        gradients
    }

    fn values(linear: &Linear, gradients: &GradientsParams) -> Vec<f32> {
        let weight = gradients.get::<2>(linear.weight.id).expect("there");
        let bias = gradients
            .get::<1>(linear.bias.as_ref().expect("it has one").id)
            .expect("there");
        let mut values: Vec<f32> = weight.into_data().try_to_vec().expect("f32");
        values.extend(bias.into_data().try_to_vec::<f32>().expect("f32"));
        values
    }

    #[test]
    fn several_batches_are_averaged() {
        let linear = linear();
        let mut accumulated = GradAccumulator::default();
        accumulated.add(&linear, gradients(&linear, [1.0, 2.0], [0.0, -4.0]));
        accumulated.add(&linear, gradients(&linear, [3.0, 2.0], [1.0, 4.0]));
        assert_eq!(accumulated.batches(), 2);
        let mean = accumulated.take(&linear, 1.0);
        assert_eq!(values(&linear, &mean), [2.0, 2.0, 0.5, 0.0]);
        assert_eq!(accumulated.batches(), 0);
    }

    #[test]
    fn the_norm_is_that_of_all_gradients_together() {
        let linear = linear();
        let clipped = |text, weight, bias| {
            let mut accumulated = GradAccumulator::default();
            accumulated.add(&linear, gradients(&linear, weight, bias));
            let mut clipped = accumulated.take(&linear, 1.0);
            clip(&linear, &mut clipped, &section(text));
            values(&linear, &clipped)
        };
        // Norm 5, and each tensor alone below it.
        let both = clipped("clip_norm = 1.0", [3.0, 0.0], [0.0, 4.0]);
        for (found, expected) in both.into_iter().zip([0.6, 0.0, 0.0, 0.8]) {
            assert!((found - expected).abs() < 1e-5, "{found}");
        }
        let small = clipped("clip_norm = 6.0", [3.0, 0.0], [0.0, 4.0]);
        assert_eq!(small, [3.0, 0.0, 0.0, 4.0]);
        let by_value = clipped("clip_value = 2.0", [3.0, -1.0], [-5.0, 0.5]);
        assert_eq!(by_value, [2.0, -1.0, -2.0, 0.5]);
    }
}
