//! The exponential moving average of a network's weights, which often scores higher than the weights themselves.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// `[ema]`: average the weights over the steps, and score, choose and save the average too.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmaSection {
    /// Weight of the average so far; the new weights have the rest.
    pub decay: f64,
    /// Let the decay rise to its value as `(1 + steps) / (10 + steps)`, so that the first weights are soon forgotten.
    #[serde(default = "default_warmup")]
    pub warmup: bool,
}

fn default_warmup() -> bool {
    true
}

impl EmaSection {
    /// The decay of the average after optimizer step `step`, counted from 1.
    pub(crate) fn decay_at(&self, step: usize) -> f64 {
        let step = step as f64;
        match self.warmup {
            true => self.decay.min((1.0 + step) / (10.0 + step)),
            false => self.decay,
        }
    }
}

/// Moves `average` towards `network`, both on the plain device: `average ← decay·average + (1 − decay)·network`.
///
/// The running statistics of batch normalisation are averaged as the weights are (timm's `ModelEmaV3`): those of the
/// network belong to its weights, and would be wrong for the average's.
pub(crate) fn update<M: Module>(average: M, network: &M, decay: f64) -> M {
    let mut values = Values(GradientsParams::new());
    network.visit(&mut values);
    average.map(&mut Average {
        network: values.0,
        decay,
    })
}

/// The tensors of a network by their identifiers.
struct Values(GradientsParams);

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.register(param.id, param.val());
    }
}

struct Average {
    network: GradientsParams,
    decay: f64,
}

impl ModuleMapper for Average {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(new) = self.network.remove::<D>(param.id) else {
            return param;
        };
        let (id, old, mapper) = param.consume();
        let averaged = old.mul_scalar(self.decay) + new.mul_scalar(1.0 - self.decay);
        Param::from_mapped_value(id, averaged, mapper)
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{BatchNorm, BatchNormConfig};
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn weights_and_statistics_move_and_the_network_stays() {
        let device = Device::flex();
        let network: BatchNorm = BatchNormConfig::new(2).init(&device.clone().autodiff());
        let network = network.train();
        let mut average = network.valid();
        // One batch moves the statistics: mean 3 by a tenth.
        let images = Tensor::<2>::from_floats([[2.0, 3.0], [4.0, 3.0]], &device.autodiff());
        network.forward(images);
        let before = average.running_mean.value();
        assert_eq!(
            before.into_data().try_to_vec::<f32>().expect("f32"),
            [0.0, 0.0]
        );
        average = update(average, &network.valid(), 0.75);
        let mean = |norm: &BatchNorm| -> Vec<f32> {
            norm.running_mean
                .value()
                .into_data()
                .try_to_vec()
                .expect("f32")
        };
        assert!(
            mean(&average).iter().all(|m| (m - 0.075).abs() < 1e-6),
            "{:?}",
            mean(&average)
        );
        assert!(
            mean(&network.valid())
                .iter()
                .all(|m| (m - 0.3).abs() < 1e-6)
        );
        let gamma = average.gamma.val().into_data();
        assert_eq!(gamma.try_to_vec::<f32>().expect("f32"), [1.0, 1.0]);
    }

    #[test]
    fn the_decay_rises_to_its_value() {
        let section = EmaSection {
            decay: 0.9,
            warmup: true,
        };
        assert!((section.decay_at(1) - 2.0 / 11.0).abs() < 1e-12);
        assert!((section.decay_at(1000) - 0.9).abs() < 1e-12);
        let flat = EmaSection {
            warmup: false,
            ..section
        };
        assert!((flat.decay_at(1) - 0.9).abs() < 1e-12);
    }
}
