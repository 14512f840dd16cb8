//! The gradient of the images.

use super::im2col::{add_without_border, fold};
use super::{Epilogue, PARTS, Shape, Tile, forward};
use crate::gemm::{Matrix, Write, multiply};
use crate::parallel::{Rows, Shared, each, with_scratch};

/// From the gradient of what came out to that of the images.
///
/// # Shapes
/// - weights: `[channels_out, channels_in / groups, kernel height, kernel width]`
/// - grad: `[batch, channels_out, height_out, width_out]`
/// - output: `[batch, channels_in, height, width]`
pub(crate) fn input_grad(shape: &Shape, weights: &[f32], grad: &[f32]) -> Vec<f32> {
    assert_eq!(grad.len(), shape.len_out());
    match mirrored(shape) {
        Some(mirror) => forward(&mirror, grad, &turned(shape, weights), Epilogue::default()),
        None => folded(shape, weights, grad),
    }
}

/// With stride 1 the gradient is a convolution too: the kernel turned around, input and output channels swapped, the
/// border what the kernel reaches beyond the first one's.
fn mirrored(shape: &Shape) -> Option<Shape> {
    if shape.stride != [1, 1] {
        return None;
    }
    let mut padding = shape.padding;
    for (axis, (before, after)) in padding.iter_mut().enumerate() {
        let reach = shape.dilation[axis] * (shape.kernel[axis] - 1);
        *before = reach.checked_sub(*before)?;
        *after = reach.checked_sub(*after)?;
    }
    Some(Shape {
        channels_in: shape.channels_out,
        channels_out: shape.channels_in,
        size_in: shape.size_out(),
        padding,
        ..*shape
    })
}

/// The weights for [`mirrored`].
fn turned(shape: &Shape, weights: &[f32]) -> Vec<f32> {
    let ([channels_in, channels_out], taps) = (shape.group(), shape.taps());
    let mut turned = vec![0.0; weights.len()];
    for (row, own) in weights.chunks_exact(channels_in * taps).enumerate() {
        let (group, channel_out) = (row / channels_out, row % channels_out);
        for (channel_in, kernel) in own.chunks_exact(taps).enumerate() {
            let start = ((group * channels_in + channel_in) * channels_out + channel_out) * taps;
            let target = &mut turned[start..start + taps];
            target
                .iter_mut()
                .zip(kernel.iter().rev())
                .for_each(|(to, from)| *to = *from);
        }
    }
    turned
}

/// Of any stride: columns of gradients, image by image, added to where they came from.
fn folded(shape: &Shape, weights: &[f32], grad: &[f32]) -> Vec<f32> {
    let [channels_in, channels_out] = shape.group();
    let (pixels, depth) = (shape.pixels_out(), channels_in * shape.taps());
    let plane = shape.pixels_in();
    let mut out = vec![0.0; shape.len_in()];
    let shared = Shared::new(&mut out);
    // Few images with many pixels are cut into runs of channels, whose columns fold into planes of their own.
    let runs = PARTS.div_ceil(shape.batch).min(channels_in);
    let run = channels_in.div_ceil(runs);
    let runs = channels_in.div_ceil(run);
    each(shape.batch * shape.groups * runs, |task| {
        let (image, group, first) = (
            task / (shape.groups * runs),
            task / runs % shape.groups,
            task % runs * run,
        );
        let channels = run.min(channels_in - first);
        let start = (image * shape.channels_in + group * channels_in + first) * plane;
        #[allow(unsafe_code, reason = "every task has planes of its own")]
        // SAFETY: no other task writes these planes.
        let target = unsafe { shared.part(start, start + channels * plane) };
        let bordered = Shape {
            size_in: shape.bordered(),
            padding: [(0, 0); 2],
            ..*shape
        };
        let rows = channels * shape.taps();
        // As many pixels at once as keep the columns in the cache.
        let width = (super::TILE * 1024 / rows).clamp(32, pixels.max(32));
        let border = channels * bordered.pixels_in();
        with_scratch(border + rows * width.min(pixels), |memory| {
            let (planes, memory) = memory.split_at_mut(border);
            planes.fill(0.0);
            for pixel in (0..pixels).step_by(width) {
                let tile = Tile {
                    image,
                    images: 1,
                    pixel,
                    pixels: width.min(pixels - pixel),
                };
                let own = &weights[group * channels_out * depth + first * shape.taps()..];
                let from = (image * shape.channels_out + group * channels_out) * pixels + pixel;
                let columns = &mut memory[..rows * tile.pixels];
                multiply(
                    &mut Rows::of(columns, tile.pixels),
                    channels_out,
                    Matrix::rows(own, depth).transposed(),
                    Matrix::rows(&grad[from..], pixels),
                    Write::Replace,
                    false,
                );
                fold(&bordered, columns, tile, planes);
            }
            add_without_border(shape, planes, target);
        });
    });
    out
}
