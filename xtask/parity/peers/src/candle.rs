//! candle: the networks of candle-transformers with the weights that they are initialised with.

use std::collections::HashMap;

use anyhow::{Result, ensure};
use candle_core::{DType, Device, Module, ModuleT, Tensor};
use candle_nn::{VarBuilder, VarMap};
use candle_transformers::models::{resnet, vgg};
use clap::ValueEnum;

use crate::Amount;

const CLASSES: usize = 1000;

/// Those that we have too.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Network {
    Resnet18,
    Resnet50,
    Vgg16,
}

/// The median time of a step, in seconds.
pub fn measure(network: Network, amount: &Amount) -> Result<f64> {
    let images = Tensor::from_vec(amount.noise(), &amount.shape(), &Device::Cpu)?;
    let weights = weights(network)?;
    match network {
        Network::Resnet18 => time(&resnet::resnet18(CLASSES, weights)?, &images, amount),
        Network::Resnet50 => time(&resnet::resnet50(CLASSES, weights)?, &images, amount),
        Network::Vgg16 => {
            // It reshapes to one row, and adds the axis of images itself.
            ensure!(
                amount.batch == 1,
                "candle's VGG takes one image at a time"
            );
            let network = vgg::Vgg::new(weights, vgg::Models::Vgg16)?;
            let image = images.squeeze(0)?; // [3, 224, 224]
            amount.median(|| Ok(drop(network.forward_t(&image, false)?)))
        }
    }
}

fn time(network: &impl Module, images: &Tensor, amount: &Amount) -> Result<f64> {
    amount.median(|| Ok(drop(network.forward(images)?)))
}

/// Initial weights as plain tensors: a step on variables would keep what their gradients need.
fn weights(network: Network) -> Result<VarBuilder<'static>> {
    let variables = VarMap::new();
    let builder = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
    match network {
        Network::Resnet18 => drop(resnet::resnet18(CLASSES, builder)?),
        Network::Resnet50 => drop(resnet::resnet50(CLASSES, builder)?),
        Network::Vgg16 => {
            // The last layer is made in the first step.
            let image = Tensor::zeros((3, 224, 224), DType::F32, &Device::Cpu)?;
            vgg::Vgg::new(builder, vgg::Models::Vgg16)?.forward_t(&image, false)?;
        }
    }
    let variables = variables.data().lock().expect("no other thread has it");
    let tensors: HashMap<_, _> = variables
        .iter()
        .map(|(name, variable)| (name.clone(), variable.as_detached_tensor()))
        .collect();
    Ok(VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu))
}
