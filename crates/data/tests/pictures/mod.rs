//! Pictures and pipelines for the tests of both.

#![allow(dead_code, reason = "not every test uses all of it")]

use burn_zoo_data::{Fit, Geometry, Normalize, Picture, Pipeline, PipelineError, sample_rng};

pub(crate) fn pipeline(size: [usize; 2], fit: Fit, channels: usize) -> Pipeline {
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

pub(crate) fn apply(pipeline: &Pipeline, picture: &Picture) -> Result<Picture, PipelineError> {
    met(pipeline, picture, [0, 0, 0])
}

/// The picture as the network meets it, drawn for seed, epoch and index.
pub(crate) fn met(
    pipeline: &Pipeline,
    picture: &Picture,
    [seed, epoch, index]: [usize; 3],
) -> Result<Picture, PipelineError> {
    let mut input = vec![f32::NAN; pipeline.values()];
    pipeline.apply(
        picture,
        &mut input,
        &mut sample_rng(seed as u64, epoch, index),
    )?;
    assert!(
        input.iter().all(|value| value.is_finite()),
        "every value is written"
    );
    Ok(pipeline.picture(&input))
}

/// A grey picture whose pixels are all different, so that one sees where each went.
pub(crate) fn numbered(height: usize, width: usize) -> Picture {
    Picture {
        height,
        width,
        channels: 1,
        pixels: (1..=height * width).map(|i| i as u8).collect(),
    }
}
