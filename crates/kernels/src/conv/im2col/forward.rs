//! The convolution itself, see [`forward`](crate::conv::forward).

use super::unfold::{unfold, with_border};
use crate::conv::{Epilogue, PARTS, Shape, Tile, tiles};
use crate::gemm::{Matrix, Write, multiply};
use crate::parallel::{Rows, Shared, each, with_scratch, written};

/// Images to feature maps.
///
/// # Shapes
/// - images: `[batch, channels_in, height, width]`
/// - weights: `[channels_out, channels_in / groups, kernel height, kernel width]`
/// - output: `[batch, channels_out, height_out, width_out]`
pub(in crate::conv) fn forward(
    shape: &Shape,
    images: &[f32],
    weights: &[f32],
    after: Epilogue,
) -> Vec<f32> {
    let [channels_in, channels_out] = shape.group();
    assert_eq!(images.len(), shape.len_in());
    assert_eq!(channels_in * shape.groups, shape.channels_in);
    assert_eq!(channels_out * shape.groups, shape.channels_out);
    assert_eq!(
        weights.len(),
        shape.channels_out * channels_in * shape.taps()
    );
    let (shape, images) = &with_border(shape, images);
    let tiles = tiles(shape.batch, shape.size_out(), PARTS);
    let is_alone = tiles.len() * shape.groups == 1;
    let write = |out: &Shared| {
        each(tiles.len() * shape.groups, |task| {
            let (tile, group) = (tiles[task / shape.groups], task % shape.groups);
            tile_of(shape, images, weights, after, tile, group, out, is_alone);
        });
    };
    #[allow(unsafe_code, reason = "tiles and groups cover everything")]
    // SAFETY: every pixel of every map lies in one tile and one group, and a product replaces what was there.
    unsafe {
        written(shape.len_out(), write)
    }
}

#[allow(clippy::too_many_arguments, reason = "one tile of the function above")]
fn tile_of(
    shape: &Shape,
    images: &[f32],
    weights: &[f32],
    after: Epilogue,
    tile: Tile,
    group: usize,
    out: &Shared,
    is_alone: bool,
) {
    let [channels_in, channels_out] = shape.group();
    let (pixels, depth) = (shape.pixels_out(), channels_in * shape.taps());
    let columns = tile.columns();
    let first = group * channels_out;
    let weights = Matrix::rows(
        &weights[first * depth..(first + channels_out) * depth],
        depth,
    );
    // Where an image's maps of this group begin.
    let maps = |image: usize| ((tile.image + image) * shape.channels_out + first) * pixels;
    let multiply_into = |target: &mut Rows, right: Matrix| {
        multiply(target, depth, weights, right, Write::Replace, is_alone);
    };
    let unfolded = |memory: &mut [f32]| {
        // All threads work on one that is alone.
        let run = if is_alone {
            channels_in.div_ceil(PARTS)
        } else {
            channels_in
        };
        let row = shape.taps() * columns;
        let shared = Shared::new(&mut memory[..channels_in * row]);
        each(channels_in.div_ceil(run), |part| {
            let (start, end) = (part * run, channels_in.min((part + 1) * run));
            #[allow(unsafe_code, reason = "every task has channels of its own")]
            // SAFETY: no other task has these channels.
            let memory = unsafe { shared.part(start * row, end * row) };
            unfold(
                shape,
                images,
                [group * channels_in + start, end - start],
                tile,
                memory,
            );
        });
    };
    if tile.images == 1 {
        #[allow(unsafe_code, reason = "tiles do not overlap")]
        // SAFETY: no other tile and no other group has these pixels.
        let mut target = unsafe { out.rows(maps(0) + tile.pixel, [channels_out, columns], pixels) };
        if shape.is_pointwise() {
            let source = (tile.image * shape.channels_in + group * channels_in) * pixels;
            let right = Matrix::rows(&images[source + tile.pixel..], pixels);
            multiply_into(&mut target, right);
        } else {
            with_scratch(depth * columns, |memory| {
                unfolded(memory);
                multiply_into(&mut target, Matrix::rows(memory, columns));
            });
        }
        if !after.is_nothing() {
            for channel in 0..channels_out {
                let at = maps(0) + channel * pixels + tile.pixel;
                #[allow(unsafe_code, reason = "tiles do not overlap")]
                // SAFETY: no other tile and no other group has these pixels, and the product has written them.
                let sums = unsafe { out.part(at, at + columns) };
                after.finish(first + channel, at, sums);
            }
        }
        return;
    }
    with_scratch((depth + channels_out) * columns, |memory| {
        let (memory, product) = memory.split_at_mut(depth * columns);
        unfolded(memory);
        multiply_into(
            &mut Rows::of(product, columns),
            Matrix::rows(memory, columns),
        );
        for image in 0..tile.images {
            #[allow(unsafe_code, reason = "every image has maps of its own")]
            // SAFETY: no other tile and no other group writes these maps.
            let target = unsafe { out.zeroed(maps(image), maps(image) + channels_out * pixels) };
            let rows = product.chunks_exact(columns);
            for (channel, (map, row)) in target.chunks_exact_mut(pixels).zip(rows).enumerate() {
                map.copy_from_slice(&row[image * pixels..(image + 1) * pixels]);
                after.finish(first + channel, maps(image) + channel * pixels, map);
            }
        }
    });
}
