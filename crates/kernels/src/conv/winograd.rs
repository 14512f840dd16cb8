//! Convolution by 3×3 kernels with fewer multiplications
//! ([Lavin and Gray 2016](https://arxiv.org/abs/1509.09308), F(4×4, 3×3)): 36 products where the definition has 144.
//!
//! Tiles of 6×6 pixels and kernels are transformed, then every place in a tile is a product of matrices by itself, then what comes
//! out of it is transformed to 4×4 pixels. The gradient of the weights is the same, backwards. Infinity or NaN
//! would spread to the other pixels of its tile: where one comes out, another way is left to say where it belongs.

mod filters;
mod tiles;
mod transforms;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use filters::{gather, transform};
use tiles::{spread, spread_grad, take};

use super::{Epilogue, PARTS, Shape};
use crate::gemm::{Matrix, Write, multiply};
use crate::parallel::{Shared, each, with_scratch, written};

/// Pixels of a side of a tile of what comes out.
const OUT: usize = 4;
/// Pixels of a side of a tile of what goes in.
const IN: usize = 6;
/// Places in a tile.
const TILE_ELEMS: usize = IN * IN;

/// How the work is cut, by the caches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocking {
    /// Numbers of the transformed tiles that all threads work on at once: a part of a common third-level cache.
    pub(super) shared: usize,
    /// And those that a thread works on by itself: in its second-level cache.
    pub(super) own: usize,
    /// Transformed weights at most with which threads work by themselves: each passes over all of them for every block.
    pub(super) few: usize,
    /// Tiles at least of a block.
    pub(super) least: usize,
}

impl Blocking {
    pub(super) const BY_CACHES: Self = Self {
        shared: 3 * 1024 * 1024,
        own: 192 * 1024,
        few: TILE_ELEMS * 64 * 128,
        least: 32,
    };
}

/// Rows of a product that are a task of their own.
const ROWS: usize = 128;

/// Numbers of a cache line.
const LINE: usize = 16;

/// Numbers behind the tiles that may be written, and count for nothing: a register's.
const SLACK: usize = 16;

/// Whether this is a way to conv2d.
pub(super) fn fits(shape: &Shape) -> bool {
    shape.kernel == [3, 3]
        && shape.stride == [1, 1]
        && shape.dilation == [1, 1]
        && shape.groups == 1
}

/// Whether it is the fastest, by a sum of what the parts take, in picoseconds as measured with two threads on a processor of the
/// Zen 4 generation; what counts is how they compare.
pub(super) fn is_faster(shape: &Shape) -> bool {
    /// Of a tile and a pair of channels: 144 products, or 36.
    const DEFINITION: f64 = 1440.0;
    const PRODUCT: f64 = 390.0;
    /// Of a tile and a channel that goes in or comes out.
    const TRANSFORM: f64 = 14_000.0;
    /// Of a kernel.
    const KERNEL: f64 = 13_000.0;
    if !fits(shape) {
        return false;
    }
    let grid = Grid::new(shape, Blocking::BY_CACHES);
    let tiles = (grid.rows() * grid.across) as f64;
    let pairs = (shape.channels_in * shape.channels_out) as f64;
    let channels = (shape.channels_in + shape.channels_out) as f64;
    let own = PRODUCT * tiles * pairs + TRANSFORM * tiles * channels + KERNEL * pairs;
    let pixels = (shape.len_out() / shape.channels_out) as f64;
    // Clearly so: what is near may be either.
    own < 0.8 * DEFINITION / 16.0 * pixels * pairs
}

/// The tiles of some images: rows of them, one image after the other.
#[derive(Debug, Clone, Copy)]
struct Grid {
    shape: Shape,
    cut: Blocking,
    /// Rows of tiles of an image.
    down: usize,
    /// Tiles of a row.
    across: usize,
}

/// Some rows of tiles that are worked on at once.
#[derive(Debug, Clone)]
struct Block {
    rows: Range<usize>,
    tiles: usize,
    /// From the tiles of one channel to those of the next.
    stride: usize,
}

impl Block {
    /// From a place to the next, of `channels` channels: an odd number of cache lines, so that a tile's places do not push each
    /// other out.
    fn step(&self, channels: usize) -> usize {
        ((channels * self.stride / LINE) | 1) * LINE
    }
}

impl Grid {
    fn new(shape: &Shape, cut: Blocking) -> Self {
        let [height, width] = shape.size_out();
        Self {
            shape: *shape,
            cut,
            down: height.div_ceil(OUT),
            across: width.div_ceil(OUT),
        }
    }

    fn rows(&self) -> usize {
        self.shape.batch * self.down
    }

    /// Whether threads work on blocks of their own, and not on one together.
    fn is_split(&self) -> bool {
        let shape = &self.shape;
        let kernels = TILE_ELEMS * shape.channels_in * shape.channels_out;
        kernels <= self.cut.few && self.rows() * self.across >= PARTS * 16
    }

    /// Rows of tiles of a block, so that it fits a cache.
    fn run(&self) -> usize {
        let channels = self.shape.channels_in + self.shape.channels_out;
        let (most, parts) = match self.is_split() {
            true => (self.cut.own, PARTS),
            false => (self.cut.shared, 1),
        };
        let tiles = (most / (TILE_ELEMS * channels)).max(self.cut.least);
        let rows = (tiles / self.across).max(1);
        // As many rows in each.
        let all = self.rows();
        all.div_ceil(all.div_ceil(rows).max(parts))
    }

    fn blocks(&self) -> usize {
        self.rows().div_ceil(self.run())
    }

    fn block(&self, index: usize) -> Block {
        let first = index * self.run();
        let rows = first..(first + self.run()).min(self.rows());
        Block {
            tiles: rows.len() * self.across,
            stride: self.stride(),
            rows,
        }
    }

    /// From the tiles of one channel of a block to those of the next.
    fn stride(&self) -> usize {
        (self.run() * self.across).next_multiple_of(SLACK) + SLACK
    }

    /// Numbers of a block's transformed tiles of `channels` channels.
    fn size(&self, channels: usize) -> usize {
        TILE_ELEMS * self.block(0).step(channels)
    }
}

/// How the work on a block is done: by all threads, or by the one that has it.
#[derive(Debug, Clone, Copy)]
enum By {
    All,
    One,
}

impl By {
    fn each(self, count: usize, work: impl Fn(usize) + Sync + Send) {
        match self {
            Self::All => each(count, work),
            Self::One => (0..count).for_each(work),
        }
    }
}

/// See [`forward`](super::forward); none where what comes out is infinite or no number.
pub(super) fn forward(
    shape: &Shape,
    cut: Blocking,
    images: &[f32],
    weights: &[f32],
    after: Epilogue,
) -> Option<Vec<f32>> {
    let (channels_in, channels_out) = (shape.channels_in, shape.channels_out);
    let channels = [channels_out, channels_in];
    let grid = Grid::new(shape, cut);
    let is_finite = AtomicBool::new(true);
    let block = |index: usize, by: By, kernels: &[f32], out: &Shared| {
        let block = grid.block(index);
        with_scratch(grid.size(channels_in) + grid.size(channels_out), |memory| {
            let (tiles, maps) = memory.split_at_mut(grid.size(channels_in));
            lay(&grid, &block, by, images, tiles);
            products(channels, &block, by, kernels, tiles, maps);
            by.each(channels_out, |channel| {
                if !take(&grid, &block, maps, channel, after, out) {
                    is_finite.store(false, Ordering::Relaxed);
                }
            });
        });
    };
    let work = |out: &Shared| {
        let kernels = transform(weights, channels);
        match grid.is_split() {
            true => each(grid.blocks(), |index| block(index, By::One, &kernels, out)),
            false => (0..grid.blocks()).for_each(|index| block(index, By::All, &kernels, out)),
        }
    };
    #[allow(unsafe_code, reason = "blocks and channels cover everything")]
    // SAFETY: every row of every map lies in one row of tiles, and is written.
    let out = unsafe { written(shape.len_out(), work) };
    is_finite.into_inner().then_some(out)
}

/// See [`weight_grad`](super::weight_grad); none where what comes out is infinite or no number.
pub(super) fn weight_grad(
    shape: &Shape,
    cut: Blocking,
    images: &[f32],
    grad: &[f32],
) -> Option<Vec<f32>> {
    let (channels_in, channels_out) = (shape.channels_in, shape.channels_out);
    let channels = [channels_out, channels_in];
    let grid = Grid::new(shape, cut);
    let block = |index: usize, by: By, kernels: &Shared, start: usize, write: Write| {
        let block = grid.block(index);
        with_scratch(grid.size(channels_in) + grid.size(channels_out), |memory| {
            let (tiles, maps) = memory.split_at_mut(grid.size(channels_in));
            lay(&grid, &block, by, images, tiles);
            let shared = Shared::new(maps);
            by.each(channels_out, |channel| {
                spread_grad(&grid, &block, grad, channel, &shared);
            });
            sums(channels, &block, by, [tiles, maps], kernels, start, write);
        });
    };
    // Threads by themselves sum some blocks each: by shape and not by threads, so that no sum depends on their number.
    let parts = if grid.is_split() { PARTS } else { 1 };
    let by = if grid.is_split() { By::One } else { By::All };
    let run = grid.blocks().div_ceil(parts);
    let size = TILE_ELEMS * channels_out * channels_in;
    let parts = grid.blocks().div_ceil(run);
    let work = |kernels: &Shared, part: usize| {
        for index in part * run..grid.blocks().min((part + 1) * run) {
            let is_first = index == part * run;
            let write = if is_first { Write::Replace } else { Write::Add };
            block(index, by, kernels, part * size, write);
        }
    };
    #[allow(unsafe_code, reason = "every part has sums of its own")]
    // SAFETY: the first block of a part writes all of its sums.
    let mut kernels = unsafe {
        written(parts * size, |kernels| {
            each(parts, |part| work(kernels, part));
        })
    };
    let (sum, more) = kernels.split_at_mut(size);
    for more in more.chunks_exact(size) {
        sum.iter_mut()
            .zip(more)
            .for_each(|(sum, more)| *sum += more);
    }
    let out = gather(sum, channels);
    out.iter().all(|sum| sum.is_finite()).then_some(out)
}

/// The transformed tiles of the images: `[places, channels, tiles]`.
fn lay(grid: &Grid, block: &Block, by: By, images: &[f32], tiles: &mut [f32]) {
    let shared = Shared::new(tiles);
    by.each(grid.shape.channels_in, |channel| {
        spread(grid, block, images, channel, &shared);
    });
}

/// For every place in a tile the product of kernels and tiles: `[places, channels out, tiles]`.
fn products(
    [channels_out, channels_in]: [usize; 2],
    block: &Block,
    by: By,
    kernels: &[f32],
    tiles: &[f32],
    maps: &mut [f32],
) {
    let shared = Shared::new(maps);
    let runs = channels_out.div_ceil(ROWS);
    by.each(TILE_ELEMS * runs, |task| {
        let (place, first) = (task / runs, task % runs * ROWS);
        let rows = ROWS.min(channels_out - first);
        let start = place * block.step(channels_out) + first * block.stride;
        #[allow(unsafe_code, reason = "every task has rows of its own")]
        // SAFETY: no other task has this place and these channels.
        let mut target = unsafe { shared.rows(start, [rows, block.tiles], block.stride) };
        multiply(
            &mut target,
            channels_in,
            Matrix::rows(
                &kernels[(place * channels_out + first) * channels_in..],
                channels_in,
            ),
            Matrix::rows(&tiles[place * block.step(channels_in)..], block.stride),
            Write::Replace,
            false,
        );
    });
}

/// For every place in a tile the product of maps and tiles: `[places, channels out, channels in]`, from `start` on.
fn sums(
    [channels_out, channels_in]: [usize; 2],
    block: &Block,
    by: By,
    [tiles, maps]: [&[f32]; 2],
    kernels: &Shared,
    start: usize,
    write: Write,
) {
    let runs = channels_out.div_ceil(ROWS);
    by.each(TILE_ELEMS * runs, |task| {
        let (place, first) = (task / runs, task % runs * ROWS);
        let rows = ROWS.min(channels_out - first);
        let start = start + (place * channels_out + first) * channels_in;
        #[allow(unsafe_code, reason = "every task has rows of its own")]
        // SAFETY: no other task has this place and these channels of this part.
        let mut target = unsafe { kernels.rows(start, [rows, channels_in], channels_in) };
        multiply(
            &mut target,
            block.tiles,
            Matrix::rows(
                &maps[place * block.step(channels_out) + first * block.stride..],
                block.stride,
            ),
            Matrix::rows(&tiles[place * block.step(channels_in)..], block.stride).transposed(),
            write,
            false,
        );
    });
}
