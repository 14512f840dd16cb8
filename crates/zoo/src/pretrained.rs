//! Published weights: where they are, and their checksums.

use std::path::{Path, PathBuf};

use burn_zoo_datasets::{FetchError, FetchOptions, Progress, RemoteFile, fetch_file};

use crate::ModelInfo;

/// Weights that somebody published for a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Published {
    /// Name of the model.
    pub model: &'static str,
    /// Whose they are.
    pub publisher: &'static str,
    /// Name of the file; it ends in the first eight digits of its sha256.
    pub file: &'static str,
    folder: &'static str,
    /// Mean and standard deviation of each channel that images were normalised with; the model's own where absent.
    statistics: Option<[[f32; 3]; 2]>,
}

/// ImageNet's, which pytorch_resnet_cifar10 uses for CIFAR too.
const IMAGENET: [[f32; 3]; 2] = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]];

const fn torchvision(model: &'static str, file: &'static str) -> Published {
    Published {
        model,
        publisher: "torchvision, ImageNet",
        file,
        folder: "https://download.pytorch.org/models",
        statistics: None,
    }
}

const fn akamaster(model: &'static str, file: &'static str) -> Published {
    Published {
        model,
        publisher: "akamaster/pytorch_resnet_cifar10, CIFAR-10",
        file,
        folder: "https://github.com/akamaster/pytorch_resnet_cifar10/raw/master/pretrained_models",
        statistics: Some(IMAGENET),
    }
}

/// torchvision's are those of `IMAGENET1K_V1`, which reach the accuracies of its documentation for the papers' recipes.
const PUBLISHED: &[Published] = &[
    torchvision("alexnet", "alexnet-owt-7be5be79.pth"),
    torchvision("vgg11", "vgg11-8a719046.pth"),
    torchvision("vgg13", "vgg13-19584684.pth"),
    torchvision("vgg16", "vgg16-397923af.pth"),
    torchvision("vgg19", "vgg19-dcbb9e9d.pth"),
    torchvision("vgg11_bn", "vgg11_bn-6002323d.pth"),
    torchvision("vgg13_bn", "vgg13_bn-abd245e5.pth"),
    torchvision("vgg16_bn", "vgg16_bn-6c64b313.pth"),
    torchvision("vgg19_bn", "vgg19_bn-c79401a0.pth"),
    torchvision("googlenet", "googlenet-1378be20.pth"),
    torchvision("resnet18", "resnet18-f37072fd.pth"),
    torchvision("resnet34", "resnet34-b627a593.pth"),
    torchvision("resnet50", "resnet50-0676ba61.pth"),
    torchvision("resnet101", "resnet101-63fe2227.pth"),
    torchvision("resnet152", "resnet152-394f9c45.pth"),
    akamaster("resnet20", "resnet20-12fca82f.th"),
    akamaster("resnet32", "resnet32-d509ac18.th"),
    akamaster("resnet44", "resnet44-014dd654.th"),
    akamaster("resnet56", "resnet56-4bfd9763.th"),
    akamaster("resnet110", "resnet110-1d1ed7c2.th"),
];

/// The weights that were published for the model `name`, where there are any.
pub fn published(name: &str) -> Option<&'static Published> {
    PUBLISHED.iter().find(|published| published.model == name)
}

/// Names of the models that published weights are known for.
pub fn published_models() -> impl Iterator<Item = &'static str> {
    PUBLISHED.iter().map(|published| published.model)
}

impl Published {
    /// The first digits of the file's sha256, which its name ends in.
    pub fn sha256(&self) -> &'static str {
        let stem = self
            .file
            .rsplit_once('.')
            .map_or(self.file, |(stem, _)| stem);
        stem.rsplit_once('-').map_or("", |(_, digits)| digits)
    }

    /// The address.
    pub fn url(&self) -> String {
        format!("{}/{}", self.folder, self.file)
    }

    /// Mean and standard deviation of each channel that images are normalised with for these weights.
    pub fn statistics(&self, info: &ModelInfo) -> [Vec<f32>; 2] {
        match self.statistics {
            Some(own) => own.map(Vec::from),
            None => [
                info.preprocessing.mean.to_vec(),
                info.preprocessing.std.to_vec(),
            ],
        }
    }

    /// Brings the file into `folder` and checks it; gives its path. A mirror has it in a folder `weights`.
    ///
    /// # Errors
    /// As [`fetch_file`].
    pub fn fetch(
        &self,
        folder: &Path,
        options: &FetchOptions,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<PathBuf, FetchError> {
        let url = match &options.mirror {
            Some(mirror) => format!("{}/weights/{}", mirror.trim_end_matches('/'), self.file),
            None => self.url(),
        };
        let remote = RemoteFile {
            url,
            file: self.file.to_owned(),
            bytes: None,
            sha256: self.sha256().to_owned(),
        };
        let again = format!("zoo fetch {}", self.model);
        fetch_file(&remote, folder, &again, progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model_info;

    #[test]
    fn every_file_is_of_a_model_and_names_its_checksum() {
        for published in PUBLISHED {
            let info = model_info(published.model).expect("a model of the zoo");
            let digits = published.sha256();
            assert_eq!(digits.len(), 8, "{}", published.file);
            assert!(
                digits.bytes().all(|digit| digit.is_ascii_hexdigit()),
                "{digits}"
            );
            assert!(
                published.url().starts_with("https://"),
                "{}",
                published.url()
            );
            assert_eq!(
                published.statistics(info).map(|values| values.len()),
                [3, 3]
            );
        }
    }

    #[test]
    fn statistics_are_the_publishers() {
        let of = |name: &str| {
            let info = model_info(name).expect("a model of the zoo");
            published(name).expect("published").statistics(info)
        };
        assert_eq!(of("resnet50")[0], [0.485, 0.456, 0.406]);
        assert_eq!(of("resnet20")[0], [0.485, 0.456, 0.406]);
        assert_eq!(of("googlenet"), [vec![0.5; 3], vec![0.5; 3]]);
        assert_eq!(published("plain18"), None);
    }
}
