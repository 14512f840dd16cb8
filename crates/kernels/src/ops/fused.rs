//! Convolution with what follows it, outside of training: nothing to differentiate, and one pass over what comes out.

use burn::nn::BatchNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor, TensorData};

use super::conv2d::{fits, options, shape_of};
use super::{as_f32, flex};
use crate::Activation;
use crate::conv::{self, Epilogue};
use crate::profile::timed;

/// [`Conv2d::forward`] and all that follows it, outside of training; none where there is no kernel for it.
pub(crate) fn conv2d_then(
    layer: &Conv2d,
    norm: Option<&BatchNorm>,
    images: &Tensor<4>,
    then: &Activation,
) -> Option<Tensor<4>> {
    let weights = layer.weight.val();
    let options = options(layer).filter(|options| fits(layer, images, options))?;
    if norm.is_some_and(|norm| norm.gamma.dims() != [weights.dims()[0]]) {
        return None;
    }
    let device = images.device();
    let (images, weights) = (flex(images.clone()), flex(weights));
    let shape = shape_of(&images, &weights, &options);
    let [height, width] = shape.size_out();
    let dims = [shape.batch, shape.channels_out, height, width];
    if let Activation::AddRelu(shortcut) = then
        && shortcut.dims() != dims
    {
        return None;
    }
    let bias = layer.bias.as_ref().map(|bias| flex(bias.val()));
    let bias = bias.as_ref().map(as_f32);
    let (scale, shift) = match norm {
        Some(norm) => {
            let (scale, shift) = folded(norm, bias, &device);
            (Some(scale), Some(shift))
        }
        None => (None, bias.map(<[f32]>::to_vec)),
    };
    let (shortcut, has_relu) = match then {
        Activation::Nothing => (None, false),
        Activation::Relu => (None, true),
        Activation::AddRelu(shortcut) => (Some(flex(shortcut.clone())), true),
    };
    let after = Epilogue {
        scale: scale.as_deref(),
        shift: shift.as_deref(),
        shortcut: shortcut.as_ref().map(as_f32),
        has_relu,
    };
    let out = timed("convolution", &shape, shape.operations(), || {
        conv::forward(&shape, as_f32(&images), as_f32(&weights), after)
    });
    Some(Tensor::from_data(TensorData::new(out, dims), &device))
}

/// Scale and shift of a normalisation by its running statistics, after a convolution with this bias.
fn folded(norm: &BatchNorm, bias: Option<&[f32]>, device: &Device) -> (Vec<f32>, Vec<f32>) {
    let own = [
        norm.gamma.val(),
        norm.beta.val(),
        norm.running_mean.value().to_device(device),
        norm.running_var.value().to_device(device),
    ];
    let own = own.map(flex);
    let [gamma, beta, mean, variance] = own.each_ref().map(as_f32);
    (0..gamma.len())
        .map(|channel| {
            let std = (f64::from(variance[channel]) + norm.epsilon).sqrt();
            let scale = f64::from(gamma[channel]) / std;
            let centre = mean[channel] - bias.map_or(0.0, |bias| bias[channel]);
            let shift = f64::from(beta[channel]) - f64::from(centre) * scale;
            (scale as f32, shift as f32)
        })
        .unzip()
}

#[cfg(test)]
mod tests;
