//! A step of one network on a backend, beside the same step on Flex.

use std::time::Instant;

use burn::tensor::Device;
use burn_zoo::trainer::Precision;
use libtest_mimic::Failed;

use crate::backend::Backend;
use crate::networks::Network;
use crate::pass::Start;

/// Greatest difference of a value, relative to the largest magnitude of its tensor.
const TOLERANCE: f64 = 1e-3;

/// Compares forward pass, loss and the gradient of every parameter.
///
/// The measure is the tensor's largest magnitude, not each value's own: a sum over many products keeps that precision
/// whatever its order. A ReLU whose input is within a rounding error of zero could still turn on one backend alone;
/// among some 10⁵ activations of these networks with the fixed seed, none does.
pub(crate) fn network(backend: Backend, network: &Network) -> Result<String, Failed> {
    let device = backend.device().ok_or("its device has gone")?;
    let start = Start::of(network, Precision::F32);
    let expected = start.run(&Device::flex(), Precision::F32);
    let began = Instant::now();
    let found = start.run(&device, Precision::F32);
    let seconds = began.elapsed().as_secs_f64();

    let mut logits: f64 = 0.0;
    for (found, expected) in found.logits.iter().zip(&expected.logits) {
        logits = logits.max(difference("logits", found, expected)?);
    }
    let loss = difference("loss", &found.loss, &expected.loss)?;
    if found.gradients.len() != expected.gradients.len() {
        let [here, there] = [&found, &expected].map(|pass| pass.gradients.len());
        return Err(format!("{here} parameters have a gradient, {there} on Flex").into());
    }
    let (mut gradients, mut worst) = (0.0, "");
    for ((key, found), (_, expected)) in found.gradients.iter().zip(&expected.gradients) {
        let what = format!("the gradient of {key}");
        let gradient = difference(&what, found, expected)?;
        if gradient >= gradients {
            (gradients, worst) = (gradient, key);
        }
    }
    let count = expected.gradients.len();
    Ok(format!(
        "{:<8} {:<10} logits {logits:.1e}  loss {loss:.1e}  gradients {gradients:.1e} ({worst}, of {count})  {seconds:.1} s",
        backend.name(),
        network.name
    ))
}

/// The greatest difference of two tensors, relative to the largest magnitude of the second.
fn difference(what: &str, found: &[f32], expected: &[f32]) -> Result<f64, Failed> {
    if found.len() != expected.len() {
        return Err(format!("{what}: {} values, {} on Flex", found.len(), expected.len()).into());
    }
    let largest = expected.iter().fold(0.0, |largest: f64, value| {
        largest.max(f64::from(value.abs()))
    });
    if largest == 0.0 {
        return Err(format!("{what} is zero on Flex: the comparison would show nothing").into());
    }
    let mut worst = 0.0;
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let relative = f64::from((found - expected).abs()) / largest;
        if relative.is_nan() || relative > TOLERANCE {
            return Err(format!(
                "{what}, value {index}: {found}, {expected} on Flex, the largest being {largest:.3e}: off by {relative:.1e}, expected at most {TOLERANCE:.0e}"
            )
            .into());
        }
        worst = f64::max(worst, relative);
    }
    Ok(worst)
}
