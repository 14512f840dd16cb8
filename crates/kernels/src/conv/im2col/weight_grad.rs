//! The gradient of the weights.

use super::unfold::{unfold, with_border};
use crate::conv::{PARTS, Shape, tiles};
use crate::gemm::{Matrix, Write, multiply};
use crate::parallel::{Rows, Shared, each, with_scratch};

/// From the images and the gradient of what came out to that of the weights.
///
/// Threads divide the columns of the result, so that no sum depends on their number.
///
/// # Shapes
/// - images: `[batch, channels_in, height, width]`
/// - grad: `[batch, channels_out, height_out, width_out]`
/// - output: `[channels_out, channels_in / groups, kernel height, kernel width]`
pub(in crate::conv) fn weight_grad(shape: &Shape, images: &[f32], grad: &[f32]) -> Vec<f32> {
    assert_eq!(images.len(), shape.len_in());
    assert_eq!(grad.len(), shape.len_out());
    let (shape, images) = &with_border(shape, images);
    let [channels_in, channels_out] = shape.group();
    let depth = channels_in * shape.taps();
    let mut out = vec![0.0; shape.channels_out * depth];
    let shared = Shared::new(&mut out);
    let run = channels_in.div_ceil(PARTS.min(channels_in));
    let runs = channels_in.div_ceil(run);
    each(shape.groups * runs, |task| {
        let (group, first) = (task / runs, task % runs * run);
        let channels = run.min(channels_in - first);
        let start = group * channels_out * depth + first * shape.taps();
        let size = [channels_out, channels * shape.taps()];
        #[allow(unsafe_code, reason = "every task has columns of its own")]
        // SAFETY: no other task has these channels.
        let target = unsafe { shared.rows(start, size, depth) };
        run_of(shape, images, grad, group, [first, channels], target);
    });
    out
}

/// The gradient for `channels` channels from `first` on.
fn run_of(
    shape: &Shape,
    images: &[f32],
    grad: &[f32],
    group: usize,
    [first, channels]: [usize; 2],
    mut target: Rows,
) {
    let [channels_in, channels_out] = shape.group();
    let pixels = shape.pixels_out();
    let rows = channels * shape.taps();
    let channel = group * channels_in + first;
    for tile in tiles(shape.batch, shape.size_out(), 1) {
        let columns = tile.columns();
        let maps = |image: usize| {
            ((tile.image + image) * shape.channels_out + group * channels_out) * pixels
        };
        with_scratch((rows + channels_out) * columns, |memory| {
            let (memory, gathered) = memory.split_at_mut(rows * columns);
            let left = match tile.images {
                1 => Matrix::rows(&grad[maps(0) + tile.pixel..], pixels),
                images => {
                    for (channel, row) in gathered.chunks_exact_mut(columns).enumerate() {
                        for (image, part) in row.chunks_exact_mut(pixels).enumerate().take(images) {
                            let start = maps(image) + channel * pixels;
                            part.copy_from_slice(&grad[start..start + pixels]);
                        }
                    }
                    Matrix::rows(gathered, columns)
                }
            };
            let right = if shape.is_pointwise() && tile.images == 1 {
                let start = (tile.image * shape.channels_in + channel) * pixels + tile.pixel;
                Matrix::rows(&images[start..], pixels)
            } else {
                unfold(shape, images, [channel, channels], tile, memory);
                Matrix::rows(memory, columns)
            };
            multiply(
                &mut target,
                columns,
                left,
                right.transposed(),
                Write::Add,
                false,
            );
        });
    }
}
