//! From a stored image to the network's input: geometry, augmentation, normalisation.

use std::borrow::Cow;

use rand::Rng;

use crate::error::{PipelineError, ensure};
use crate::image::{Image, ImageSource, with_channels};
use crate::transforms::geometry::{Geometry, ResizeMode, resize_shorter};
use crate::transforms::normalize::{Normalize, to_planes};
use crate::transforms::{Augment, Crop};

/// What happens to every image of a split.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// Shape of the input, and how images get there.
    pub geometry: Geometry,
    /// Random changes; `None` in evaluation.
    pub augment: Option<Augment>,
    /// Statistics that centre and scale the input.
    pub normalize: Normalize,
}

/// A step of [`Pipeline::load`], in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The file is read.
    Read,
    /// The image, or the part of it that is needed, is decoded.
    Decode,
    /// Crop, resize, and all other changes of bytes.
    Augment,
    /// Bytes are copied to channel planes in the batch, normalised if they become f32 there.
    Convert,
}

/// Where an image's values are written: `channels * height * width` of them, one plane per channel.
pub(crate) enum Dest<'a> {
    /// Normalised.
    Values(&'a mut [f32]),
    /// Not normalised.
    Bytes(&'a mut [u8]),
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

    /// Checks the settings and how they go together, before any image is loaded.
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
        ensure(height > 0 && width > 0, || {
            format!("the input size is {height}×{width}: set data.size to at least 1")
        })?;
        ensure([1, 3].contains(&channels), || {
            format!(
                "the input has {channels} channels: set model.in_channels to 1 (grey) or 3 (RGB)"
            )
        })?;
        let resized = match fit {
            ResizeMode::Resize { shorter } => Some(shorter),
            _ => None,
        };
        let jittered = match self.crop() {
            Crop::ScaleJitter { shorter } => Some(shorter[0]),
            _ => None,
        };
        for shorter in [resized, jittered].into_iter().flatten() {
            if shorter < height.max(width) {
                return Err(PipelineError::Shorter {
                    shorter,
                    size: [height, width],
                });
            }
        }
        if let Some(augment) = &self.augment {
            augment.validate(&self.geometry)?;
        }
        let Normalize { mean, std } = &self.normalize;
        for found in [mean.len(), std.len()] {
            if found != channels {
                return Err(PipelineError::Statistics { found, channels });
            }
        }
        let are_finite = mean.iter().chain(std).all(|value| value.is_finite());
        ensure(are_finite && std.iter().all(|&std| std > 0.0), || {
            format!("mean {mean:?} and std {std:?} must be finite, and std above 0")
        })
    }

    /// Writes the network's input of an image into `out`: at the input size, augmented, normalised.
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
        self.load_to(source, Dest::Values(out), rng, lap)
    }

    /// As [`load`](Self::load), to either kind of destination.
    pub(crate) fn load_to(
        &self,
        source: ImageSource,
        dest: Dest<'_>,
        rng: &mut impl Rng,
        mut lap: impl FnMut(Stage),
    ) -> Result<(), PipelineError> {
        let source = source.read()?;
        lap(Stage::Read);
        let image = self.crop().load(&self.geometry, source, rng, &mut lap)?;
        self.finish(image, dest, rng, lap)
    }

    fn crop(&self) -> Crop {
        self.augment
            .as_ref()
            .map_or(Crop::None, |augment| augment.crop)
    }

    /// What follows the crop.
    fn finish(
        &self,
        mut image: Image,
        dest: Dest<'_>,
        rng: &mut impl Rng,
        mut lap: impl FnMut(Stage),
    ) -> Result<(), PipelineError> {
        if let Some(augment) = &self.augment {
            augment.change_image(&mut image, rng);
        }
        lap(Stage::Augment);
        match dest {
            Dest::Bytes(out) => to_planes(&image, out, |_| |byte| byte)?,
            Dest::Values(out) => {
                self.normalize.apply(&image, out)?;
                if let Some(augment) = &self.augment {
                    augment.change_values(self.geometry.size, &self.normalize.std, out, rng);
                }
            }
        }
        lap(Stage::Convert);
        Ok(())
    }

    /// Whether images can go to the device as bytes: nothing changes them after normalisation.
    pub(crate) fn ends_in_bytes(&self) -> bool {
        !self.augment.as_ref().is_some_and(Augment::changes_values)
    }

    /// The normalised image with its shorter side resized to `shorter`, neither cropped nor augmented, as channel planes, and
    /// its new height and width.
    ///
    /// # Errors
    /// When the image has no pixels or would become too large.
    pub fn apply_uncropped(
        &self,
        image: &Image,
        shorter: usize,
    ) -> Result<(Vec<f32>, [usize; 2]), PipelineError> {
        let (resized, _) = resize_shorter(image, shorter, [1, 1])?;
        let image = with_channels(Cow::Owned(resized), self.geometry.channels);
        let mut values = vec![0.0; image.pixels.len()];
        self.normalize.apply(&image, &mut values)?;
        Ok((values, image.size()))
    }

    /// The image of an input that [`apply`](Self::apply) wrote, to look at.
    ///
    /// # Panics
    /// If `input` has another length than [`input_len`](Self::input_len).
    pub fn denormalize(&self, input: &[f32]) -> Image {
        assert_eq!(input.len(), self.input_len(), "values of one input");
        let Geometry { size, channels, .. } = self.geometry;
        let Normalize { mean, std } = &self.normalize;
        let mut image = Image::filled(size, channels, 0);
        for (channel, plane) in input.chunks_exact(size[0] * size[1]).enumerate() {
            let bytes = image.pixels[channel..].iter_mut().step_by(channels);
            for (byte, value) in bytes.zip(plane) {
                // The conversion clamps to 0…255.
                *byte = ((value * std[channel] + mean[channel]) * 255.0).round() as u8;
            }
        }
        image
    }

    /// Number of values of one input: channels × height × width.
    pub fn input_len(&self) -> usize {
        self.geometry.channels * self.geometry.size[0] * self.geometry.size[1]
    }
}
