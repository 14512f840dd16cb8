//! Images and maps to tiles and back, a channel at a time, and as many tiles in one register as it holds.
#![allow(
    clippy::needless_range_loop,
    reason = "calls and iterators are not always compiled for the registers at hand"
)]

use std::marker::PhantomData;

use pulp::{Arch, Simd, WithSimd};

use super::transforms::{Image, Map, MapGrad, Transform, Wide};
use super::{Block, Grid, IN, OUT, SLACK};
use crate::conv::Epilogue;
use crate::parallel::{Shared, with_scratch};

/// Transforms the tiles of channel `channel` of a block's images, to `[places, channels, tiles]`.
pub(super) fn spread(grid: &Grid, block: &Block, images: &[f32], channel: usize, out: &Shared) {
    let shape = &grid.shape;
    pixels::<Image, IN>(Pixels {
        grid,
        block,
        planes: images,
        size: shape.size_in,
        border: [shape.padding[0].0, shape.padding[1].0],
        channel,
        channels: shape.channels_in,
        out,
    });
}

/// Transforms the tiles of channel `channel` of the gradients of a block's maps, to `[places, channels, tiles]`.
pub(super) fn spread_grad(grid: &Grid, block: &Block, grad: &[f32], channel: usize, out: &Shared) {
    let shape = &grid.shape;
    pixels::<MapGrad, OUT>(Pixels {
        grid,
        block,
        planes: grad,
        size: shape.size_out(),
        border: [0, 0],
        channel,
        channels: shape.channels_out,
        out,
    });
}

/// A channel whose tiles, one every four pixels, are to be transformed.
struct Pixels<'a> {
    grid: &'a Grid,
    block: &'a Block,
    /// `[batch, channels, height, width]`
    planes: &'a [f32],
    /// Height and width.
    size: [usize; 2],
    /// Above and to the left.
    border: [usize; 2],
    channel: usize,
    channels: usize,
    out: &'a Shared<'a>,
}

fn pixels<T: Transform<SIDE, IN>, const SIDE: usize>(pixels: Pixels) {
    let size = OUT * (pixels.grid.across + 1);
    with_scratch(size + SIDE * SIDE * pixels.block.stride, |memory| {
        let (row, dealt) = memory.split_at_mut(size);
        Arch::new().dispatch(Spread::<T, SIDE> {
            pixels,
            row,
            dealt,
            _transform: PhantomData,
        });
    });
}

struct Spread<'a, T, const SIDE: usize> {
    pixels: Pixels<'a>,
    /// A row of pixels with its border.
    row: &'a mut [f32],
    /// Of each pixel of a tile those of all tiles: `[SIDE · SIDE, stride]`.
    dealt: &'a mut [f32],
    _transform: PhantomData<T>,
}

impl<T, const SIDE: usize> Spread<'_, T, SIDE> {
    /// Deals the pixels of a plane to their tiles. What a tile has beyond the image is 0.
    #[inline(always)]
    fn deal(&mut self) {
        let Pixels {
            grid,
            block,
            planes,
            size: [height, width],
            border: [above, left],
            channel,
            channels,
            ..
        } = self.pixels;
        let (stride, across) = (block.stride, grid.across);
        self.row.fill(0.0);
        for (index, tiles) in block.rows.clone().enumerate() {
            let (image, first) = (tiles / grid.down, tiles % grid.down * OUT);
            let plane = &planes[(image * channels + channel) * height * width..][..height * width];
            for line in 0..SIDE {
                let lines = &mut self.dealt[line * SIDE * stride + index * across..];
                match (first + line).checked_sub(above) {
                    Some(y) if y < height => {
                        self.row[left..left + width].copy_from_slice(&plane[y * width..][..width]);
                        deal_row::<SIDE>(self.row, lines, stride);
                    }
                    _ => {
                        for column in 0..SIDE {
                            lines[column * stride..][..across].fill(0.0);
                        }
                    }
                }
            }
        }
    }
}

/// Deals a row of pixels to its tiles: column by column of a tile.
#[inline(always)]
fn deal_row<const SIDE: usize>(row: &[f32], lines: &mut [f32], stride: usize) {
    let (four, _) = row.as_chunks::<OUT>();
    let across = four.len() - 1;
    for column in 0..SIDE {
        let from = &four[column / OUT..][..across];
        let to = &mut lines[column * stride..][..across];
        for i in 0..across {
            to[i] = from[i][column % OUT];
        }
    }
}

impl<T: Transform<SIDE, IN>, const SIDE: usize> WithSimd for Spread<'_, T, SIDE> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        self.deal();
        let n = Wide(simd);
        let (block, stride) = (self.pixels.block, self.pixels.block.stride);
        let (first, step) = (
            self.pixels.channel * stride,
            block.step(self.pixels.channels),
        );
        let mut tile = 0;
        while tile < block.tiles {
            let mut from = [[simd.splat_f32s(0.0); SIDE]; SIDE];
            for i in 0..SIDE {
                for j in 0..SIDE {
                    let at = (i * SIDE + j) * stride + tile;
                    let (values, _) = S::as_simd_f32s(&self.dealt[at..][..S::F32_LANES]);
                    from[i][j] = values[0];
                }
            }
            let places = T::both(n, from);
            for i in 0..IN {
                for j in 0..IN {
                    let at = first + (i * IN + j) * step + tile;
                    #[allow(unsafe_code, reason = "every task has a channel of its own")]
                    // SAFETY: no other task has the tiles of this channel, or the slack behind.
                    let to = unsafe { self.pixels.out.part(at, at + S::F32_LANES) };
                    S::as_mut_simd_f32s(to).0[0] = places[i][j];
                }
            }
            tile += S::F32_LANES;
        }
    }
}

/// Transforms the products of a channel of a block to its maps. Whether all of them are finite, before what follows.
pub(super) fn take(
    grid: &Grid,
    block: &Block,
    products: &[f32],
    channel: usize,
    after: Epilogue,
    out: &Shared,
) -> bool {
    let shape = &grid.shape;
    let [height, width] = shape.size_out();
    let size = OUT * block.stride;
    with_scratch(OUT * size, |lines| {
        Arch::new().dispatch(Take {
            products,
            first: channel * block.stride,
            step: block.step(shape.channels_out),
            tiles: block.tiles,
            lines,
            size,
        });
        let used = block.tiles * OUT;
        let are_finite = (0..OUT).all(|line| {
            let line = &lines[line * size..][..used];
            Arch::new().dispatch(IsFinite(line))
        });
        for (index, row) in block.rows.clone().enumerate() {
            let (image, first) = (row / grid.down, row % grid.down * OUT);
            let map = (image * shape.channels_out + channel) * height * width;
            let at = index * grid.across * OUT;
            for line in first..height.min(first + OUT) {
                let pixels = &mut lines[(line - first) * size + at..][..width];
                let place = map + line * width;
                after.finish(channel, place, pixels);
                #[allow(unsafe_code, reason = "every task has maps of its own")]
                // SAFETY: no other task has this channel of these images.
                unsafe {
                    out.write(place, pixels)
                };
            }
        }
        are_finite
    })
}

/// Whether all values are finite.
struct IsFinite<'a>(&'a [f32]);

impl WithSimd for IsFinite<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let (values, tail) = S::as_simd_f32s(self.0);
        let zero = simd.splat_f32s(0.0);
        // What is finite is 0 times 0; anything else leaves no number.
        let mut sum = simd.mul_f32s(simd.partial_load_f32s(tail), zero);
        for i in 0..values.len() {
            sum = simd.mul_add_e_f32s(values[i], zero, sum);
        }
        simd.reduce_sum_f32s(sum) == 0.0
    }
}

struct Take<'a> {
    /// `[places, channels, tiles]`
    products: &'a [f32],
    first: usize,
    step: usize,
    tiles: usize,
    /// Four rows of the pixels of all tiles.
    lines: &'a mut [f32],
    size: usize,
}

impl WithSimd for Take<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let n = Wide(simd);
        let mut tile = 0;
        while tile < self.tiles {
            let mut from = [[simd.splat_f32s(0.0); IN]; IN];
            for i in 0..IN {
                for j in 0..IN {
                    let at = self.first + (i * IN + j) * self.step + tile;
                    let (values, _) = S::as_simd_f32s(&self.products[at..][..S::F32_LANES]);
                    from[i][j] = values[0];
                }
            }
            let pixels = Map::both(n, from);
            for row in 0..OUT {
                let mut columns = [[0.0f32; SLACK]; OUT];
                for column in 0..OUT {
                    S::as_mut_simd_f32s(&mut columns[column]).0[0] = pixels[row][column];
                }
                let to = &mut self.lines[row * self.size + tile * OUT..][..S::F32_LANES * OUT];
                let (to, _) = to.as_chunks_mut::<OUT>();
                for i in 0..S::F32_LANES {
                    to[i] = [columns[0][i], columns[1][i], columns[2][i], columns[3][i]];
                }
            }
            tile += S::F32_LANES;
        }
    }
}
