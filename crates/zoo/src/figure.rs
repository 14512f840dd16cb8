//! A network as a figure: SVG text of one slide, 1600 by 900, drawn from a recorded forward pass.

mod blocks;
mod canvas;
mod cards;
mod inset;
mod page;
mod rows;
mod unit;

use burn::tensor::{Device, Tensor};
use burn_zoo_blocks::Classifier;

use crate::ModelOptions;
use crate::create::{CreateError, ModelConfig, model_info};
use crate::record::{id_of, parameters_of, steps};
use crate::summary::summarize;

/// Draws the model `name` as an SVG document of 1600×900, for images of `size` (height, width; the model's own by
/// default).
///
/// Convolution, normalisation and activation are one box; equal boxes in a row are one with a count. Residual units
/// show their skip arrow, inception modules their branches, of which one is enlarged, and auxiliary heads hang where
/// they branch off, unless the images are too small for them. System fonts only, and nothing outside the document.
///
/// Nothing is computed: `recorder` is a device made by `Device::capture()`.
///
/// # Errors
/// An unknown name, options that no network can have, or a size that the network cannot take.
///
/// # Panics
/// If `recorder` is a device of another kind.
pub fn figure(
    name: &str,
    options: &ModelOptions,
    size: Option<[usize; 2]>,
    recorder: &Device,
) -> Result<String, CreateError> {
    let info = model_info(name)?;
    let summary = summarize(name, options, size, recorder)?;
    // Auxiliary heads count on the size of the images.
    let mut options = ModelOptions {
        input_size: size.or(options.input_size),
        ..options.clone()
    };
    let config = match ModelConfig::new(name, &options) {
        Err(CreateError::SmallForAuxHeads { .. }) => {
            options.aux_heads = Some(false);
            ModelConfig::new(name, &options)
        }
        config => config,
    }?;

    let mut outcome = None;
    let recording = recorder.capture_scope(|scope| {
        let model = config.init(recorder);
        let parameters = parameters_of(&model);
        let [channels, height, width] = summary.input;
        let image = Tensor::<4>::zeros([1, channels, height, width], recorder);
        let start = id_of(image.clone());
        let training = model.forward_train(image);
        let logits = id_of(training.logits);
        let heads: Vec<_> = training
            .aux
            .into_iter()
            .map(|head| id_of(head.logits))
            .collect();
        let ends: Vec<_> = std::iter::once(logits).chain(heads.clone()).collect();
        outcome = Some((parameters, start, logits, heads));
        scope.complete([], ends)
    });
    let (parameters, start, logits, heads) = outcome.expect("a capture scope runs its closure");
    let recording =
        recording.expect("the logits are computed from an image that the recorder knows");
    let steps = steps(&recording.graph.operations, start, &parameters);
    let network = blocks::network(&steps, logits, &heads);
    Ok(page::draw(info, &summary, &network))
}
