//! Bytes to f32 values around zero, one plane per channel.

use burn::tensor::Tensor;

use crate::sample::Image;
use crate::transforms::pipeline::PipelineError;

/// Mean and standard deviation of each channel, of pixels scaled to 0…1.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalize {
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel, above 0.
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
        if out.len() != image.pixels.len() || image.pixels.is_empty() {
            return Err(PipelineError::Buffer {
                found: out.len(),
                expected: image.pixels.len(),
            });
        }
        let plane = image.height * image.width;
        for (channel, plane) in out.chunks_exact_mut(plane).enumerate() {
            let (mean, std) = (self.mean[channel], self.std[channel]);
            // A byte has 256 values: the division is done once for each.
            let table: [f32; 256] = std::array::from_fn(|byte| (byte as f32 / 255.0 - mean) / std);
            let source = image.pixels[channel..].iter().step_by(channels);
            for (value, &byte) in plane.iter_mut().zip(source) {
                *value = table[usize::from(byte)];
            }
        }
        Ok(())
    }

    /// The same of a batch of numbers from 0 to 255, on its device, by the same operations.
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

/// Writes the bytes of `image` into `out`, channel planes one after the other.
pub(crate) fn planes(image: &Image, out: &mut [u8]) -> Result<(), PipelineError> {
    if out.len() != image.pixels.len() || image.pixels.is_empty() {
        return Err(PipelineError::Buffer {
            found: out.len(),
            expected: image.pixels.len(),
        });
    }
    let channels = image.channels;
    let plane = image.height * image.width;
    for (channel, plane) in out.chunks_exact_mut(plane).enumerate() {
        let source = image.pixels[channel..].iter().step_by(channels);
        for (byte, &value) in plane.iter_mut().zip(source) {
            *byte = value;
        }
    }
    Ok(())
}
