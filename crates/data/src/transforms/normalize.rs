//! Bytes to f32 values around zero, one plane per channel.

use burn::tensor::Tensor;

use crate::error::PipelineError;
use crate::image::Image;

/// Mean and std of each channel, of pixels scaled to 0…1.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalize {
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Std of each channel, above 0.
    pub std: Vec<f32>,
}

impl Normalize {
    /// Writes `(pixel / 255 − mean) / std` for every pixel of `image` into `out`.
    ///
    /// # Shapes
    /// - out: `channels * height * width`, channel planes one after the other
    ///
    /// # Errors
    /// When `out`, `mean` or `std` has another length than the image asks for.
    pub fn apply(&self, image: &Image, out: &mut [f32]) -> Result<(), PipelineError> {
        let channels = image.channels;
        for found in [self.mean.len(), self.std.len()] {
            if found != channels {
                return Err(PipelineError::Statistics { found, channels });
            }
        }
        to_planes(image, out, |channel| {
            let (mean, std) = (self.mean[channel], self.std[channel]);
            // A byte has 256 values: the division is done once for each.
            let table: [f32; 256] = std::array::from_fn(|byte| (byte as f32 / 255.0 - mean) / std);
            move |byte| table[usize::from(byte)]
        })
    }

    /// Normalises a batch of values from 0 to 255 on its device, by the same operations as [`apply`](Self::apply).
    ///
    /// # Shapes
    /// - pixels: `[batch, channels, height, width]`
    pub(crate) fn on_device(&self, pixels: Tensor<4>) -> Tensor<4> {
        let device = pixels.device();
        let each =
            |values: &[f32]| Tensor::<1>::from_floats(values, &device).reshape([1, -1, 1, 1]);
        (pixels.div_scalar(255.0) - each(&self.mean)) / each(&self.std)
    }
}

/// Writes the pixels of `image` into `out`, channel planes one after the other, each value through the function that
/// `convert` returns for its channel.
pub(crate) fn to_planes<T, F: Fn(u8) -> T>(
    image: &Image,
    out: &mut [T],
    convert: impl Fn(usize) -> F,
) -> Result<(), PipelineError> {
    let (found, expected) = (out.len(), image.pixels.len());
    if found != expected || expected == 0 {
        return Err(PipelineError::Buffer { found, expected });
    }
    let planes = out.chunks_exact_mut(image.height * image.width);
    for (channel, plane) in planes.enumerate() {
        let convert = convert(channel);
        let source = image.pixels[channel..].iter().step_by(image.channels);
        for (value, &byte) in plane.iter_mut().zip(source) {
            *value = convert(byte);
        }
    }
    Ok(())
}
