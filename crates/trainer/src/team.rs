//! Several devices that learn as one: each computes the gradients of its share of a batch.
//!
//! The network and its optimizer live on the first device. In every step the others get a copy of its weights and of its
//! running statistics, and give their gradients back; the optimizer sees the mean over all pictures, as if one device had
//! seen them all. Weights and gradients travel as one row of numbers, through this process: a device on another machine
//! need not reach the others.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use burn::train::ClassificationOutput;
use burn_zoo_blocks::Classifier;
use burn_zoo_data::Batch;

use crate::TrainError;
use crate::loss::Targets;
use crate::precision::Precision;
use crate::seed::step_seed;
use crate::step::Learnable;

/// The devices of a run, that of the network first.
pub(crate) struct Team {
    plain: Vec<Device>,
    /// Their twins that record gradients.
    learning: Vec<Device>,
}

impl Team {
    /// # Errors
    /// Where a device cannot compute in `precision`.
    pub(crate) fn new(
        first: &Device,
        others: &[Device],
        precision: Precision,
        gradient_checkpointing: bool,
    ) -> Result<Self, TrainError> {
        let plain: Vec<Device> = [first].into_iter().chain(others).cloned().collect();
        for device in &plain {
            precision.check(device).map_err(|message| {
                TrainError::Mismatch(format!("run file, key `train.precision`: {message}"))
            })?;
        }
        let learning = plain.iter().map(|device| {
            let device = device.clone().autodiff();
            match gradient_checkpointing {
                true => device.gradient_checkpointing(),
                false => device,
            }
        });
        Ok(Self {
            learning: learning.collect(),
            plain,
        })
    }

    /// Where shares of a batch must lie.
    pub(crate) fn learning(&self) -> &[Device] {
        &self.learning
    }

    /// Seeds every device's generator, each with another seed, the first with `seed` itself.
    pub(crate) fn seed(&self, seed: u64) {
        self.plain[0].seed(seed);
        for (place, device) in self.plain.iter().enumerate().skip(1) {
            device.seed(step_seed(seed, place));
        }
    }

    /// What each device answers for its share, and the gradients of the mean loss over all pictures, times `loss_scale`.
    pub(crate) fn learn<M: Classifier + 'static>(
        &self,
        network: &Learnable<M>,
        shares: Vec<(Batch, Targets)>,
        precision: Precision,
        loss_scale: f64,
    ) -> (Vec<ClassificationOutput>, GradientsParams) {
        let counts: Vec<usize> = shares
            .iter()
            .map(|(batch, _)| batch.labels.dims()[0])
            .collect();
        let pictures: usize = counts.iter().sum();
        let mut shares = shares.into_iter();
        let (batch, targets) = shares.next().expect("a batch has a picture");
        let mut others = Vec::new();
        if shares.len() > 0 {
            let plain = network.valid();
            let weights = weights_of(&plain);
            // The first device comes last: a CPU computes at once, where others are only told what to do.
            others = shares
                .zip(&self.plain[1..])
                .map(|((batch, targets), device)| {
                    copy(&plain, &weights, device).learn(batch, &targets, precision, loss_scale)
                })
                .collect();
        }
        let own = network.learn(batch, &targets, precision, loss_scale);
        let share = |count: usize| count as f64 / pictures as f64;
        let mut gradients = own.grads;
        if !others.is_empty() {
            let rows = others.iter().zip(&self.plain[1..]);
            let rows: Vec<Row> = rows
                .map(|(output, device)| Row::of(network, &output.grads, device))
                .collect();
            // Only now is anything waited for.
            let mut sum = Mean {
                gradients: &mut gradients,
                own: share(counts[0]),
                others: None,
                present: Vec::new(),
                at: 0,
                offset: 0,
            };
            for (row, count) in rows.into_iter().zip(&counts[1..]) {
                sum.add(row, share(*count), &self.plain[0]);
            }
            network.visit(&mut sum);
        }
        let others = others.into_iter().map(|output| output.item);
        ([own.item].into_iter().chain(others).collect(), gradients)
    }
}

/// All numbers of a network on a plain device, in the order of its parameters.
fn weights_of<M: Module>(network: &M) -> TensorData {
    let mut values = Values(Vec::new());
    network.visit(&mut values);
    Tensor::cat(values.0, 0).into_data()
}

struct Values(Vec<Tensor<1>>);

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.val().reshape([-1]));
    }
}

/// `network`, which lies on a plain device, with `weights` on another one, ready to learn there.
fn copy<M: Classifier + 'static>(
    network: &Learnable<M>,
    weights: &TensorData,
    device: &Device,
) -> Learnable<M> {
    let mut onto = Onto {
        weights: Tensor::from_data(weights.clone(), device),
        offset: 0,
    };
    // `valid` parts it from the running statistics of the network, which a clone would share.
    network.valid().map(&mut onto).train()
}

struct Onto {
    weights: Tensor<1>,
    offset: usize,
}

impl ModuleMapper for Onto {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let shape = tensor.shape();
        let count = shape.num_elements();
        let own = self.weights.clone().narrow(0, self.offset, count);
        self.offset += count;
        Param::from_mapped_value(id, own.reshape(shape), mapper)
    }
}

/// The gradients of a copy as one row, in the order of the network's parameters; zeros stand where there is none.
struct Row {
    numbers: Tensor<1>,
    /// Which parameters have one: a unit that the step left out has none.
    present: Vec<bool>,
}

impl Row {
    fn of<M: Module>(network: &M, gradients: &GradientsParams, device: &Device) -> Self {
        let mut gather = Gather {
            gradients,
            device,
            parts: Vec::new(),
            present: Vec::new(),
        };
        network.visit(&mut gather);
        Self {
            numbers: Tensor::cat(gather.parts, 0),
            present: gather.present,
        }
    }
}

struct Gather<'a> {
    gradients: &'a GradientsParams,
    device: &'a Device,
    parts: Vec<Tensor<1>>,
    present: Vec<bool>,
}

impl ModuleVisitor for Gather<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.is_require_grad() {
            return;
        }
        let gradient = self.gradients.get::<D>(param.id);
        self.present.push(gradient.is_some());
        self.parts.push(match gradient {
            Some(gradient) => gradient.reshape([-1]),
            None => Tensor::zeros([param.shape().num_elements()], self.device),
        });
    }
}

/// Turns the first device's gradients into the mean of all.
struct Mean<'a> {
    gradients: &'a mut GradientsParams,
    /// The first device's share of the pictures.
    own: f64,
    /// The other devices' gradients, each times its share, on the first device.
    others: Option<Tensor<1>>,
    present: Vec<bool>,
    at: usize,
    offset: usize,
}

impl Mean<'_> {
    fn add(&mut self, row: Row, share: f64, device: &Device) {
        let numbers = Tensor::<1>::from_data(row.numbers.into_data(), device).mul_scalar(share);
        self.others = Some(match self.others.take() {
            Some(sum) => sum + numbers,
            None => numbers,
        });
        if self.present.is_empty() {
            self.present = row.present;
        } else {
            for (any, one) in self.present.iter_mut().zip(row.present) {
                *any |= one;
            }
        }
    }
}

impl ModuleVisitor for Mean<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.is_require_grad() {
            return;
        }
        let shape = param.shape();
        let count = shape.num_elements();
        let (at, offset) = (self.at, self.offset);
        self.at += 1;
        self.offset += count;
        let others = self.others.as_ref().filter(|_| self.present[at]);
        let others = others.map(|row| row.clone().narrow(0, offset, count).reshape(shape));
        let own = self.gradients.remove::<D>(param.id);
        let own = own.map(|own| own.mul_scalar(self.own));
        let mean = match (own, others) {
            (Some(own), Some(others)) => own + others,
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => return,
        };
        self.gradients.register(param.id, mean);
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::{Distribution, Int};

    use super::*;

    /// Two layers, of which a picture with a bright first pixel leaves one out.
    #[derive(Module, Debug)]
    struct Sometimes {
        always: Linear,
        sometimes: Linear,
    }

    impl Classifier for Sometimes {
        fn forward(&self, images: Tensor<4>) -> Tensor<2> {
            let scores = self.always.forward(self.embed(images.clone()));
            let first: f32 = images.slice([0..1, 0..1, 0..1, 0..1]).into_scalar();
            match first > 100.0 {
                true => scores,
                false => self.sometimes.forward(scores),
            }
        }

        fn embed(&self, images: Tensor<4>) -> Tensor<2> {
            images.flatten(1, 3)
        }

        fn num_classes(&self) -> usize {
            3
        }

        fn with_head(self, _: usize, _: &Device) -> Self {
            self
        }
    }

    fn network() -> Learnable<Sometimes> {
        let device = Device::flex();
        let model = Sometimes {
            always: LinearConfig::new(4, 3).init(&device),
            sometimes: LinearConfig::new(3, 3).init(&device),
        };
        Learnable { model }.train()
    }

    fn team(devices: usize) -> Team {
        let others = vec![Device::flex(); devices - 1];
        Team::new(&Device::flex(), &others, Precision::F32, false).expect("single precision")
    }

    /// Shares of `counts` pictures each.
    fn shares(images: &Tensor<4>, counts: &[usize]) -> Vec<(Batch, Targets)> {
        let mut from = 0;
        let shares = counts.iter().map(|&count| {
            let labels: Vec<i64> = (from..from + count).map(|i| i as i64 % 3).collect();
            let labels = Tensor::<1, Int>::from_data(
                TensorData::new(labels, [count]),
                &Device::flex().autodiff(),
            );
            let images = Tensor::from_data(
                images.clone().narrow(0, from, count).into_data(),
                &Device::flex().autodiff(),
            );
            from += count;
            let batch = Batch {
                images,
                labels: labels.clone(),
                indices: Vec::new(),
            };
            (batch, Targets::Classes(labels))
        });
        shares.collect()
    }

    fn gradients(
        network: &Learnable<Sometimes>,
        images: &Tensor<4>,
        counts: &[usize],
    ) -> [Vec<f32>; 2] {
        let shares = shares(images, counts);
        let (outputs, gradients) = team(counts.len()).learn(network, shares, Precision::F32, 8.0);
        assert_eq!(outputs.len(), counts.len());
        [&network.model.always, &network.model.sometimes].map(|layer| {
            let gradient = gradients.get::<2>(layer.weight.id);
            gradient.map_or(Vec::new(), |gradient| {
                gradient.into_data().try_to_vec().expect("f32")
            })
        })
    }

    #[test]
    fn shares_of_any_size_give_the_gradients_of_the_whole() {
        let network = network();
        let random = Distribution::Normal(0.0, 1.0);
        let images = Tensor::<4>::random([7, 1, 2, 2], random, &Device::flex());
        let whole = gradients(&network, &images, &[7]);
        for counts in [&[4, 3][..], &[3, 2, 2], &[1, 6]] {
            let shared = gradients(&network, &images, counts);
            for (whole, shared) in whole.iter().flatten().zip(shared.iter().flatten()) {
                assert!(
                    (whole - shared).abs() < 1e-5,
                    "{counts:?}: {whole} {shared}"
                );
            }
        }
    }

    #[test]
    fn a_layer_that_one_device_leaves_out_has_the_gradient_of_the_others() {
        let network = network();
        let quiet = Tensor::<4>::ones([2, 1, 2, 2], &Device::flex());
        let bright = quiet.clone() * 200.0;
        let [_, alone] = gradients(&network, &quiet, &[2]);
        assert!(alone.iter().any(|value| *value != 0.0));
        for images in [
            Tensor::cat(vec![quiet.clone(), bright.clone()], 0),
            Tensor::cat(vec![bright.clone(), quiet], 0),
        ] {
            let [_, half] = gradients(&network, &images, &[2, 2]);
            assert_eq!(half.len(), alone.len());
        }
        let [_, nothing] = gradients(
            &network,
            &Tensor::cat(vec![bright.clone(), bright], 0),
            &[2, 2],
        );
        assert!(nothing.is_empty(), "{nothing:?}");
    }
}
