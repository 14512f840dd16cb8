//! Convolution and the gradient of its weights straight from the images, laid side by side in strips: sums stay in registers,
//! and nothing is unfolded, and nothing packed but the weights.

mod layout;
mod microkernel;

use layout::Strips;
use microkernel::{Dots, Registers, Sums};

use super::{Epilogue, PARTS, Shape};
use crate::parallel::{Shared, each, with_scratch, written};

/// See [`forward`](super::forward).
pub(super) fn forward(shape: &Shape, images: &[f32], weights: &[f32], after: Epilogue) -> Vec<f32> {
    let Registers { lanes, rows } = Registers::get();
    let [channels_in, channels_out] = shape.group();
    let depth = channels_in * shape.taps();
    let strips = Strips::new(shape, channels_in, PARTS);
    let offsets = strips.offsets(channels_in);
    let pixels = strips.pixels().next_multiple_of(lanes);
    let packed = packed(weights, [channels_out, depth], rows);
    // Few strips are divided by channels.
    let blocks = channels_out.div_ceil(rows);
    let parts = PARTS.div_ceil(strips.count() * shape.groups).min(blocks);
    let run = blocks.div_ceil(parts);
    let parts = blocks.div_ceil(run);
    let map = shape.pixels_out();
    let work = |out: &Shared, task: usize| {
        let (index, group, first) = (
            task / (shape.groups * parts),
            task / parts % shape.groups,
            task % parts * run,
        );
        let run = run.min(blocks - first);
        let laid = strips.len(channels_in);
        with_scratch(laid + run * rows * pixels, |memory| {
            let (memory, sums) = memory.split_at_mut(laid);
            strips.lay(images, index, [group * channels_in, channels_in], memory);
            let start = (group * blocks + first) * depth * rows;
            Sums {
                offsets: &offsets,
                strip: memory,
                weights: &packed[start..start + run * depth * rows],
                out: sums,
                pixels,
            }
            .run();
            let channels = first * rows..channels_out.min((first + run) * rows);
            for (channel, sums) in channels.zip(sums.chunks_exact_mut(pixels)) {
                let channel = group * channels_out + channel;
                strips.take(index, sums, |image, row, sums| {
                    let at = (image * shape.channels_out + channel) * map + row.start;
                    #[allow(unsafe_code, reason = "tasks have maps of their own")]
                    // SAFETY: no other task has these images and channels.
                    let to = unsafe {
                        out.write(at, sums);
                        out.part(at, at + sums.len())
                    };
                    // There, since sums of neighbouring images may overlap here.
                    after.finish(channel, at, to);
                });
            }
        });
    };
    #[allow(unsafe_code, reason = "strips, groups and channels cover everything")]
    // SAFETY: every row of every map is written.
    unsafe {
        written(shape.len_out(), |out| {
            each(strips.count() * shape.groups * parts, |task| {
                work(out, task)
            });
        })
    }
}

/// Weights `[groups · channels, depth]` in blocks of `rows` channels of a group: `[groups, blocks, depth, rows]`.
fn packed(weights: &[f32], [channels, depth]: [usize; 2], rows: usize) -> Vec<f32> {
    let groups = weights.len() / (channels * depth);
    let blocks = channels.div_ceil(rows);
    let mut packed = vec![0.0; groups * blocks * depth * rows];
    let own = weights.chunks_exact(channels * depth);
    for (own, packed) in own.zip(packed.chunks_exact_mut(blocks * depth * rows)) {
        for (channel, row) in own.chunks_exact(depth).enumerate() {
            let start = channel / rows * depth * rows + channel % rows;
            let to = packed[start..].iter_mut().step_by(rows);
            to.zip(row).for_each(|(to, from)| *to = *from);
        }
    }
    packed
}

/// See [`weight_grad`](super::weight_grad).
///
/// What lies between the rows of a strip is multiplied by 0: an image with infinity or NaN in it gives no
/// number for neighbouring taps as well.
///
/// Some strips at a time, then the sum of what each of these parts gave: by shape and not by threads, so that no sum depends on
/// their number.
pub(super) fn weight_grad(shape: &Shape, images: &[f32], grad: &[f32]) -> Vec<f32> {
    let Registers { lanes, .. } = Registers::get();
    let [channels_in, channels_out] = shape.group();
    let strips = Strips::new(shape, channels_in.max(channels_out), PARTS);
    let offsets = strips.offsets(channels_in);
    let pixels = strips.pixels().next_multiple_of(lanes);
    let laid = strips.len(channels_in);
    let size = channels_out * offsets.len();
    let run = strips.count().div_ceil(PARTS);
    let parts = strips.count().div_ceil(run);
    let mut sums = vec![0.0; parts * shape.groups * size];
    let shared = Shared::new(&mut sums);
    each(parts * shape.groups, |task| {
        let (part, group) = (task / shape.groups, task % shape.groups);
        #[allow(unsafe_code, reason = "tasks have sums of their own")]
        // SAFETY: no other task has this part and group.
        let sums = unsafe { shared.part(task * size, (task + 1) * size) };
        with_scratch(laid + channels_out * pixels, |memory| {
            let (memory, rows) = memory.split_at_mut(laid);
            for index in part * run..strips.count().min((part + 1) * run) {
                strips.lay(images, index, [group * channels_in, channels_in], memory);
                let channels = [group * channels_out, channels_out];
                strips.lay_out(grad, index, channels, pixels, rows);
                Dots {
                    offsets: &offsets,
                    strip: memory,
                    rows,
                    pixels,
                    out: sums,
                }
                .run();
            }
        });
    });
    let mut parts = sums.chunks_exact(shape.groups * size);
    let mut out = parts.next().map_or_else(Vec::new, <[f32]>::to_vec);
    for part in parts {
        out.iter_mut()
            .zip(part)
            .for_each(|(sum, more)| *sum += more);
    }
    out
}
