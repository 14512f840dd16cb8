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

use crate::summary::Summary;
use crate::trace::{id_of, parameters_of, steps};

/// Draws the network that `create` makes on a device, and that `summary` is of, as an SVG document of 1600×900; `about` is
/// its subtitle.
///
/// Convolution, normalisation and activation are one box; equal boxes in a row are one with a count. Residual units
/// show their skip arrow, inception modules their branches, of which one is enlarged, and auxiliary heads hang where
/// they branch off. System fonts only, and nothing outside the document.
///
/// Nothing is computed: `recorder` is a device made by `Device::capture()`.
///
/// # Panics
/// If `recorder` is a device of another kind.
pub fn figure<M: Classifier>(
    summary: &Summary,
    about: &str,
    create: impl FnOnce(&Device) -> M,
    recorder: &Device,
) -> String {
    let mut outcome = None;
    let recording = recorder.capture_scope(|scope| {
        let model = create(recorder);
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
    page::draw(about, summary, &network)
}
