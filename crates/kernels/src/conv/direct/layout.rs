//! Images side by side with their border, the pixels that a stride skips apart: every tap of the kernel then is a distance
//! within a row of values, and a sum over taps goes along without a fold or a gap.

use std::ops::Range;

use crate::conv::Shape;

/// Numbers behind a strip that may be read, and count for nothing.
const SLACK: usize = 64;

/// Pixels that a row has at least, where there are images enough.
const ROW: usize = 32;

/// Numbers of a strip at most, unless a few rows have more: half of a common second-level cache.
const LENGTH: usize = 128 * 1024;

/// Rows of sums that are worth a strip of their own.
const FEW_ROWS: usize = 4;

/// How images lie in strips: rows of some images side by side. In a strip a channel has a plane for every phase of the
/// stride, and a row of a plane the pixels of that phase of every image.
#[derive(Debug, Clone)]
pub(super) struct Strips {
    shape: Shape,
    /// Images of a strip.
    images: usize,
    /// Rows of sums of a strip.
    rows: usize,
    /// From the first pixel of an image to that of the next.
    step: usize,
    /// Numbers of a row.
    width: usize,
    /// Numbers of a plane.
    plane: usize,
}

impl Strips {
    /// Strips that `channels` channels of are worked on at once, at least about `parts` of them.
    pub(super) fn new(shape: &Shape, channels: usize, parts: usize) -> Self {
        let ([_, width], [down, across]) = (shape.size_in, shape.stride);
        let (left, right) = shape.padding[1];
        let step = (width + left.max(right)).next_multiple_of(across);
        let images = ROW.div_ceil(step).clamp(1, shape.batch.max(1));
        let width = (left + (images - 1) * step + width + right).div_ceil(across);

        let [height, _] = shape.size_out();
        let reach = shape.dilation[0] * (shape.kernel[0] - 1);
        let most = LENGTH / (channels * down * across * width).max(1);
        let fits = most.saturating_sub(reach.div_ceil(down));
        let shared = height.div_ceil(parts.div_ceil(shape.batch.div_ceil(images).max(1)));
        let rows = fits.min(shared).max(FEW_ROWS).min(height);
        // As many rows in each.
        let rows = height.div_ceil(height.div_ceil(rows));
        Self {
            shape: *shape,
            images,
            rows,
            step,
            width,
            plane: ((rows - 1) * down + reach + 1).div_ceil(down) * width,
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.shape.batch.div_ceil(self.images) * self.bands()
    }

    fn bands(&self) -> usize {
        self.shape.size_out()[0].div_ceil(self.rows)
    }

    /// The images of a strip.
    fn range(&self, strip: usize) -> Range<usize> {
        let first = strip / self.bands() * self.images;
        first..(first + self.images).min(self.shape.batch)
    }

    /// The rows of sums of a strip.
    fn lines(&self, strip: usize) -> Range<usize> {
        let first = strip % self.bands() * self.rows;
        first..(first + self.rows).min(self.shape.size_out()[0])
    }

    fn phases(&self) -> usize {
        self.shape.stride[0] * self.shape.stride[1]
    }

    /// Numbers of `channels` channels, with some behind that may be read and count for nothing.
    pub(super) fn len(&self, channels: usize) -> usize {
        channels * self.phases() * self.plane + SLACK
    }

    /// Numbers of a row of sums, all pixels of all images and what lies between them.
    pub(super) fn pixels(&self) -> usize {
        let width = self.shape.size_out()[1];
        (self.rows - 1) * self.width + (self.images - 1) * self.step / self.shape.stride[1] + width
    }

    /// For every channel of `channels` and every tap of the kernel, how far what it is multiplied with is from the sum.
    pub(super) fn offsets(&self, channels: usize) -> Vec<usize> {
        let Shape {
            kernel,
            stride,
            dilation,
            ..
        } = self.shape;
        let mut offsets = Vec::with_capacity(channels * self.shape.taps());
        for channel in 0..channels {
            for row in (0..kernel[0]).map(|row| row * dilation[0]) {
                for column in (0..kernel[1]).map(|column| column * dilation[1]) {
                    let phase = row % stride[0] * stride[1] + column % stride[1];
                    let plane = (channel * self.phases() + phase) * self.plane;
                    offsets.push(plane + row / stride[0] * self.width + column / stride[1]);
                }
            }
        }
        offsets
    }

    /// Lays out `channels` channels from `channel` on. What is between the images becomes 0.
    pub(super) fn lay(
        &self,
        images: &[f32],
        strip: usize,
        [channel, channels]: [usize; 2],
        out: &mut [f32],
    ) {
        let ([height, width], [down, across]) = (self.shape.size_in, self.shape.stride);
        let (above, left) = (self.shape.padding[0].0, self.shape.padding[1].0);
        // Rows of the image with its border: where the strip begins, and where its planes end.
        let first = self.lines(strip).start * down;
        let end = first + self.plane / self.width * down;
        out.fill(0.0);
        for (place, image) in self.range(strip).enumerate() {
            let start = left + place * self.step;
            for index in 0..channels {
                let source = (image * self.shape.channels_in + channel + index) * height * width;
                for row in first.max(above)..end.min(height + above) {
                    let from = &images[source + (row - above) * width..][..width];
                    let (line, phase) = ((row - first) / down, (row - first) % down);
                    let plane = index * self.phases() + phase * across;
                    let to = plane * self.plane + line * self.width;
                    if across == 1 {
                        copy(from, &mut out[to + start..]);
                        continue;
                    }
                    for phase in 0..across {
                        // The first pixel of the row that is of this phase.
                        let skip = (phase + across - start % across) % across;
                        let to = &mut out[to + phase * self.plane + (start + skip) / across..];
                        let from = from.iter().skip(skip).step_by(across);
                        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                    }
                }
            }
        }
    }

    /// Lays out gradients of what came out, `stride` values per channel, as the sums lie. What is between becomes 0.
    pub(super) fn lay_out(
        &self,
        maps: &[f32],
        strip: usize,
        [channel, channels]: [usize; 2],
        stride: usize,
        out: &mut [f32],
    ) {
        out.fill(0.0);
        let pixels = self.shape.pixels_out();
        for (place, image) in self.range(strip).enumerate() {
            let rows = out.chunks_exact_mut(stride).enumerate().take(channels);
            for (index, to) in rows {
                let start = (image * self.shape.channels_out + channel + index) * pixels;
                self.each_row(strip, place, |at, from| {
                    copy(&maps[start + from.start..start + from.end], &mut to[at..]);
                });
            }
        }
    }

    /// Calls `row` for every row of an image that comes out: where it is in the strip's sums, and in the image's map.
    fn each_row(&self, strip: usize, place: usize, mut row: impl FnMut(usize, Range<usize>)) {
        let width = self.shape.size_out()[1];
        let first = place * self.step / self.shape.stride[1];
        for (index, line) in self.lines(strip).enumerate() {
            row(index * self.width + first, line * width..(line + 1) * width);
        }
    }

    /// Gives every image of the strip its maps: `write` gets the image, where the row is in its map, and the sums.
    pub(super) fn take<'a>(
        &self,
        strip: usize,
        sums: &'a [f32],
        mut write: impl FnMut(usize, Range<usize>, &'a [f32]),
    ) {
        for (place, image) in self.range(strip).enumerate() {
            self.each_row(strip, place, |at, to| {
                let length = to.len();
                write(image, to, &sums[at..at + length]);
            });
        }
    }
}

/// Copies a row. Copies of a length that is known need no call, which takes longer than a short row.
fn copy(from: &[f32], to: &mut [f32]) {
    fn known<const LENGTH: usize>(from: &[f32], to: &mut [f32]) {
        let (from, to) = (from.first_chunk::<LENGTH>(), to.first_chunk_mut());
        *to.expect("a row of sums") = *from.expect("a row of the image");
    }
    match from.len() {
        4 => known::<4>(from, to),
        7 => known::<7>(from, to),
        8 => known::<8>(from, to),
        14 => known::<14>(from, to),
        16 => known::<16>(from, to),
        28 => known::<28>(from, to),
        32 => known::<32>(from, to),
        length => to[..length].copy_from_slice(from),
    }
}
