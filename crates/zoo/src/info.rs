//! What is known of a model before it is built: paper, input, preprocessing, size.

use std::error::Error;
use std::fmt;

use serde::Serialize;

use crate::Arch;

/// One model of the zoo, as `zoo models` lists it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelInfo {
    /// Name in run files and on the command line.
    pub name: &'static str,
    /// The architecture behind the name.
    #[serde(skip)]
    pub arch: Arch,
    /// One line on what sets this model apart.
    pub about: &'static str,
    /// Where it was published.
    pub paper: &'static Paper,
    /// Channels, height and width of the input it was designed for.
    pub input: [usize; 3],
    /// Which other input sizes it takes.
    pub sizes: Sizes,
    /// Statistics and resize of the evaluation in its paper.
    pub preprocessing: &'static Preprocessing,
    /// Classes of the head unless told otherwise.
    pub classes: usize,
    /// Trainable parameters with the default input and classes, without those of auxiliary heads.
    pub parameters: usize,
    /// Trainable parameters of the auxiliary heads, which act in training only and can be left out.
    pub aux_parameters: usize,
    /// Multiply-adds of convolutions and linear layers for one image of the default size: what papers call FLOPs.
    pub multiply_adds: u64,
}

/// The publication of an architecture.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Paper {
    /// Title.
    pub title: &'static str,
    /// Authors, as one cites them.
    pub authors: &'static str,
    /// Year of publication.
    pub year: u16,
    /// Where to read it.
    pub url: &'static str,
}

/// Which input sizes a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "rule", content = "pixels")]
pub enum Sizes {
    /// Only the size it was designed for: a linear layer counts on it.
    Fixed,
    /// Any height and width from this many pixels on.
    AtLeast(usize),
}

/// How an image becomes an input in evaluation.
#[derive(Debug, PartialEq, Serialize)]
pub struct Preprocessing {
    /// Mean of each channel, pixels scaled to 0…1.
    pub mean: &'static [f32],
    /// Standard deviation of each channel, pixels scaled to 0…1.
    pub std: &'static [f32],
    /// What happens to an image of another size.
    pub fit: InputFit,
}

/// How an image of another size is made to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum InputFit {
    /// A border of zeros (MNIST's 28 pixels to LeNet's 32).
    Pad,
    /// Images have the input's size.
    Exact,
    /// The shorter side is resized, then the centre is cut out.
    ResizeAndCrop {
        /// Length of the shorter side after resizing.
        shorter: usize,
    },
}

impl ModelInfo {
    /// Whether the network can have auxiliary heads.
    pub fn may_have_aux_heads(&self) -> bool {
        self.arch.has_aux_heads()
    }

    /// Whether the network takes images of `size` (height, width).
    ///
    /// # Errors
    /// [`SizeMismatch`], which names the sizes it takes.
    pub fn check_size(&self, size: [usize; 2]) -> Result<(), SizeMismatch> {
        let [_, height, width] = self.input;
        let fits = match self.sizes {
            Sizes::Fixed => size == [height, width],
            Sizes::AtLeast(least) => size.iter().all(|side| *side >= least),
        };
        match fits {
            true => Ok(()),
            false => Err(SizeMismatch {
                model: self.name,
                sizes: self.sizes,
                own: [height, width],
                found: size,
            }),
        }
    }
}

/// Images of a size that a network cannot take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeMismatch {
    /// Name of the model.
    pub model: &'static str,
    /// The rule.
    pub sizes: Sizes,
    /// Height and width that the model was designed for.
    pub own: [usize; 2],
    /// Height and width that it was given.
    pub found: [usize; 2],
}

impl fmt::Display for SizeMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            model,
            sizes,
            own: [height, width],
            found: [found_height, found_width],
        } = self;
        match sizes {
            Sizes::Fixed => write!(
                f,
                "{model} takes images of {height}×{width} (height × width) only"
            )?,
            Sizes::AtLeast(least) => {
                write!(f, "{model} takes images from {least}×{least} pixels on")?
            }
        }
        write!(
            f,
            ", these are {found_height}×{found_width}: resize or pad them"
        )
    }
}

impl Error for SizeMismatch {}
