//! Your own `Classifier`: trained by the zoo's trainer, asked for a feature map, and exported for PyTorch.
//!
//! `cargo run --release --manifest-path examples/Cargo.toml -p custom_model -- runs/custom-model`

use std::error::Error;
use std::path::PathBuf;

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_zoo_blocks::{Classifier, FeatureTaps, UnknownFeature, conv2d_bn_relu};
use burn_zoo_datasets::{DatasetName, OpenOptions, open};
use burn_zoo_trainer::{OptimizerSection, Outcome, RunFile, TrainRequest, train};
use burn_zoo_weights::{LoadOptions, ModelCard, WeightsFile, save_weights};

/// Two convolutions with batch normalisation, and a linear layer on the average of the map. The fields are the keys of a
/// state dict in PyTorch.
#[derive(Module, Debug)]
struct SmallNet {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    fc: Linear,
}

impl SmallNet {
    fn new(classes: usize, device: &Device) -> Self {
        let conv = |channels| {
            Conv2dConfig::new(channels, [3, 3])
                .with_stride([2, 2])
                .with_bias(false)
                .init(device)
        };
        Self {
            conv1: conv([1, 16]),
            bn1: BatchNormConfig::new(16).init(device),
            conv2: conv([16, 32]),
            bn2: BatchNormConfig::new(32).init(device),
            fc: LinearConfig::new(32, classes).init(device),
        }
    }

    /// `[batch, 1, height, width]` → `[batch, 32, about height / 4, about width / 4]`
    fn maps(&self, images: Tensor<4>, taps: &mut FeatureTaps) -> Tensor<4> {
        let map = conv2d_bn_relu(&self.conv1, Some(&self.bn1), images);
        taps.offer("conv1", &map);
        let map = conv2d_bn_relu(&self.conv2, Some(&self.bn2), map);
        taps.offer("conv2", &map);
        map
    }
}

impl Classifier for SmallNet {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.fc.forward(self.embed(images))
    }

    fn embed(&self, images: Tensor<4>) -> Tensor<2> {
        let map = self.maps(images, &mut FeatureTaps::none());
        map.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2) // [batch, 32]
    }

    fn num_classes(&self) -> usize {
        self.fc.weight.lazy_shape()[1]
    }

    fn with_head(mut self, num_classes: usize, device: &Device) -> Self {
        self.fc = LinearConfig::new(32, num_classes).init(device);
        self
    }

    fn feature_names(&self) -> Vec<&'static str> {
        vec!["conv1", "conv2"]
    }

    fn features(
        &self,
        images: Tensor<4>,
        names: &[&str],
    ) -> Result<Vec<Tensor<4>>, UnknownFeature> {
        let mut taps = FeatureTaps::new(names, self.feature_names())?;
        let _ = self.maps(images, &mut taps);
        Ok(taps.into_maps())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(
        std::env::args()
            .nth(1)
            .unwrap_or_else(|| "runs/custom-model".into()),
    );
    let optimizer = OptimizerSection::Sgd {
        lr: 0.1,
        momentum: 0.9,
        nesterov: false,
        weight_decay: 1e-4,
    };
    let run = RunFile::new("small_net", "glyphs", optimizer, 2);
    let data = open(
        DatasetName::Glyphs,
        &OpenOptions {
            train_size: Some(2000),
            valid_size: Some(500),
            ..OpenOptions::default()
        },
    )?;
    let device = Device::flex();
    let model = |device: &Device| SmallNet::new(10, device);
    let request = TrainRequest::new(run, model, [28, 28], data, device.clone(), out.clone());
    if let Outcome::Finished(summary) = train(request)? {
        println!("{:.2} % top-1", summary.valid.top1);
    }

    let best = WeightsFile::open(&out.join("best.bpk"))?;
    let (model, _) = best.load_into(SmallNet::new(10, &device), &LoadOptions::default())?;
    let maps = model.features(Tensor::zeros([1, 1, 28, 28], &device), &["conv2"])?;
    println!("conv2: {:?}", maps[0].dims());

    let card = ModelCard {
        model: "small_net".into(),
        statistics: None,
        source: None,
    };
    let exported = out.join("small_net.safetensors");
    save_weights(&model, &exported, &card, true)?;
    println!("{}: torch loads it with strict=True", exported.display());
    Ok(())
}
