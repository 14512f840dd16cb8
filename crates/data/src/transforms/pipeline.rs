//! From a stored image to the network's input: geometry, augmentation, normalisation.

use std::borrow::Cow;

use rand::Rng;

use crate::decode::MAX_DECODED_BYTES;
use crate::sample::{Image, ImageSource};
use crate::transforms::geometry::{Geometry, ResizeMode, resize_shorter};
use crate::transforms::normalize::{Normalize, planes};
use crate::transforms::{Augment, Crop};

/// What happens to every image of a split.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// Shape of the input and the way there.
    pub geometry: Geometry,
    /// Random changes; `None` in evaluation.
    pub augment: Option<Augment>,
    /// Statistics that centre and scale the input.
    pub normalize: Normalize,
}

/// What happens to an image between its data set and its batch, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Its file is read.
    Read,
    /// It is decoded, or the part of it that is wanted.
    Decode,
    /// Crop, resizing, and whatever else changes its bytes.
    Augment,
    /// Bytes go to their places in the batch, normalised if they become numbers there.
    Convert,
}

/// Where an image's values go: `channels * height * width` of them, a plane per channel.
pub(crate) enum Dest<'a> {
    /// Normalised.
    Values(&'a mut [f32]),
    /// As they are.
    Bytes(&'a mut [u8]),
}

/// Why an image cannot become an input.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PipelineError {
    /// The image cannot be read; the message names its file.
    #[error("{0}")]
    Unreadable(String),
    /// The image has another size and the geometry is [`ResizeMode::Exact`].
    #[error("the image is {}×{} (height × width), the input is {}×{}: resize or pad in the run file", found[0], found[1], expected[0], expected[1])]
    Size {
        /// Height and width of the image.
        found: [usize; 2],
        /// Height and width of the input.
        expected: [usize; 2],
    },
    /// The image is larger than the input and the geometry is [`ResizeMode::Pad`].
    #[error("the image is {}×{} (height × width) and cannot be padded to the smaller input {}×{}: resize in the run file", found[0], found[1], largest[0], largest[1])]
    Larger {
        /// Height and width of the image.
        found: [usize; 2],
        /// Height and width of the input.
        largest: [usize; 2],
    },
    /// The resized image is smaller than the part to cut out of it.
    #[error("images are resized to a shorter side of {shorter}, too little to cut {}×{} out of them", size[0], size[1])]
    Shorter {
        /// Length of the shorter side.
        shorter: usize,
        /// Height and width of the input.
        size: [usize; 2],
    },
    /// The image is so long and thin that resizing its shorter side takes more memory than an image may.
    #[error("the image is {}×{} (height × width): resized to {}×{} it takes more than the {} MiB allowed for one image", found[0], found[1], size[0], size[1], MAX_DECODED_BYTES >> 20)]
    Elongated {
        /// Height and width of the image.
        found: [usize; 2],
        /// Height and width after resizing.
        size: [usize; 2],
    },
    /// Mean or standard deviation do not have one value per channel.
    #[error("mean and std have {found} values, the images have {channels} channels")]
    Statistics {
        /// Number of values.
        found: usize,
        /// Number of channels.
        channels: usize,
    },
    /// The buffer for the normalised image has another length.
    #[error("the buffer holds {found} values, the image has {expected}")]
    Buffer {
        /// Values in the buffer.
        found: usize,
        /// Values of the image.
        expected: usize,
    },
    /// A setting of the pipeline makes no sense.
    #[error("{0}")]
    Setting(String),
}

impl Pipeline {
    /// The pipeline without random changes, as validation uses it.
    pub fn evaluation(geometry: Geometry, normalize: Normalize) -> Self {
        Self {
            geometry,
            augment: None,
            normalize,
        }
    }

    /// Whether the settings make sense together, before any image is met.
    ///
    /// # Errors
    /// When a size is 0, channels are neither 1 nor 3, the resized image is smaller than the crop, a range is empty
    /// or out of bounds, or the statistics are not one finite value per channel with a positive std.
    pub fn validate(&self) -> Result<(), PipelineError> {
        let Geometry {
            size: [height, width],
            fit,
            channels,
        } = self.geometry;
        let setting = |message: String| Err(PipelineError::Setting(message));
        if height == 0 || width == 0 {
            return setting(format!(
                "the input size is {height}×{width}: both sides must be at least 1"
            ));
        }
        if channels != 1 && channels != 3 {
            return setting(format!(
                "the input has {channels} channels: 1 (grey) or 3 (RGB) are possible"
            ));
        }
        if let ResizeMode::Resize { shorter } = fit
            && shorter < height.max(width)
        {
            return Err(PipelineError::Shorter {
                shorter,
                size: [height, width],
            });
        }
        if let Some(augment) = &self.augment {
            if let Crop::Pad(border) = augment.crop
                && border > height.min(width)
            {
                return setting(format!(
                    "a border of {border} pixels moves images of {height}×{width} out of sight: expected at most {}",
                    height.min(width)
                ));
            }
            if let Crop::ScaleJitter {
                shorter: [shorter, _],
            } = augment.crop
                && shorter < height.max(width)
            {
                return Err(PipelineError::Shorter {
                    shorter,
                    size: [height, width],
                });
            }
            if let Some(message) = augment.invalid(channels) {
                return setting(message);
            }
        }
        let Normalize { mean, std } = &self.normalize;
        for found in [mean.len(), std.len()] {
            if found != channels {
                return Err(PipelineError::Statistics { found, channels });
            }
        }
        if mean.iter().any(|m| !m.is_finite()) || std.iter().any(|s| !(s.is_finite() && *s > 0.0)) {
            return setting(format!(
                "mean {mean:?} and std {std:?} must be finite, and std above 0"
            ));
        }
        Ok(())
    }

    /// Writes the image as the network meets it into `out`: at the input size, changed at random, normalised.
    ///
    /// # Shapes
    /// - out: `channels * height * width`, channel planes one after the other
    ///
    /// # Errors
    /// When the geometry does not take an image of this size, or `out` has another length.
    pub fn apply(
        &self,
        image: &Image,
        out: &mut [f32],
        rng: &mut impl Rng,
    ) -> Result<(), PipelineError> {
        let image = Cow::Borrowed(image);
        let image = self.crop().apply(&self.geometry, image, rng)?;
        self.finish(image, Dest::Values(out), rng, |_| ())
    }

    /// As [`apply`](Self::apply), for an image as its data set keeps it. `lap` is called with each stage when it is over;
    /// `|_| ()` where nobody measures.
    ///
    /// # Errors
    /// Also when the image cannot be read or decoded.
    pub fn load(
        &self,
        source: ImageSource,
        out: &mut [f32],
        rng: &mut impl Rng,
        lap: impl FnMut(Stage),
    ) -> Result<(), PipelineError> {
        self.put(source, Dest::Values(out), rng, lap)
    }

    /// As [`load`](Self::load), to either kind of place.
    pub(crate) fn put(
        &self,
        stored: ImageSource,
        place: Dest<'_>,
        rng: &mut impl Rng,
        mut lap: impl FnMut(Stage),
    ) -> Result<(), PipelineError> {
        let loaded = stored
            .read()
            .map_err(|error| PipelineError::Unreadable(error.to_string()))?;
        lap(Stage::Read);
        let image = self.crop().load(&self.geometry, loaded, rng, &mut lap)?;
        self.finish(image, place, rng, lap)
    }

    fn crop(&self) -> Crop {
        self.augment.as_ref().map_or(Crop::None, |own| own.crop)
    }

    /// What follows the crop.
    fn finish(
        &self,
        mut image: Image,
        place: Dest<'_>,
        rng: &mut impl Rng,
        mut lap: impl FnMut(Stage),
    ) -> Result<(), PipelineError> {
        if let Some(augment) = &self.augment {
            augment.image(&mut image, rng);
        }
        lap(Stage::Augment);
        match place {
            Dest::Bytes(out) => planes(&image, out)?,
            Dest::Values(out) => {
                self.normalize.apply(&image, out)?;
                if let Some(augment) = &self.augment {
                    augment.values(self.geometry.size, &self.normalize.std, out, rng);
                }
            }
        }
        lap(Stage::Convert);
        Ok(())
    }

    /// Whether bytes are all that an image needs on its way: nothing changes it after normalisation.
    pub(crate) fn ends_in_bytes(&self) -> bool {
        !self.augment.as_ref().is_some_and(Augment::changes_values)
    }

    /// The whole image with its shorter side at `shorter`, normalised, and its height and width then; nothing is cut off
    /// and nothing changed at random. Values lie in channel planes.
    ///
    /// # Errors
    /// An image without pixels, or one that would become too large.
    pub fn apply_uncropped(
        &self,
        image: &Image,
        shorter: usize,
    ) -> Result<(Vec<f32>, [usize; 2]), PipelineError> {
        let (resized, _) = resize_shorter(image, shorter, [1, 1])?;
        let image = self.geometry.convert(Cow::Owned(resized));
        let mut values = vec![0.0; image.pixels.len()];
        self.normalize.apply(&image, &mut values)?;
        Ok((values, [image.height, image.width]))
    }

    /// The image behind `input`, which [`apply`](Self::apply) wrote, for people to look at.
    ///
    /// # Panics
    /// If `input` has another length than [`input_len`](Self::input_len) says.
    pub fn denormalize(&self, input: &[f32]) -> Image {
        assert_eq!(input.len(), self.input_len(), "values of one input");
        let [height, width] = self.geometry.size;
        let channels = self.geometry.channels;
        let Normalize { mean, std } = &self.normalize;
        let mut pixels = vec![0; input.len()];
        for (channel, plane) in input.chunks_exact(height * width).enumerate() {
            let places = pixels[channel..].iter_mut().step_by(channels);
            for (byte, value) in places.zip(plane) {
                // The conversion cuts off what is below 0 or above 255.
                *byte = ((value * std[channel] + mean[channel]) * 255.0).round() as u8;
            }
        }
        Image {
            height,
            width,
            channels,
            pixels,
        }
    }

    /// Number of values of one input: channels × height × width.
    pub fn input_len(&self) -> usize {
        self.geometry.channels * self.geometry.size[0] * self.geometry.size[1]
    }
}
