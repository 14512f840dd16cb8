//! Weights files for the zoo's models by name: what a file was made for, and other projects' keys.

use std::path::Path;

use burn::tensor::Device;
use burn_zoo_googlenet::Variant;
use burn_zoo_weights::{ExpectedTensor, LoadOptions, Naming, expected_tensors};
pub use burn_zoo_weights::{
    Format, LoadReport, ModelCard, WeightsError, WrongTensor, save_weights,
};

use crate::{Arch, Model, ModelConfig, ModelInfo, ModelOptions};

/// Prefixes of auxiliary heads, which act in training only: a file may have them where the network does not.
const AUX: &[&str] = &["aux1.", "aux2."];

/// A weights file opened for a model: its keys are the model's, and what the weights were made for (classes, channels,
/// statistics of the images) can be asked before the model is created.
pub struct WeightsFile {
    file: burn_zoo_weights::WeightsFile,
    info: ModelInfo,
    device: Device,
}

impl WeightsFile {
    /// Opens the file at `path`, whose format its first bytes tell, for the model `info`. Nothing is computed on
    /// `device`; the model's tensors are only counted on it.
    ///
    /// # Errors
    /// A file that is missing, of no known format, damaged, malicious, or that names another model.
    pub fn open(path: &Path, info: &ModelInfo, device: &Device) -> Result<Self, WeightsError> {
        let file = burn_zoo_weights::WeightsFile::open(path)?;
        if let Some(found) = file.model().filter(|name| *name != info.name) {
            return Err(WeightsError::OtherModel {
                path: path.to_owned(),
                found: found.to_owned(),
                expected: info.name,
            });
        }
        let widest = ModelOptions {
            aux_heads: info.may_have_aux_heads().then_some(true),
            ..ModelOptions::default()
        };
        let expected = blueprint(info, &widest, file.format().naming(), device);
        Ok(Self {
            file: file.remap_keys(&expected, aliases(info.arch)),
            info: info.clone(),
            device: device.clone(),
        })
    }

    /// The format of the file.
    pub fn format(&self) -> Format {
        self.file.format()
    }

    /// Mean and standard deviation of each channel that images were normalised with, where the file holds them.
    pub fn statistics(&self) -> Option<[Vec<f32>; 2]> {
        self.file.statistics()
    }

    /// Classes, channels and auxiliary heads of the network that the weights are of, as far as they show.
    pub fn options(&self) -> ModelOptions {
        let info = &self.info;
        let [channels, ..] = info.input;
        let naming = self.format().naming();
        let expected = |options: &ModelOptions| blueprint(info, options, naming, &self.device);
        let usual = expected(&ModelOptions::default());
        let differing = |options: &ModelOptions| {
            // The axis of a tensor that follows the number in question.
            usual
                .iter()
                .zip(expected(options))
                .find_map(|(usual, other)| {
                    let mut axes = usual.shape.iter().zip(&other.shape);
                    let axis = axes.position(|(a, b)| a != b)?;
                    self.file.shape(&usual.name)?.get(axis).copied()
                })
        };
        let is_aux = |key: &str| AUX.iter().any(|prefix| key.starts_with(prefix));
        ModelOptions {
            num_classes: differing(&ModelOptions {
                num_classes: Some(info.classes + 1),
                ..ModelOptions::default()
            }),
            in_channels: differing(&ModelOptions {
                in_channels: Some(channels + 1),
                ..ModelOptions::default()
            }),
            input_size: self.aux_input_size(),
            aux_heads: info
                .may_have_aux_heads()
                .then(|| self.file.names().any(is_aux)),
            // Probabilities of dropping leave no trace in weights.
            dropout: None,
            stochastic_depth: None,
        }
    }

    /// Side of the images that the auxiliary heads of GoogLeNet's paper were made for: their first linear layer reads
    /// 128 channels of k × k windows, of 5 pixels and step 3, in a map of a sixteenth of the side.
    fn aux_input_size(&self) -> Option<[usize; 2]> {
        if self.info.arch != Arch::GoogLeNet(Variant::Paper) {
            return None;
        }
        let shape = self.file.shape("aux1.fc1.weight")?;
        let inputs = match self.format().naming() {
            Naming::Burn => shape.first(),
            Naming::PyTorch => shape.get(1),
        };
        let windows = (inputs? / 128).isqrt();
        let side = 16 * (5 + 3 * windows.checked_sub(1)?);
        Some([side, side])
    }

    /// Loads the weights into `model`; see [`burn_zoo_weights::WeightsFile::load_into`].
    ///
    /// # Errors
    /// Tensors that are missing, unexpected or of another shape, unless `partial`; none that fits; a file that cannot
    /// be read to its end.
    pub fn load_into(
        self,
        model: Model,
        partial: bool,
    ) -> Result<(Model, LoadReport), WeightsError> {
        let options = LoadOptions {
            model: self.info.name,
            partial,
            optional: AUX,
            aliases: aliases(self.info.arch),
        };
        self.file.load_into(model, &options)
    }
}

/// Loads the file at `path` into `model`, a network of `info`. All of the weights must fit.
///
/// # Errors
/// [`WeightsError`]: a file that is missing, damaged, or of another network.
pub fn load_weights(
    model: Model,
    info: &ModelInfo,
    path: &Path,
    device: &Device,
) -> Result<Model, WeightsError> {
    let (model, _) = WeightsFile::open(path, info, device)?.load_into(model, false)?;
    Ok(model)
}

/// The tensors that a network of `info` would have. Nothing is drawn or allocated: weights come into being when used.
fn blueprint(
    info: &ModelInfo,
    options: &ModelOptions,
    naming: Naming,
    device: &Device,
) -> Vec<ExpectedTensor> {
    let config = ModelConfig::new(info.name, options).expect("every model can have these options");
    expected_tensors(&config.init(device), naming)
}

/// The names here of other projects' keys.
fn aliases(arch: Arch) -> fn(&str) -> Option<String> {
    match arch {
        // pytorch_resnet_cifar10 (akamaster) and pytorch-cifar (kuangliu).
        Arch::ResNet(_) => |key| {
            renamed(key, &[("linear.", "fc.")]).or_else(|| {
                key.contains(".shortcut.")
                    .then(|| key.replace(".shortcut.", ".downsample."))
            })
        },
        // timm, which keeps the fully connected layers as convolutions.
        Arch::Vgg(_) => |key| {
            renamed(
                key,
                &[
                    ("pre_logits.fc1.", "classifier.0."),
                    ("pre_logits.fc2.", "classifier.3."),
                    ("head.fc.", "classifier.6."),
                ],
            )
        },
        _ => |_| None,
    }
}

fn renamed(key: &str, pairs: &[(&str, &str)]) -> Option<String> {
    let mut pairs = pairs.iter();
    pairs.find_map(|(theirs, ours)| key.strip_prefix(theirs).map(|rest| format!("{ours}{rest}")))
}
