//! Two-dimensional convolution: forward, and the gradients of its input and its weights.
//!
//! Three ways, by the shape: [`winograd`]'s with fewer products where it pays, else [`straight`] from the images where a sum is
//! short, else [`unfolded`] into products of matrices. All write what comes out to where the tensors have it:
//! `[batch, channels, height, width]`.

use std::fmt;

use rayon::prelude::*;

use crate::batch_norm::sum;

mod direct;
mod epilogue;
mod im2col;
mod input_grad;
mod winograd;

#[cfg(test)]
mod tests;

pub(crate) use epilogue::Epilogue;
pub(crate) use input_grad::input_grad;
use winograd::Blocking;

/// Images to feature maps, and what follows.
///
/// # Shapes
/// - images: `[batch, channels_in, height, width]`
/// - weights: `[channels_out, channels_in / groups, kernel height, kernel width]`
/// - output: `[batch, channels_out, height_out, width_out]`
pub(crate) fn forward(shape: &Shape, images: &[f32], weights: &[f32], after: Epilogue) -> Vec<f32> {
    assert!(
        [after.scale, after.shift]
            .iter()
            .flatten()
            .all(|own| own.len() == shape.channels_out)
    );
    assert!(
        after
            .shortcut
            .is_none_or(|shortcut| shortcut.len() == shape.len_out())
    );
    if winograd::is_faster(shape)
        && let Some(out) = winograd::forward(shape, Blocking::BY_CACHES, images, weights, after)
    {
        return out;
    }
    match is_short(shape) {
        true => direct::forward(shape, images, weights, after),
        false => im2col::forward(shape, images, weights, after),
    }
}

/// From the images and the gradient of what came out to that of the weights.
///
/// # Shapes
/// - images: `[batch, channels_in, height, width]`
/// - grad: `[batch, channels_out, height_out, width_out]`
/// - output: `[channels_out, channels_in / groups, kernel height, kernel width]`
pub(crate) fn weight_grad(shape: &Shape, images: &[f32], grad: &[f32]) -> Vec<f32> {
    if winograd::is_faster(shape)
        && let Some(out) = winograd::weight_grad(shape, Blocking::BY_CACHES, images, grad)
    {
        return out;
    }
    match is_short(shape) {
        true => direct::weight_grad(shape, images, grad),
        false => im2col::weight_grad(shape, images, grad),
    }
}

/// The longest sums that are made straight from the images: 3×3 kernels over 128 channels. Of longer ones products of matrices
/// make better use of the cache.
const LONGEST: usize = 1152;

/// Whether sums are short enough to be made straight from the images, and not of images unfolded.
fn is_short(shape: &Shape) -> bool {
    // A strip holds what a stride skips as well.
    let skips = (0..2).any(|axis| shape.stride[axis] > shape.kernel[axis]);
    !skips && shape.taps() > 1 && shape.group()[0] * shape.taps() <= LONGEST
}

/// The gradient of the bias: the sum of that of what came out, channel by channel.
pub(crate) fn bias_grad(channels: usize, pixels: usize, grad: &[f32]) -> Vec<f32> {
    let sum = |channel: usize| -> f64 {
        let maps = grad.chunks_exact(pixels).skip(channel).step_by(channels);
        maps.map(sum).sum()
    };
    (0..channels)
        .into_par_iter()
        .map(|channel| sum(channel) as f32)
        .collect()
}

/// Columns of one tile: enough for the product to be efficient, few enough for the unfolded tile to stay in the cache.
const TILE: usize = 256;

/// Into how many parts work is cut that does not come in more by itself: for as many threads, and not by how many there are, so
/// that no sum depends on their number.
const PARTS: usize = 8;

/// The shape of a convolution; pairs are height and width.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shape {
    pub(crate) batch: usize,
    pub(crate) channels_in: usize,
    pub(crate) channels_out: usize,
    pub(crate) size_in: [usize; 2],
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    /// Above and below, left and right.
    pub(crate) padding: [(usize, usize); 2],
    pub(crate) dilation: [usize; 2],
    pub(crate) groups: usize,
}

impl Shape {
    /// Height and width of what comes out.
    pub(crate) fn size_out(&self) -> [usize; 2] {
        let room = self.bordered();
        let side = |axis: usize| {
            let reach = self.dilation[axis] * (self.kernel[axis] - 1) + 1;
            assert!(
                room[axis] >= reach,
                "the kernel is larger than the padded image"
            );
            (room[axis] - reach) / self.stride[axis] + 1
        };
        [side(0), side(1)]
    }

    /// Height and width of the images with their border.
    fn bordered(&self) -> [usize; 2] {
        let [(above, below), (left, right)] = self.padding;
        [
            self.size_in[0] + above + below,
            self.size_in[1] + left + right,
        ]
    }

    /// Multiplications and additions of any of its three passes.
    pub(crate) fn operations(&self) -> f64 {
        let depth = self.group()[0] * self.taps();
        2.0 * self.len_out() as f64 * depth as f64
    }

    fn pixels_in(&self) -> usize {
        self.size_in[0] * self.size_in[1]
    }

    fn pixels_out(&self) -> usize {
        let [height, width] = self.size_out();
        height * width
    }

    /// Channels in and out of one group.
    fn group(&self) -> [usize; 2] {
        [
            self.channels_in / self.groups,
            self.channels_out / self.groups,
        ]
    }

    fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Whether a pixel that comes out is made of the pixel in the same place and no other.
    fn is_pointwise(&self) -> bool {
        self.taps() == 1 && self.stride == [1, 1] && self.padding == [(0, 0); 2]
    }

    fn len_out(&self) -> usize {
        self.batch * self.channels_out * self.pixels_out()
    }

    fn len_in(&self) -> usize {
        self.batch * self.channels_in * self.pixels_in()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            channels_in,
            channels_out,
            size_in: [height, width],
            kernel: [down, across],
            stride,
            groups,
            ..
        } = self;
        write!(f, "{channels_in}→{channels_out} {down}×{across}")?;
        if *stride != [1, 1] {
            write!(f, " /{}", stride[0])?;
        }
        if *groups > 1 {
            write!(f, " in {groups} groups")?;
        }
        write!(f, " at {height}×{width}")
    }
}

/// Pixels that are worked on at once: all of several small images, or some of one.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Tile {
    /// The first image.
    image: usize,
    images: usize,
    /// The first pixel that comes out, and how many, of each image.
    pixel: usize,
    pixels: usize,
}

impl Tile {
    fn columns(&self) -> usize {
        self.images * self.pixels
    }
}

/// Tiles that cover `images` images of `pixels` pixels, about [`TILE`] wide; of small images a multiple of `multiple`, where
/// there are so many.
fn tiles(images: usize, [height, row]: [usize; 2], multiple: usize) -> Vec<Tile> {
    let pixels = height * row;
    if pixels >= TILE {
        // Of few images a number of tiles that divides evenly over the threads.
        let even = if images < PARTS { PARTS / 2 } else { 1 };
        let most = pixels.div_ceil(pixels.div_ceil(TILE).next_multiple_of(even));
        // Whole rows, unless a row is longer than a tile.
        let width = match row {
            0..=TILE => most.div_ceil(row) * row,
            _ => most,
        };
        return (0..images)
            .flat_map(|image| {
                (0..pixels).step_by(width).map(move |pixel| Tile {
                    image,
                    images: 1,
                    pixel,
                    pixels: width.min(pixels - pixel),
                })
            })
            .collect();
    }
    let parts = (images * pixels).div_ceil(TILE);
    let parts = parts.next_multiple_of(multiple).clamp(1, images.max(1));
    let group = images.div_ceil(parts).max(1);
    (0..images)
        .step_by(group)
        .map(|image| Tile {
            image,
            images: group.min(images - image),
            pixel: 0,
            pixels,
        })
        .collect()
}
