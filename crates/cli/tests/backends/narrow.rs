//! A step of one network on a backend in 16 bits, beside the same step on Flex in single precision.

use std::time::Instant;

use burn::tensor::Device;
use burn_zoo::trainer::Precision;
use libtest_mimic::Failed;

use crate::backend::Backend;
use crate::networks::Network;
use crate::pass::{Pass, Start};

/// Greatest norm of the difference of class scores or losses, as a part of the norm on Flex. bfloat16 has three bits less.
fn tolerance(precision: Precision) -> f64 {
    match precision {
        Precision::Bf16 => 3e-2,
        Precision::F16 | Precision::F32 => 2e-2,
    }
}
/// Least cosine between all gradients together and those on Flex. Narrow networks with batch normalisation have ReLUs whose input
/// is close to zero everywhere: to round GoogLeNet's weights to float16, and nothing else, moves its gradients by 24 %.
const COSINE: f64 = 0.5;

/// Compares class scores, loss and gradients as a whole.
pub(crate) fn network(
    backend: Backend,
    precision: Precision,
    network: &Network,
) -> Result<String, Failed> {
    let device = backend.device().ok_or("its device has gone")?;
    let start = Start::of(network, precision);
    let expected = start.run(&Device::flex(), Precision::F32);
    let began = Instant::now();
    let found = start.run(&device, precision);
    let seconds = began.elapsed().as_secs_f64();
    let scores = |pass: &Pass| pass.logits.concat();
    let gradients = |pass: &Pass| -> Vec<f32> {
        let all = pass.gradients.iter().flat_map(|(_, values)| values);
        all.copied().collect()
    };
    let logits = difference(&scores(&found), &scores(&expected));
    let loss = difference(&found.loss, &expected.loss);
    let cosine = cosine(&gradients(&found), &gradients(&expected));
    let line = format!(
        "{:<8} {:<10} in {precision}: logits {logits:.1e}  loss {loss:.1e}  cosine of the gradients {cosine:.4}  {seconds:.1} s",
        backend.name(),
        network.name
    );
    let tolerance = tolerance(precision);
    match logits <= tolerance && loss <= tolerance && cosine >= COSINE {
        true => Ok(line),
        false => Err(line.into()),
    }
}

/// The norm of the difference, as a part of the norm of `expected`; no number where something is none.
fn difference(found: &[f32], expected: &[f32]) -> f64 {
    let apart: Vec<f32> = found.iter().zip(expected).map(|(a, b)| a - b).collect();
    (product(&apart, &apart) / product(expected, expected)).sqrt()
}

fn cosine(found: &[f32], expected: &[f32]) -> f64 {
    product(found, expected) / (product(found, found) * product(expected, expected)).sqrt()
}

fn product(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| f64::from(*a) * f64::from(*b))
        .sum()
}
