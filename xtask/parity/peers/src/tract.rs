//! tract: an ONNX file, optimised for the shape of its images.

use std::path::Path;

use anyhow::Result;
use tract_onnx::prelude::*;

use crate::Amount;

/// The median time of a step, in seconds. Products of matrices, and what tract made parallel besides, get `threads`.
pub fn measure(file: &Path, amount: &Amount, threads: usize) -> Result<f64> {
    let options = RunOptions {
        executor: Some(multithread::Executor::multithread(threads)),
        ..Default::default()
    };
    let network = tract_onnx::onnx()
        .model_for_path(file)?
        .with_input_fact(0, f32::fact(amount.shape()).into())?
        .into_optimized()?
        .into_runnable_with_options(&options)?;
    let images: TValue = Tensor::from_shape(&amount.shape(), &amount.noise())?.into();
    amount.median(|| Ok(drop(network.run(tvec!(images.clone()))?)))
}
