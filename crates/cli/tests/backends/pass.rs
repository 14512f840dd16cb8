//! One training step of a network on a device, from numbers that are the same everywhere.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::store::{BurnpackStore, ModuleSnapshot};
use burn::tensor::{Bytes, Device, Distribution, Gradients, Int, Tensor, TensorData};
use burn_zoo::trainer::Precision;
use burn_zoo::{Classifier, Model, cast_params, to_f32};

use crate::networks::{CLASSES, Network};

/// What both devices start from; made on Flex.
pub(crate) struct Start {
    init: fn(&Device) -> Model,
    weights: Bytes,
    images: TensorData,
    labels: Vec<i32>,
}

impl Start {
    /// In 16 bits layers keep the size of their input (He et al. 2015, initialisation): the small weights of the early papers
    /// would take narrow networks below the least number of float16.
    pub(crate) fn of(network: &Network, precision: Precision) -> Self {
        let device = Device::flex();
        device.seed(1);
        let mut store = BurnpackStore::from_bytes(None);
        let model = (network.init)(&device);
        let model = match precision {
            Precision::F32 => model,
            _ => model.map(&mut Even),
        };
        model
            .save_into(&mut store)
            .expect("memory takes the weights");
        // No two values are equal, so that no max-pooling has a tie that backends break differently.
        let mut shape = network.images;
        // Batch normalisation over few values multiplies roundings.
        if precision != Precision::F32 {
            shape[0] *= 8;
        }
        let images = Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device);
        let labels = (0..shape[0]).map(|image| (3 * image % CLASSES) as i32);
        Self {
            init: network.init,
            weights: store.get_bytes().expect("written above"),
            images: images.into_data(),
            labels: labels.collect(),
        }
    }

    /// Runs the step on `device`, in the numbers of `precision`.
    pub(crate) fn run(&self, device: &Device, precision: Precision) -> Pass {
        let mut model = (self.init)(device);
        let mut store = BurnpackStore::from_bytes(Some(self.weights.clone()));
        model
            .load_from(&mut store)
            .expect("the weights are of the same network");
        let images = |device| {
            let images = Tensor::<4>::from_data(self.images.clone(), device);
            match precision.narrow() {
                Some(dtype) => images.cast(dtype),
                None => images,
            }
        };
        let evaluated = |model: Model| {
            let model = match precision.narrow() {
                Some(dtype) => cast_params(model, dtype),
                None => model,
            };
            numbers(model.forward(images(device)))
        };
        let before = evaluated(model.clone());

        let model = model.train();
        let autodiff = device.clone().autodiff();
        let labels = Tensor::<1, Int>::from_data(self.labels.as_slice(), &autodiff);
        let answer = match precision.narrow() {
            Some(dtype) => cast_params(model.clone(), dtype).forward_train(images(&autodiff)),
            None => model.forward_train(images(&autodiff)),
        };
        let loss_of = |logits| {
            CrossEntropyLossConfig::new()
                .init(&autodiff)
                .forward(to_f32(logits), labels.clone())
        };
        let loss = answer
            .aux
            .into_iter()
            .fold(loss_of(answer.logits), |loss, aux| {
                loss + loss_of(aux.logits) * aux.weight
            });
        // As in training, so that small gradients do not vanish.
        let scale = if precision == Precision::F32 {
            1.0
        } else {
            1024.0
        };
        let mut gradients = Collected {
            gradients: &(loss.clone() * scale).backward(),
            scale,
            path: Vec::new(),
            found: Vec::new(),
        };
        model.visit(&mut gradients);
        let gradients = gradients.found;
        // Running statistics have moved.
        let after = evaluated(model.valid());
        Pass {
            logits: [before, after],
            loss: numbers(loss),
            gradients,
        }
    }
}

/// What came out of the step.
pub(crate) struct Pass {
    /// Class scores of the network in evaluation, before the step and with the running statistics after it.
    pub(crate) logits: [Vec<f32>; 2],
    pub(crate) loss: Vec<f32>,
    /// By the parameters' paths.
    pub(crate) gradients: Vec<(String, Vec<f32>)>,
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let values = to_f32(tensor).into_data();
    values.try_to_vec().expect("single precision")
}

struct Collected<'a> {
    gradients: &'a Gradients,
    /// What the loss was multiplied with.
    scale: f32,
    path: Vec<String>,
    found: Vec<(String, Vec<f32>)>,
}

impl ModuleVisitor for Collected<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad(self.gradients) {
            self.found
                .push((self.path.join("."), numbers(gradient / self.scale)));
        }
    }
}

/// Gives kernels and matrices the std √(2 / inputs).
struct Even;

impl ModuleMapper for Even {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let dims = tensor.dims();
        let inputs: usize = match D {
            1 => return Param::from_mapped_value(id, tensor, mapper),
            // Burn keeps a linear layer's weights as [in, out].
            2 => dims[0],
            _ => dims[1..].iter().product(),
        };
        let mean_square = tensor.clone().powi_scalar(2).mean().sqrt().reshape([1; D]);
        let tensor = tensor / mean_square * (2.0 / inputs as f64).sqrt();
        Param::from_mapped_value(id, tensor, mapper)
    }
}
