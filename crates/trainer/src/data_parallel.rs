//! Synchronous data parallelism: each device computes the gradients of a part of every batch.
//!
//! The network and its optimizer live on the first device. In every step the others get a copy of its weights and running
//! statistics and return their gradients; the optimizer sees the mean over all images, as if one device had seen them all.
//! Weights and gradients travel as one flat tensor through this process: a device on another machine need not reach the
//! others.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use burn_zoo_blocks::Classifier;
use burn_zoo_data::Batch;

use crate::TrainError;
use crate::loss::Targets;
use crate::precision::Precision;
use crate::seed::step_seed;
use crate::step::{StepOutput, forward_backward};

/// The devices of a run, that of the network first.
#[derive(Clone)]
pub(crate) struct DeviceGroup {
    plain: Vec<Device>,
    /// Their autodiff twins.
    with_gradients: Vec<Device>,
}

impl DeviceGroup {
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
        let with_gradients = plain.iter().map(|device| {
            let device = device.clone().autodiff();
            match gradient_checkpointing {
                true => device.gradient_checkpointing(),
                false => device,
            }
        });
        Ok(Self {
            with_gradients: with_gradients.collect(),
            plain,
        })
    }

    /// The devices on which the parts of a batch must lie.
    pub(crate) fn with_gradients(&self) -> &[Device] {
        &self.with_gradients
    }

    /// Seeds every device's generator, each with another seed, the first with `seed` itself.
    pub(crate) fn seed(&self, seed: u64) {
        self.plain[0].seed(seed);
        for (rank, device) in self.plain.iter().enumerate().skip(1) {
            device.seed(step_seed(seed, rank));
        }
    }

    /// The output of each device for its part of the batch, and the gradients of the mean loss over all images, times
    /// `loss_scale`.
    pub(crate) fn forward_backward<M: Classifier + 'static>(
        &self,
        model: &M,
        parts: Vec<(Batch, Targets)>,
        precision: Precision,
        loss_scale: f64,
    ) -> (Vec<StepOutput>, GradientsParams) {
        let step = |model: &M, (batch, targets): (Batch, Targets)| {
            forward_backward(model, batch, &targets, precision, loss_scale)
        };
        let counts: Vec<usize> = parts
            .iter()
            .map(|(batch, _)| batch.labels.dims()[0])
            .collect();
        let images: usize = counts.iter().sum();
        let fraction = |count: usize| count as f64 / images as f64;
        let mut parts = parts.into_iter();
        let first = parts.next().expect("a batch has an image");
        let mut others = Vec::new();
        if parts.len() > 0 {
            let plain = model.valid();
            let weights = flatten(&plain);
            // The first device comes last: a CPU computes at once, where others are only told what to do.
            let rest = parts.zip(&self.plain[1..]);
            others = rest
                .map(|(part, device)| step(&replica(&plain, &weights, device), part))
                .collect();
        }
        let (output, mut gradients) = step(model, first);
        let mut outputs = vec![output];
        if !others.is_empty() {
            let flat: Vec<FlatGradients> = others
                .iter()
                .zip(&self.plain[1..])
                .map(|((_, gradients), device)| FlatGradients::of(model, gradients, device))
                .collect();
            // Only now does anything wait.
            let mut mean = MeanGradients {
                gradients: &mut gradients,
                own: fraction(counts[0]),
                others: None,
                present: Vec::new(),
                param: 0,
                offset: 0,
            };
            for (flat, count) in flat.into_iter().zip(&counts[1..]) {
                mean.add(flat, fraction(*count), &self.plain[0]);
            }
            model.visit(&mut mean);
            outputs.extend(others.into_iter().map(|(output, _)| output));
        }
        (outputs, gradients)
    }
}

/// All parameters of a network on a plain device, in their order.
fn flatten<M: Module>(network: &M) -> TensorData {
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

/// `network`, which lies on a plain device, with `weights` on another one, ready to train there.
fn replica<M: Classifier + 'static>(network: &M, weights: &TensorData, device: &Device) -> M {
    let mut assign = Assign {
        weights: Tensor::from_data(weights.clone(), device),
        offset: 0,
    };
    // `valid` separates it from the running statistics of the network, which a clone would share.
    network.valid().map(&mut assign).train()
}

struct Assign {
    weights: Tensor<1>,
    offset: usize,
}

impl ModuleMapper for Assign {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let shape = tensor.shape();
        let count = shape.num_elements();
        let own = self.weights.clone().narrow(0, self.offset, count);
        self.offset += count;
        Param::from_mapped_value(id, own.reshape(shape), mapper)
    }
}

/// The gradients of a replica as one flat tensor, in the order of the network's parameters; zeros where there is none.
struct FlatGradients {
    values: Tensor<1>,
    /// Which parameters have one: a unit that the step left out has none.
    present: Vec<bool>,
}

impl FlatGradients {
    fn of<M: Module>(network: &M, gradients: &GradientsParams, device: &Device) -> Self {
        let mut gather = Gather {
            gradients,
            device,
            parts: Vec::new(),
            present: Vec::new(),
        };
        network.visit(&mut gather);
        Self {
            values: Tensor::cat(gather.parts, 0),
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
struct MeanGradients<'a> {
    gradients: &'a mut GradientsParams,
    /// The first device's fraction of the images.
    own: f64,
    /// The sum of the other devices' gradients, each times its fraction of the images, on the first device.
    others: Option<Tensor<1>>,
    present: Vec<bool>,
    /// Index of the next parameter, and of its first value in the flat tensor.
    param: usize,
    offset: usize,
}

impl MeanGradients<'_> {
    fn add(&mut self, flat: FlatGradients, fraction: f64, device: &Device) {
        let values = Tensor::<1>::from_data(flat.values.into_data(), device).mul_scalar(fraction);
        self.others = Some(match self.others.take() {
            Some(sum) => sum + values,
            None => values,
        });
        if self.present.is_empty() {
            self.present = flat.present;
        } else {
            for (any, one) in self.present.iter_mut().zip(flat.present) {
                *any |= one;
            }
        }
    }
}

impl ModuleVisitor for MeanGradients<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.is_require_grad() {
            return;
        }
        let shape = param.shape();
        let count = shape.num_elements();
        let (param_index, offset) = (self.param, self.offset);
        self.param += 1;
        self.offset += count;
        let others = self.others.as_ref().filter(|_| self.present[param_index]);
        let others = others.map(|flat| flat.clone().narrow(0, offset, count).reshape(shape));
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

    /// Two layers, of which an image with a bright first pixel leaves one out.
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

    fn network() -> Sometimes {
        let device = Device::flex();
        let network = Sometimes {
            always: LinearConfig::new(4, 3).init(&device),
            sometimes: LinearConfig::new(3, 3).init(&device),
        };
        network.train()
    }

    fn group(devices: usize) -> DeviceGroup {
        let others = vec![Device::flex(); devices - 1];
        DeviceGroup::new(&Device::flex(), &others, Precision::F32, false).expect("single precision")
    }

    /// Parts of `counts` images each.
    fn parts(images: &Tensor<4>, counts: &[usize]) -> Vec<(Batch, Targets)> {
        let mut from = 0;
        let parts = counts.iter().map(|&count| {
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
        parts.collect()
    }

    fn gradients(network: &Sometimes, images: &Tensor<4>, counts: &[usize]) -> [Vec<f32>; 2] {
        let parts = parts(images, counts);
        let (outputs, gradients) =
            group(counts.len()).forward_backward(network, parts, Precision::F32, 8.0);
        assert_eq!(outputs.len(), counts.len());
        [&network.always, &network.sometimes].map(|layer| {
            let gradient = gradients.get::<2>(layer.weight.id);
            gradient.map_or(Vec::new(), |gradient| {
                gradient.into_data().try_to_vec().expect("f32")
            })
        })
    }

    #[test]
    fn parts_of_any_size_give_the_gradients_of_the_whole() {
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
