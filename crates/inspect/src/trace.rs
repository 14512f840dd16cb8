//! A forward pass recorded instead of computed: which operation reads which parameter, and what shape it gives.

mod field;

use std::collections::HashMap;

use burn::backend::Capture;
use burn::backend::ir::{
    ActivationOperationIr, BaseOperationIr, FloatOperationIr, ModuleOperationIr,
    NumericOperationIr, OperationIr, TensorId,
};
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

pub(crate) use field::Field;

/// The layer that a parameter belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Path of the module, as in a checkpoint: `layer1.0.conv1`.
    pub(crate) path: String,
    /// Type of the module: `Conv2d`.
    pub(crate) kind: String,
}

/// A trainable parameter of a network that lives on a recording device.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) id: TensorId,
    pub(crate) owner: Owner,
    /// Number of trainable values: 0 for a buffer.
    pub(crate) values: usize,
}

/// The identity of a tensor in a recording.
///
/// # Panics
/// If the tensor does not live on a recording device.
pub(crate) fn id_of<const D: usize>(tensor: Tensor<D>) -> TensorId {
    tensor
        .try_into_primitive::<Capture>()
        .expect("the summary's tensors live on its recorder")
        .id()
}

/// The parameters and buffers of a network, in the order of its fields.
pub(crate) fn parameters_of<M: Module>(model: &M) -> Vec<Parameter> {
    let mut inventory = Inventory::default();
    model.visit(&mut inventory);
    inventory.parameters
}

#[derive(Default)]
struct Inventory {
    /// Name of each field on the way down, and the type that holds it.
    path: Vec<(String, String)>,
    parameters: Vec<Parameter>,
}

impl ModuleVisitor for Inventory {
    // The variant of an enum says which network this is, which the model's name has said.
    fn enter_module(&mut self, name: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.path.push((name.to_owned(), container.to_owned()));
        }
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.path.pop();
        }
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(((leaf, container), parents)) = self.path.split_last() else {
            return;
        };
        let path: Vec<&str> = parents.iter().map(|(name, _)| name.as_str()).collect();
        let kind = container.trim_start_matches("Struct:");
        let is_buffer = matches!(leaf.as_str(), "running_mean" | "running_var");
        let tensor = param.val();
        self.parameters.push(Parameter {
            values: if is_buffer {
                0
            } else {
                tensor.dims().iter().product()
            },
            id: id_of(tensor),
            owner: Owner {
                path: path.join("."),
                kind: kind.to_owned(),
            },
        });
    }
}

/// An operation that an image went through.
#[derive(Debug)]
pub(crate) struct Step {
    /// The layer whose parameters it reads.
    pub(crate) owner: Option<Owner>,
    /// What it is, where it is a layer without parameters.
    pub(crate) pooling: Option<&'static str>,
    pub(crate) kernel: Option<String>,
    /// Shape of its result, the batch first.
    pub(crate) output: Vec<usize>,
    pub(crate) multiply_adds: u64,
    /// What a value of the result sees of the image.
    pub(crate) field: Field,
    /// The earlier steps whose results it reads; `None` is the image itself.
    pub(crate) reads: Vec<Option<usize>>,
    /// What it is to the eye of a figure.
    pub(crate) role: Role,
    /// The tensor that it gives.
    pub(crate) id: TensorId,
}

/// The operations that a figure tells apart besides layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Activation(&'static str),
    Add,
    Concat,
    /// The mean over what is left of a map.
    Mean,
    /// The sum over a dimension of vectors.
    Sum,
    Other,
}

/// What `input` goes through, operation by operation.
pub(crate) fn steps(
    operations: &[OperationIr],
    input: TensorId,
    parameters: &[Parameter],
) -> Vec<Step> {
    // Every tensor that is a parameter, or is made of one alone.
    let mut origins: HashMap<TensorId, &Parameter> = parameters
        .iter()
        .map(|parameter| (parameter.id, parameter))
        .collect();
    let mut images: HashMap<TensorId, Option<usize>> = HashMap::from([(input, None)]);
    let mut steps: Vec<Step> = Vec::new();
    for operation in operations {
        let origin = operation
            .inputs()
            .find_map(|tensor| origins.get(&tensor.id).copied());
        let mut reads = Vec::new();
        for tensor in operation.inputs() {
            reads.extend(
                images
                    .get(&tensor.id)
                    .filter(|read| !reads.contains(*read))
                    .copied(),
            );
        }
        // Dropping a tensor is recorded too, and gives nothing.
        let is_image = !reads.is_empty() && operation.outputs().next().is_some();
        for output in operation.outputs() {
            if is_image {
                images.insert(output.id, Some(steps.len()));
            } else if let Some(origin) = origin {
                origins.insert(output.id, origin);
            }
        }
        let Some(output) = operation.outputs().next().filter(|_| is_image) else {
            continue;
        };
        let (pooling, kernel, multiply_adds) = describe(operation, &origins);
        let seen = reads
            .iter()
            .map(|read| read.map_or(Field::PIXEL, |step| steps[step].field));
        let field = seen.reduce(Field::join).unwrap_or(Field::PIXEL);
        steps.push(Step {
            field: field.after(operation),
            reads,
            role: role(operation),
            id: output.id,
            owner: origin.map(|parameter| parameter.owner.clone()),
            pooling,
            kernel,
            output: output.shape.to_vec(),
            multiply_adds,
        });
    }
    steps
}

fn role(operation: &OperationIr) -> Role {
    match operation {
        OperationIr::Activation(ActivationOperationIr::Relu(_)) => Role::Activation("ReLU"),
        OperationIr::Float(_, FloatOperationIr::Tanh(_)) => Role::Activation("tanh"),
        OperationIr::NumericFloat(_, NumericOperationIr::Add(_)) => Role::Add,
        OperationIr::BaseFloat(BaseOperationIr::Cat(_)) => Role::Concat,
        OperationIr::NumericFloat(_, NumericOperationIr::MeanDim(_)) => Role::Mean,
        OperationIr::NumericFloat(_, NumericOperationIr::SumDim(sum))
            if sum.out.shape.num_dims() == 3 =>
        {
            Role::Sum
        }
        _ => Role::Other,
    }
}

/// What an operation is: the name of a pooling, the kernel, the multiply-adds.
fn describe(
    operation: &OperationIr,
    origins: &HashMap<TensorId, &Parameter>,
) -> (Option<&'static str>, Option<String>, u64) {
    match operation {
        OperationIr::Module(ModuleOperationIr::Conv2d(conv)) => {
            let (weight, options) = (&conv.weight.shape, &conv.options);
            // Each trainable weight acts once at each position: a connection table has fewer than the dense kernel.
            let trained = origins
                .get(&conv.weight.id)
                .map(|parameter| parameter.values);
            let weights = trained.unwrap_or(weight.iter().product());
            let positions = conv.out.shape.num_elements() / conv.out.shape[1].max(1);
            let mut kernel = window([weight[2], weight[3]], options.stride);
            if options.groups > 1 {
                kernel += &format!(", {} groups", options.groups);
            }
            (None, Some(kernel), (positions * weights) as u64)
        }
        OperationIr::Module(ModuleOperationIr::Linear(linear)) => {
            let inputs = linear.x.shape.last().copied().unwrap_or(0);
            (
                None,
                None,
                (linear.out.shape.num_elements() * inputs) as u64,
            )
        }
        OperationIr::Float(_, FloatOperationIr::Matmul(product)) => {
            let inputs = product.lhs.shape.last().copied().unwrap_or(0);
            (
                None,
                None,
                (product.out.shape.num_elements() * inputs) as u64,
            )
        }
        OperationIr::Module(ModuleOperationIr::MaxPool2d(pool)) => (
            Some("MaxPool2d"),
            Some(window(pool.kernel_size, pool.stride)),
            0,
        ),
        OperationIr::Module(ModuleOperationIr::AvgPool2d(pool)) => (
            Some("AvgPool2d"),
            Some(window(pool.kernel_size, pool.stride)),
            0,
        ),
        OperationIr::Module(ModuleOperationIr::AdaptiveAvgPool2d(_)) => {
            (Some("AdaptiveAvgPool2d"), None, 0)
        }
        _ => (None, None, 0),
    }
}

fn window([height, width]: [usize; 2], stride: [usize; 2]) -> String {
    match stride {
        [1, 1] => format!("{height}×{width}"),
        [rows, columns] if rows == columns => format!("{height}×{width} / {rows}"),
        [rows, columns] => format!("{height}×{width} / {rows}×{columns}"),
    }
}
