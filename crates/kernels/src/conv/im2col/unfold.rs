//! Unfolding: a column for every pixel that comes out, with all that it is made of, and back. Images have their border
//! already.

use std::borrow::Cow;

use crate::conv::{Shape, Tile};
use crate::parallel::{Shared, each, written};

/// The images with the border of the convolution around them, and the shape that it has then.
pub(super) fn with_border<'a>(shape: &Shape, images: &'a [f32]) -> (Shape, Cow<'a, [f32]>) {
    let bordered = Shape {
        size_in: shape.bordered(),
        padding: [(0, 0); 2],
        ..*shape
    };
    if shape.padding == bordered.padding {
        return (bordered, Cow::Borrowed(images));
    }
    let ([_, width], [_, width_out]) = (shape.size_in, bordered.size_in);
    let (plane, plane_out) = (shape.pixels_in(), bordered.pixels_in());
    let first = shape.padding[0].0 * width_out + shape.padding[1].0;
    let copy = |out: &Shared, image: usize| {
        let channels = shape.channels_in;
        let start = image * channels * plane_out;
        #[allow(unsafe_code, reason = "every image has planes of its own")]
        // SAFETY: no other task has this image.
        let target = unsafe { out.zeroed(start, start + channels * plane_out) };
        let source = &images[image * channels * plane..(image + 1) * channels * plane];
        let planes = target
            .chunks_exact_mut(plane_out)
            .zip(source.chunks_exact(plane));
        for (to, from) in planes {
            let rows = to[first..].chunks_mut(width_out);
            for (to, from) in rows.zip(from.chunks_exact(width)) {
                to[..width].copy_from_slice(from);
            }
        }
    };
    #[allow(unsafe_code, reason = "images cover everything")]
    // SAFETY: every image is filled with zeros first.
    let out = unsafe {
        written(bordered.len_in(), |out| {
            each(shape.batch, |image| copy(out, image));
        })
    };
    (bordered, Cow::Owned(out))
}

/// Adds the inner part of bordered planes to planes without a border.
pub(in crate::conv) fn add_without_border(shape: &Shape, bordered: &[f32], planes: &mut [f32]) {
    let [height, width_out] = shape.bordered();
    let width = shape.size_in[1];
    let first = shape.padding[0].0 * width_out + shape.padding[1].0;
    let pairs = planes
        .chunks_exact_mut(shape.pixels_in())
        .zip(bordered.chunks_exact(height * width_out));
    for (to, from) in pairs {
        let rows = from[first..].chunks(width_out);
        for (to, from) in to.chunks_exact_mut(width).zip(rows) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
    }
}

/// Fills `columns`, whose rows are `tile.columns()` long, one for every channel from `channel` on (`channels` of them) and
/// every tap of the kernel.
pub(super) fn unfold(
    shape: &Shape,
    images: &[f32],
    [channel, channels]: [usize; 2],
    tile: Tile,
    columns: &mut [f32],
) {
    let (plane, width_out) = (shape.pixels_in(), shape.size_out()[1]);
    let taps = taps(shape);
    let mut rows = columns.chunks_exact_mut(tile.columns());
    for channel in channel..channel + channels {
        for tap in &taps {
            let row = rows.next().expect("a row for each channel and tap");
            for (image, part) in row.chunks_exact_mut(tile.pixels).enumerate() {
                let start = ((tile.image + image) * shape.channels_in + channel) * plane;
                let source = &images[start + tap..start + plane];
                read(shape, width_out, source, tile.pixel, part);
            }
        }
    }
}

/// Adds `columns`, as [`unfold`] orders them, to where they came from in the bordered `planes`, one per channel.
pub(in crate::conv) fn fold(shape: &Shape, columns: &[f32], tile: Tile, planes: &mut [f32]) {
    let taps = taps(shape);
    let mut rows = columns.chunks_exact(tile.columns());
    for plane in planes.chunks_exact_mut(shape.pixels_in()) {
        for tap in &taps {
            let row = rows.next().expect("a row for each channel and tap");
            add(shape, row, tile.pixel, &mut plane[*tap..]);
        }
    }
}

/// How far each tap of the kernel is from the first.
fn taps(shape: &Shape) -> Vec<usize> {
    let width = shape.size_in[1];
    let [down, right] = shape.dilation;
    (0..shape.taps())
        .map(|tap| tap / shape.kernel[1] * down * width + tap % shape.kernel[1] * right)
        .collect()
}

/// The pixels of a tile in rows: for each the part of the tile, and where it begins in the image.
fn lines(
    shape: &Shape,
    pixel: usize,
    pixels: usize,
) -> impl Iterator<Item = (usize, usize, usize)> {
    let (width, width_out) = (shape.size_in[1], shape.size_out()[1]);
    let [down, right] = shape.stride;
    let (mut at, end) = (pixel, pixel + pixels);
    std::iter::from_fn(move || {
        if at == end {
            return None;
        }
        let (row, column) = (at / width_out, at % width_out);
        let length = (width_out - column).min(end - at);
        let line = (at - pixel, length, row * down * width + column * right);
        at += length;
        Some(line)
    })
}

/// Copies the tile's pixels from a plane that begins at the tap.
fn read(shape: &Shape, width_out: usize, plane: &[f32], pixel: usize, part: &mut [f32]) {
    let (width, step) = (shape.size_in[1], shape.stride[1]);
    let whole_rows = pixel.is_multiple_of(width_out) && part.len().is_multiple_of(width_out);
    if step == 1 && whole_rows {
        let (from, apart) = (
            pixel / width_out * shape.stride[0] * width,
            width * shape.stride[0],
        );
        // Copies of a known length need no call.
        return match width_out {
            4 => read_rows::<4>(&plane[from..], apart, part),
            8 => read_rows::<8>(&plane[from..], apart, part),
            16 => read_rows::<16>(&plane[from..], apart, part),
            32 => read_rows::<32>(&plane[from..], apart, part),
            _ => {
                for (row, to) in part.chunks_exact_mut(width_out).enumerate() {
                    to.copy_from_slice(&plane[from + row * apart..][..width_out]);
                }
            }
        };
    }
    for (at, length, start) in lines(shape, pixel, part.len()) {
        let to = &mut part[at..at + length];
        match step {
            1 => to.copy_from_slice(&plane[start..start + length]),
            step => {
                let from = plane[start..].iter().step_by(step);
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            }
        }
    }
}

fn read_rows<const WIDTH: usize>(plane: &[f32], apart: usize, part: &mut [f32]) {
    let (rows, _) = part.as_chunks_mut::<WIDTH>();
    for (row, to) in rows.iter_mut().enumerate() {
        let from = plane[row * apart..].first_chunk::<WIDTH>();
        *to = *from.expect("a row lies within the bordered image");
    }
}

fn add(shape: &Shape, row: &[f32], pixel: usize, plane: &mut [f32]) {
    let step = shape.stride[1];
    for (at, length, start) in lines(shape, pixel, row.len()) {
        let to = plane[start..].iter_mut().step_by(step);
        to.zip(&row[at..at + length])
            .for_each(|(to, from)| *to += from);
    }
}
