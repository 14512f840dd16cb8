//! A network layer by layer: kernel, output shape, parameters, multiply-adds, activation memory, receptive field.

use burn::tensor::{Device, Tensor};
use burn_zoo_blocks::Classifier;
use serde::Serialize;

use crate::trace::{Parameter, Step, id_of, parameters_of, steps};

/// A network layer by layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Name of the model.
    pub model: String,
    /// Channels, height and width of the image.
    pub input: [usize; 3],
    /// Classes of the head.
    pub classes: usize,
    /// The layers, in the order of the forward pass; layers that act in training only come last.
    pub layers: Vec<Layer>,
    /// Trainable parameters of the layers that an image goes through.
    pub parameters: usize,
    /// Trainable parameters of the layers that act in training only.
    pub aux_parameters: usize,
    /// Multiply-adds of convolutions and linear layers for one image.
    pub multiply_adds: u64,
    /// Bytes of the layers' outputs for one image, as 32-bit floats: what a training step keeps, about.
    pub activation_bytes: u64,
    /// Height and width, in pixels of the image, that a pixel of the last map sees, after branches have joined.
    pub receptive_field: Option<[usize; 2]>,
}

/// One layer of a [`Summary`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// Path of the module, as in a checkpoint (`layer1.0.conv1`); a pooling, which has none, goes by its kind.
    pub name: String,
    /// Type of the module: `Conv2d`, `BatchNorm`, `Linear`, `MaxPool2d`, …
    pub kind: String,
    /// Height × width of the kernel, its stride, and the groups where there are several.
    pub kernel: Option<String>,
    /// Shape of the output without the batch; `None` for a layer that acts in training only.
    pub output: Option<Vec<usize>>,
    /// Trainable parameters.
    pub parameters: usize,
    /// Multiply-adds for one image.
    pub multiply_adds: u64,
    /// Bytes of the output for one image, as 32-bit floats.
    pub activation_bytes: u64,
    /// Height and width, in pixels of the image, that a value of the output sees; padding may put a part of them
    /// outside. `None` where it sees all of the image whatever its size, and for a layer that acts in training only.
    pub receptive_field: Option<[usize; 2]>,
}

/// Follows one image of `input` (channels, height, width) through the network that `create` makes on a device.
///
/// Nothing is computed: `recorder` is a device made by `Device::capture()`. `name` goes into the summary.
///
/// # Panics
/// If `recorder` is a device of another kind, or the network cannot take such an image.
pub fn summarize<M: Classifier>(
    name: &str,
    create: impl FnOnce(&Device) -> M,
    input: [usize; 3],
    recorder: &Device,
) -> Summary {
    let mut outcome = None;
    let recording = recorder.capture_scope(|scope| {
        let model = create(recorder);
        let parameters = parameters_of(&model);
        let [channels, height, width] = input;
        let image = Tensor::<4>::zeros([1, channels, height, width], recorder);
        let start = id_of(image.clone());
        let classes = model.num_classes();
        let logits = id_of(model.forward(image));
        outcome = Some((parameters, start, classes));
        scope.complete([], [logits])
    });
    let (parameters, start, classes) = outcome.expect("a capture scope runs its closure");
    let recording =
        recording.expect("the logits are computed from an image that the recorder knows");

    let steps = steps(&recording.graph.operations, start, &parameters);
    // Not the last layer's: where branches join, the map sees what the widest of them does.
    let receptive_field = steps.iter().rev().find_map(|step| step.field.size());
    let layers = layers(&steps, &parameters);
    let (met, aux): (Vec<&Layer>, Vec<&Layer>) =
        layers.iter().partition(|layer| layer.output.is_some());
    let sum = |layers: &[&Layer]| layers.iter().map(|layer| layer.parameters).sum();
    Summary {
        model: name.to_owned(),
        input,
        classes,
        parameters: sum(&met),
        aux_parameters: sum(&aux),
        multiply_adds: layers.iter().map(|layer| layer.multiply_adds).sum(),
        activation_bytes: layers.iter().map(|layer| layer.activation_bytes).sum(),
        receptive_field,
        layers,
    }
}

/// Gathers the operations of each layer into one row.
fn layers(steps: &[Step], parameters: &[Parameter]) -> Vec<Layer> {
    let mut layers: Vec<Layer> = Vec::new();
    for step in steps {
        match (&step.owner, step.pooling) {
            (Some(owner), _) => {
                let known = layers.iter().position(|layer| layer.name == owner.path);
                let index = known.unwrap_or_else(|| {
                    layers.push(row(&owner.path, &owner.kind, parameters));
                    layers.len() - 1
                });
                let layer = &mut layers[index];
                layer.set_output(step);
                layer.multiply_adds += step.multiply_adds;
                layer.kernel = layer.kernel.take().or_else(|| step.kernel.clone());
            }
            (None, Some(pooling)) => {
                let mut layer = row(pooling, pooling, &[]);
                layer.kernel.clone_from(&step.kernel);
                layer.set_output(step);
                layers.push(layer);
            }
            // Activations, additions and reshapes are no layers of a paper's table, but a product is work.
            (None, None) if step.multiply_adds > 0 => {
                let mut layer = row("product", "Matmul", &[]);
                layer.multiply_adds = step.multiply_adds;
                layer.set_output(step);
                layers.push(layer);
            }
            (None, None) => {}
        }
    }
    for Parameter { owner, .. } in parameters {
        if layers.iter().all(|layer| layer.name != owner.path) {
            layers.push(row(&owner.path, &owner.kind, parameters));
        }
    }
    layers
}

/// A layer before any operation of it is met.
fn row(name: &str, kind: &str, parameters: &[Parameter]) -> Layer {
    let own = parameters
        .iter()
        .filter(|parameter| parameter.owner.path == name);
    Layer {
        name: name.to_owned(),
        kind: kind.to_owned(),
        kernel: None,
        output: None,
        parameters: own.map(|parameter| parameter.values).sum(),
        multiply_adds: 0,
        activation_bytes: 0,
        receptive_field: None,
    }
}

impl Layer {
    /// Takes what a step gives as the layer's output, until a later step of the layer gives something else.
    fn set_output(&mut self, step: &Step) {
        let values: usize = step.output[1..].iter().product();
        self.activation_bytes = (values * size_of::<f32>()) as u64;
        self.output = Some(step.output[1..].to_vec());
        self.receptive_field = step.field.size();
    }
}
