//! One training step of a network on a device, from numbers that are the same everywhere.

use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::store::{BurnpackStore, ModuleSnapshot};
use burn::tensor::{Bytes, Device, Distribution, Gradients, Int, Tensor, TensorData};
use burn_zoo::trainer::Precision;
use burn_zoo::{Classifier, Model, ModelConfig, narrowed, widened};

use crate::networks::{CLASSES, Network};

/// What both devices start from; made on Flex.
pub(crate) struct Start {
    config: ModelConfig,
    weights: Bytes,
    images: TensorData,
    labels: Vec<i32>,
}

impl Start {
    pub(crate) fn of(network: &Network) -> Self {
        let device = Device::flex();
        device.seed(1);
        let config = network.config();
        let mut store = BurnpackStore::from_bytes(None);
        config
            .init(&device)
            .save_into(&mut store)
            .expect("memory takes the weights");
        // No two values are equal, so that no max-pooling has a tie that backends break differently.
        let images = Tensor::<4>::random(network.images, Distribution::Normal(0.0, 1.0), &device);
        let labels = (0..network.images[0]).map(|picture| (3 * picture % CLASSES) as i32);
        Self {
            config,
            weights: store.get_bytes().expect("written above"),
            images: images.into_data(),
            labels: labels.collect(),
        }
    }

    /// Runs the step on `device`, in the numbers of `precision`.
    pub(crate) fn run(&self, device: &Device, precision: Precision) -> Pass {
        let mut model = self.config.init(device);
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
                Some(dtype) => narrowed(model, dtype),
                None => model,
            };
            numbers(model.forward(images(device)))
        };
        let before = evaluated(model.clone());

        let model = model.train();
        let autodiff = device.clone().autodiff();
        let labels = Tensor::<1, Int>::from_data(self.labels.as_slice(), &autodiff);
        let answer = match precision.narrow() {
            Some(dtype) => narrowed(model.clone(), dtype).forward_train(images(&autodiff)),
            None => model.forward_train(images(&autodiff)),
        };
        let loss_of = |logits| {
            CrossEntropyLossConfig::new()
                .init(&autodiff)
                .forward(widened(logits), labels.clone())
        };
        let loss = answer
            .aux
            .into_iter()
            .fold(loss_of(answer.logits), |loss, aux| {
                loss + loss_of(aux.logits) * aux.weight
            });
        let mut gradients = Collected {
            gradients: &loss.backward(),
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
    let values = widened(tensor).into_data();
    values.try_to_vec().expect("single precision")
}

struct Collected<'a> {
    gradients: &'a Gradients,
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
            self.found.push((self.path.join("."), numbers(gradient)));
        }
    }
}
