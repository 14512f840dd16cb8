//! Images and pipelines for tests.

#![allow(dead_code, reason = "not every test uses all of it")]

use burn_zoo_data::{Geometry, Image, Normalize, Pipeline, PipelineError, ResizeMode, sample_rng};

pub(crate) fn pipeline(size: [usize; 2], fit: ResizeMode, channels: usize) -> Pipeline {
    let normalize = Normalize {
        mean: vec![0.5; channels],
        std: vec![0.25; channels],
    };
    Pipeline::evaluation(
        Geometry {
            size,
            fit,
            channels,
        },
        normalize,
    )
}

pub(crate) fn apply(pipeline: &Pipeline, image: &Image) -> Result<Image, PipelineError> {
    augmented(pipeline, image, [0, 0, 0])
}

/// The image of the network's input, augmented for seed, epoch and index.
pub(crate) fn augmented(
    pipeline: &Pipeline,
    image: &Image,
    [seed, epoch, index]: [usize; 3],
) -> Result<Image, PipelineError> {
    let mut input = vec![f32::NAN; pipeline.input_len()];
    pipeline.apply(
        image,
        &mut input,
        &mut sample_rng(seed as u64, epoch, index),
    )?;
    assert!(
        input.iter().all(|value| value.is_finite()),
        "every value is written"
    );
    Ok(pipeline.denormalize(&input))
}

/// A grey image whose pixels are all different, so that each is found again.
pub(crate) fn numbered(height: usize, width: usize) -> Image {
    Image {
        height,
        width,
        channels: 1,
        pixels: (1..=height * width).map(|i| i as u8).collect(),
    }
}
