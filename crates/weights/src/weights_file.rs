//! A file of weights: its format, its tensors and its metadata.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use burn::store::burn_pack::{self, MAGIC_NUMBER, Reader, Tensor as PackTensor};
use burn::store::pytorch_reader::{PytorchError, PytorchReader};
use burn::store::{ModuleStore, SafetensorsStore, bridge};
use serde::Serialize;

use crate::error::WeightsError;
use crate::expected_tensors::{ExpectedTensor, Naming};
use crate::remap_keys::Aliases;
use crate::{pickle, remap_keys, save};

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
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Burnpack => "burnpack",
            Self::Safetensors => "safetensors",
            Self::PyTorch => "PyTorch",
        }
    }

    /// How it names tensors.
    pub fn naming(self) -> Naming {
        match self {
            Self::Burnpack => Naming::Burn,
            Self::Safetensors | Self::PyTorch => Naming::PyTorch,
        }
    }
}

/// A file of weights: names and shapes are known, the values of most formats not read yet.
pub struct WeightsFile {
    pub(super) path: PathBuf,
    pub(super) format: Format,
    /// Under the names of the file, or those of a network after [`remap_keys`](Self::remap_keys).
    pub(super) tensors: BTreeMap<String, PackTensor>,
    /// The prefix that [`remap_keys`](Self::remap_keys) dropped from every key.
    pub(super) prefix: String,
    metadata: BTreeMap<String, String>,
}

impl WeightsFile {
    /// Opens the file at `path`, whose format its first bytes tell.
    ///
    /// # Errors
    /// A file that is missing, of no known format, damaged or malicious.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
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
        Ok(Self {
            path: path.to_owned(),
            format,
            tensors,
            prefix: String::new(),
            metadata,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The format of the file.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Gives the tensors the names of `expected` where they have one: a common prefix (`state_dict.module.`) is dropped,
    /// and `aliases` translates other projects' names.
    #[must_use]
    pub fn remap_keys(mut self, expected: &[ExpectedTensor], aliases: Aliases) -> Self {
        let (tensors, prefix) = remap_keys::remap_keys(self.tensors, expected, aliases);
        self.tensors = tensors;
        self.prefix = prefix;
        self
    }

    /// The shape of the tensor `name`.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|tensor| &*tensor.shape)
    }

    /// Names of the tensors.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The model that the file names.
    pub fn model(&self) -> Option<&str> {
        self.metadata.get(save::MODEL).map(String::as_str)
    }

    /// Mean and standard deviation of each channel that images were normalised with, where the file holds them.
    pub fn statistics(&self) -> Option<[Vec<f32>; 2]> {
        let values = |key: &str| -> Option<Vec<f32>> {
            let text = self.metadata.get(key)?;
            text.split_whitespace().map(|n| n.parse().ok()).collect()
        };
        Some([values(save::MEAN)?, values(save::STD)?])
    }
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
