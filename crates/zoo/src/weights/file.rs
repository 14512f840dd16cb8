//! A file of weights: its format, its tensors, and what it says about itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use burn::store::burn_pack::{self, MAGIC_NUMBER, Reader, Tensor as PackTensor};
use burn::store::pytorch_reader::{PytorchError, PytorchReader};
use burn::store::{ModuleStore, SafetensorsStore, bridge};
use burn::tensor::Device;
use burn_zoo_googlenet::Variant;
use serde::Serialize;

use super::error::{LoadReport, WeightsError};
use super::slots::{Naming, Slot, slots};
use super::{fit, keys, pickle, save};
use crate::{Arch, Model, ModelConfig, ModelInfo, ModelOptions};

/// Formats that weights are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Burn's own, `.bpk`.
    Burnpack,
    /// Hugging Face's, with PyTorch's keys.
    Safetensors,
    /// A pickle of `torch.save`, in a zip, a tar or alone.
    PyTorch,
}

impl Format {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Burnpack => "burnpack",
            Self::Safetensors => "safetensors",
            Self::PyTorch => "PyTorch",
        }
    }

    pub(super) fn naming(self) -> Naming {
        match self {
            Self::Burnpack => Naming::Burn,
            Self::Safetensors | Self::PyTorch => Naming::PyTorch,
        }
    }
}

/// A file of weights, opened for a model. Names and shapes are known, the numbers of most formats not read yet.
pub struct WeightsFile {
    pub(super) path: PathBuf,
    pub(super) info: ModelInfo,
    pub(super) format: Format,
    /// Under the names that the model has for them.
    pub(super) tensors: BTreeMap<String, PackTensor>,
    /// What stood before every key.
    pub(super) prefix: String,
    metadata: BTreeMap<String, String>,
    /// Where its tensors would go.
    device: Device,
}

impl WeightsFile {
    /// Opens the file at `path`, whose format its first bytes tell, for the model `info`. Nothing is computed on
    /// `device`; the model's tensors are only counted on it.
    ///
    /// # Errors
    /// A file that is missing, of no known format, damaged, malicious, or that says it is of another model.
    pub fn open(path: &Path, info: &ModelInfo, device: &Device) -> Result<Self, WeightsError> {
        let format = format_of(path)?;
        let malformed = |reason: String| WeightsError::Malformed {
            path: path.to_owned(),
            format: format.name(),
            reason,
        };
        let (tensors, metadata) = match format {
            Format::Burnpack => burnpack(path).map_err(malformed)?,
            Format::Safetensors => safetensors(path).map_err(malformed)?,
            Format::PyTorch => {
                let plain = |error: PytorchError| malformed(error.to_string());
                let call = pickle::malicious_call(path);
                if let Some(call) = call.map_err(|error| malformed(error.to_string()))? {
                    return Err(WeightsError::Malicious {
                        path: path.to_owned(),
                        call,
                    });
                }
                let tensors = PytorchReader::new(path).map_err(plain)?.into_tensors();
                let tensors = tensors
                    .into_iter()
                    .map(|(key, tensor)| (key, bridge::from_pytorch(tensor)));
                (tensors.collect(), BTreeMap::new())
            }
        };
        if tensors.is_empty() {
            return Err(malformed("it holds no tensor".to_owned()));
        }
        if let Some(found) = metadata.get(save::MODEL).filter(|name| **name != info.name) {
            return Err(WeightsError::OtherModel {
                path: path.to_owned(),
                found: found.clone(),
                expected: info.name,
            });
        }
        let widest = ModelOptions {
            aux_heads: info.may_have_aux_heads().then_some(true),
            ..ModelOptions::default()
        };
        let wanted = blueprint(info, &widest, format.naming(), device);
        let (tensors, prefix) = keys::bring_to(tensors, &wanted, info.arch);
        Ok(Self {
            path: path.to_owned(),
            info: info.clone(),
            format,
            tensors,
            prefix,
            metadata,
            device: device.clone(),
        })
    }

    /// The format of the file.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Classes, channels and auxiliary heads of the network that the weights are of, as far as they show.
    pub fn options(&self) -> ModelOptions {
        let info = &self.info;
        let [channels, ..] = info.input;
        let slots =
            |options: &ModelOptions| blueprint(info, options, self.format.naming(), &self.device);
        let usual = slots(&ModelOptions::default());
        let differing = |options: &ModelOptions| {
            // The axis of a tensor that follows the number in question.
            usual.iter().zip(slots(options)).find_map(|(usual, other)| {
                let mut axes = usual.shape.iter().zip(&other.shape);
                let axis = axes.position(|(a, b)| a != b)?;
                self.tensors.get(&usual.name)?.shape.get(axis).copied()
            })
        };
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
                .then(|| self.tensors.keys().any(|key| is_aux(key))),
            // Shares leave no trace in weights.
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
        let shape = &self.tensors.get("aux1.fc1.weight")?.shape;
        let inputs = match self.format.naming() {
            Naming::Burn => shape.first(),
            Naming::PyTorch => shape.get(1),
        };
        let windows = (inputs? / 128).isqrt();
        let side = 16 * (5 + 3 * windows.checked_sub(1)?);
        Some([side, side])
    }

    /// Mean and standard deviation of each channel that images were normalised with, where the file says so.
    pub fn statistics(&self) -> Option<[Vec<f32>; 2]> {
        let numbers = |key: &str| -> Option<Vec<f32>> {
            let text = self.metadata.get(key)?;
            text.split_whitespace().map(|n| n.parse().ok()).collect()
        };
        Some([numbers(save::MEAN)?, numbers(save::STD)?])
    }

    /// Loads the weights into `model`, in f32 whatever the file has. Unless `partial`, all must fit.
    ///
    /// A first convolution for another number of channels is adapted as timm does: the kernels are summed for one
    /// channel, and repeated and scaled for several.
    ///
    /// # Errors
    /// Tensors that are missing, unexpected or of another shape, unless `partial`; none that fits; a file that cannot
    /// be read to its end.
    pub fn load_into(
        self,
        model: Model,
        partial: bool,
    ) -> Result<(Model, LoadReport), WeightsError> {
        fit::load(self, model, partial)
    }
}

/// The tensors that a network of `info` would have. Nothing is drawn or allocated: weights come into being when used.
fn blueprint(
    info: &ModelInfo,
    options: &ModelOptions,
    naming: Naming,
    device: &Device,
) -> Vec<Slot> {
    let config = ModelConfig::new(info.name, options).expect("every model can have these options");
    slots(&config.init(device), naming)
}

/// Whether a tensor belongs to an auxiliary head.
pub(super) fn is_aux(key: &str) -> bool {
    key.starts_with("aux1.") || key.starts_with("aux2.")
}

type Content = (BTreeMap<String, PackTensor>, BTreeMap<String, String>);

fn burnpack(path: &Path) -> Result<Content, String> {
    // Burn opens its messages with the kind of error, which ours has named.
    let plain = |error: burn_pack::Error| {
        let text = error.to_string();
        text.trim_start_matches("Validation error: ").to_owned()
    };
    let reader = Reader::from_file_exact(path).map_err(plain)?;
    let metadata = reader.metadata().clone();
    let tensors = reader.into_tensors().map_err(plain)?;
    let tensors = tensors
        .into_iter()
        .map(|tensor| (without_variants(&tensor.name), tensor));
    Ok((tensors.collect(), metadata))
}

/// A path of Burn's without the variants of enums, which are the only parts in capitals: they may be renamed, files stay.
fn without_variants(path: &str) -> String {
    let parts = path.split('.');
    let fields = parts.filter(|part| !part.starts_with(|first: char| first.is_ascii_uppercase()));
    fields.collect::<Vec<_>>().join(".")
}

fn safetensors(path: &Path) -> Result<Content, String> {
    #[derive(serde::Deserialize)]
    struct Header {
        #[serde(default, rename = "__metadata__")]
        metadata: BTreeMap<String, String>,
    }
    let mut store = SafetensorsStore::from_file(path);
    let tensors = store
        .get_all_tensors()
        .map_err(|error| error.to_string())?
        .clone();
    // The store gives no metadata back; it has just checked that the header is whole.
    let mut file = File::open(path).map_err(|error| error.to_string())?;
    let mut length = [0; 8];
    file.read_exact(&mut length)
        .map_err(|error| error.to_string())?;
    let header = file.take(u64::from_le_bytes(length));
    let header: Header = serde_json::from_reader(header).map_err(|error| error.to_string())?;
    Ok((tensors, header.metadata))
}

fn format_of(path: &Path) -> Result<Format, WeightsError> {
    let unreadable = |source| WeightsError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
    }
    let mut head = Vec::new();
    file.take(512).read_to_end(&mut head).map_err(unreadable)?;
    let not_weights = |found| WeightsError::NotWeights {
        path: path.to_owned(),
        found,
    };
    match head.as_slice() {
        [] => Err(not_weights("an empty file")),
        head if head.starts_with(&MAGIC_NUMBER.to_le_bytes()) => Ok(Format::Burnpack),
        head if head.get(8) == Some(&b'{') => Ok(Format::Safetensors),
        head if head.starts_with(b"PK")
            || head[0] == 0x80
            || head.get(257..262) == Some(b"ustar") =>
        {
            Ok(Format::PyTorch)
        }
        head if head.starts_with(b"<") => Err(not_weights("an HTML page (a failed download?)")),
        head if std::str::from_utf8(&head[..head.len().min(64)]).is_ok() => {
            Err(not_weights("text"))
        }
        _ => Err(not_weights("something else")),
    }
}
