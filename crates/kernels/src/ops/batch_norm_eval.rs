//! Batch normalisation with its running statistics, with what may follow it: nothing to differentiate.

use burn::nn::BatchNorm;
use burn::tensor::{Tensor, TensorData};

use super::batch_norm::shape_of;
use super::{as_f32, flex};
use crate::Activation;
use crate::batch_norm;
use crate::profile::timed;

/// What [`BatchNorm::forward`] does outside of training, and what follows, with the kernels of this crate.
pub(crate) fn batch_norm_eval(layer: &BatchNorm, images: Tensor<4>, then: Activation) -> Tensor<4> {
    let (device, dims) = (images.device(), images.dims());
    let images = flex(images);
    let parameters = [layer.gamma.val(), layer.beta.val()].map(flex);
    let statistics = [&layer.running_mean, &layer.running_var]
        .map(|running| flex(running.value().to_device(&device)));
    let (shortcut, has_relu) = match then {
        Activation::Nothing => (None, false),
        Activation::Relu => (None, true),
        Activation::AddRelu(shortcut) => (Some(flex(shortcut)), true),
    };
    let shape = shape_of(&images);
    let out = timed("normalisation", &shape, 0.0, || {
        batch_norm::apply(
            shape,
            as_f32(&images),
            parameters.each_ref().map(as_f32),
            statistics.each_ref().map(as_f32),
            shortcut.as_ref().map(as_f32),
            has_relu,
            layer.epsilon,
        )
    });
    Tensor::from_data(TensorData::new(out, dims), &device)
}

#[cfg(test)]
mod tests {
    use burn::nn::BatchNormConfig;
    use burn::tensor::activation::relu;
    use burn::tensor::{Device, Distribution, Tolerance};

    use super::*;

    #[test]
    fn running_statistics_give_what_burn_gives() {
        let device = Device::flex();
        let drawn = |channels: usize, side: usize| {
            let shape = [2, channels, side, side];
            Tensor::<4>::random(shape, Distribution::Normal(1.0, 2.0), &device)
        };
        for (channels, side) in [(3, 5), (17, 4), (1, 33)] {
            let mut layer = BatchNormConfig::new(channels).init(&device);
            let row = || Tensor::<1>::random([channels], Distribution::Uniform(0.5, 2.0), &device);
            layer.gamma = layer.gamma.map(|_| row());
            layer.beta = layer.beta.map(|_| row() - 1.0);
            layer.running_mean.update(row());
            layer.running_var.update(row());
            let _ = layer.running_mean.value_sync();
            let _ = layer.running_var.value_sync();
            let (images, shortcut) = (drawn(channels, side), drawn(channels, side));
            let plain = layer.forward(images.clone());
            let expected = [
                plain.clone(),
                relu(plain.clone()),
                relu(plain + shortcut.clone()),
            ];
            let thens = [
                Activation::Nothing,
                Activation::Relu,
                Activation::AddRelu(shortcut),
            ];
            for (then, expected) in thens.into_iter().zip(expected) {
                let found = batch_norm_eval(&layer, images.clone(), then);
                found
                    .into_data()
                    .assert_approx_eq::<f32>(&expected.into_data(), Tolerance::absolute(1e-5));
            }
        }
    }
}
