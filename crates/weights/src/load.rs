//! The tensors of a file into the slots of a network.

use burn::module::Module;
use burn::store::burn_pack::Tensor as PackTensor;
use burn::store::{
    ApplyError, FloatCastAdapter, ModuleAdapter, ModuleSnapshot, PyTorchToBurnAdapter, bridge,
};
use burn::tensor::{DType, Shape, TensorData};

use crate::error::{LoadReport, WeightsError, WrongTensor};
use crate::expected_tensors::{ExpectedTensor, Naming, expected_tensors};
use crate::remap_keys::{Aliases, no_alias};
use crate::weights_file::WeightsFile;

/// How a file is loaded.
#[derive(Debug, Clone, Copy)]
pub struct LoadOptions<'a> {
    /// Name of the network, for messages.
    pub model: &'a str,
    /// Whether some of the tensors may be missing, unexpected or of another shape.
    pub partial: bool,
    /// Prefixes of tensors that the file may have and the network not: heads that act in training only.
    pub optional: &'a [&'a str],
    /// The network's name for another project's key.
    pub aliases: Aliases,
}

impl Default for LoadOptions<'_> {
    fn default() -> Self {
        Self {
            model: "the network",
            partial: false,
            optional: &[],
            aliases: no_alias,
        }
    }
}

impl WeightsFile {
    /// Loads the weights into `model`, in f32 whatever the file has.
    ///
    /// A first convolution for another number of channels is adapted as timm does: the kernels are summed for one
    /// channel, and repeated and scaled for several.
    ///
    /// # Errors
    /// Tensors that are missing, unexpected or of another shape, unless `partial`; none that fits; a file that cannot
    /// be read to its end.
    pub fn load_into<M: Module>(
        self,
        mut model: M,
        options: &LoadOptions,
    ) -> Result<(M, LoadReport), WeightsError> {
        let naming = self.format.naming();
        let expected = expected_tensors(&model, naming);
        let prefix = self.prefix.clone();
        let Self {
            path,
            format,
            mut tensors,
            prefix: dropped,
            ..
        } = self.remap_keys(&expected, options.aliases);
        let first = first_convolution(&expected);
        let mut report = LoadReport {
            prefix: prefix + &dropped,
            ..LoadReport::default()
        };
        let mut fitting = Vec::new();
        for slot in &expected {
            let Some(tensor) = tensors.remove(&slot.name) else {
                report.missing.push(slot.name.clone());
                continue;
            };
            let found = described(&tensor);
            match fitted(tensor, slot, first == Some(slot)) {
                Some((tensor, adapted)) => {
                    report.loaded += 1;
                    if adapted {
                        report.adapted.push(slot.name.clone());
                    }
                    fitting.push(tensor);
                }
                None => report.wrong.push(WrongTensor {
                    name: slot.name.clone(),
                    found,
                    expected: shape_text(&slot.shape),
                }),
            }
        }
        let is_optional = |key: &str| options.optional.iter().any(|start| key.starts_with(start));
        let has_optional = expected.iter().any(|slot| is_optional(&slot.name));
        let (unused, unexpected): (Vec<String>, Vec<String>) = tensors
            .into_keys()
            .partition(|key| is_optional(key) && !has_optional);
        report.unused_aux = unused.len();
        report.unexpected = unexpected;
        if report.loaded == 0 || !(options.partial || report.is_complete()) {
            return Err(WeightsError::Mismatch {
                path,
                model: options.model.to_owned(),
                report: Box::new(report),
            });
        }

        let to_f32 = FloatCastAdapter::to(DType::F32);
        let adapter: Box<dyn ModuleAdapter> = match naming {
            Naming::Burn => Box::new(to_f32),
            Naming::PyTorch => Box::new(PyTorchToBurnAdapter.chain(to_f32)),
        };
        let applied = model.apply(fitting, None, Some(adapter), true);
        match applied.errors.first() {
            None => Ok((model, report)),
            Some(error) => Err(WeightsError::Malformed {
                path,
                format: format.name(),
                reason: match error {
                    ApplyError::LoadError { path, message } => format!("tensor {path}: {message}"),
                    other => other.to_string(),
                },
            }),
        }
    }
}

/// The convolution that sees the image.
fn first_convolution(expected: &[ExpectedTensor]) -> Option<&ExpectedTensor> {
    expected.iter().find(|slot| slot.shape.len() == 4)
}

/// The tensor in the shape of its slot, and whether it had another one; none where it cannot have it.
fn fitted(tensor: PackTensor, slot: &ExpectedTensor, is_first: bool) -> Option<(PackTensor, bool)> {
    let mut tensor = tensor;
    tensor.name.clone_from(&slot.name);
    if !tensor.dtype.is_float() {
        return None;
    }
    match (&*tensor.shape, slot.shape.as_slice()) {
        (found, wanted) if found == wanted => Some((tensor, false)),
        // A fully connected layer that is kept as a convolution.
        (&[outputs, c, h, w], wanted) if *wanted == [outputs, c * h * w] => {
            let flat = slot.shape.clone();
            Some((
                reshaped(tensor, slot, move |data| {
                    let (bytes, _, dtype) = data.into_parts();
                    TensorData::from_bytes(bytes, flat.clone(), dtype)
                }),
                true,
            ))
        }
        (&[out, channels, h, w], &[wanted_out, wanted, wanted_h, wanted_w])
            if is_first
                && [out, h, w] == [wanted_out, wanted_h, wanted_w]
                && (channels == 3 || wanted == 1 && channels > 0) =>
        {
            let shape = slot.shape.clone();
            Some((
                reshaped(tensor, slot, move |data| {
                    let kernels = data.try_into_vec::<f32>();
                    let kernels = kernels.expect("`reshaped` converts it to f32");
                    TensorData::new(
                        for_channels(&kernels, [channels, wanted], h * w),
                        shape.clone(),
                    )
                }),
                true,
            ))
        }
        _ => None,
    }
}

/// The tensor in the shape of its slot, in f32, as `change` makes it once its values are read.
fn reshaped(
    tensor: PackTensor,
    slot: &ExpectedTensor,
    change: impl Fn(TensorData) -> TensorData + Send + Sync + 'static,
) -> PackTensor {
    let shape = Shape::from(slot.shape.clone());
    bridge::map_data(tensor, slot.name.clone(), DType::F32, shape, move |data| {
        change(data.convert::<f32>())
    })
}

/// Kernels of a first convolution for another number of channels, as timm's `adapt_input_conv`: summed for one; for
/// several repeated in turn, and scaled so that their sum over the channels stays what it was.
///
/// # Shapes
/// - kernels: `[outputs, channels, area]`
/// - output: `[outputs, wanted, area]`
fn for_channels(kernels: &[f32], [channels, wanted]: [usize; 2], area: usize) -> Vec<f32> {
    let mut changed = Vec::with_capacity(kernels.len() / channels * wanted);
    for kernel in kernels.chunks_exact(channels * area) {
        if wanted == 1 {
            let sum = |pixel: usize| (0..channels).map(|c| kernel[c * area + pixel]).sum::<f32>();
            changed.extend((0..area).map(sum));
        } else {
            let scale = channels as f32 / wanted as f32;
            for channel in 0..wanted {
                let start = channel % channels * area;
                changed.extend(
                    kernel[start..start + area]
                        .iter()
                        .map(|value| value * scale),
                );
            }
        }
    }
    changed
}

fn described(tensor: &PackTensor) -> String {
    let shape = shape_text(&tensor.shape);
    if tensor.dtype.is_float() {
        shape
    } else {
        format!("{shape} of {:?}", tensor.dtype)
    }
}

/// `64×3×7×7`; a single number has no sides.
fn shape_text(shape: &[usize]) -> String {
    if shape.is_empty() {
        return "a single number".to_owned();
    }
    let sides: Vec<String> = shape.iter().map(usize::to_string).collect();
    sides.join("×")
}

#[cfg(test)]
mod tests {
    use super::for_channels;

    #[test]
    fn kernels_are_summed_or_repeated() {
        // Two outputs, three channels, one pixel.
        let kernels = [1.0, 2.0, 3.0, 10.0, 20.0, 30.0];
        assert_eq!(for_channels(&kernels, [3, 1], 1), [6.0, 60.0]);
        let four = for_channels(&kernels, [3, 4], 1);
        assert_eq!(four, [0.75, 1.5, 2.25, 0.75, 7.5, 15.0, 22.5, 7.5]);
        // Two pixels a kernel stay beside each other.
        assert_eq!(
            for_channels(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [3, 1], 2),
            [9.0, 12.0]
        );
    }
}
