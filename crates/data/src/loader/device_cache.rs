//! A split that lies on its device as a whole, as bytes: batches are picked, moved, cut and normalised there.

use std::sync::Arc;

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::OnBad;
use crate::loader::prefetch::{Images, Job, Prefetch};
use crate::sample::{Batch, Split};
use crate::transforms::normalize::Normalize;
use crate::transforms::pipeline::Pipeline;
use crate::transforms::{GpuAugment, GpuTransform};

/// Bytes read at a time, one image at least.
const CHUNK: usize = 16 << 20;
/// Chunks that may wait to be packed.
const AHEAD: usize = 2;
/// Bytes in an integer: few GPUs know bytes, all know these.
const PACKED: usize = size_of::<i32>();

/// All images of a split on a device, and their labels.
pub(crate) struct DeviceCache {
    /// The bytes of an image in a row, four to an integer: `[images, ⌈channels * height * width / 4⌉]`.
    words: Tensor<2, Int>,
    labels: Vec<i64>,
    channels: usize,
    size: [usize; 2],
    moves: GpuAugment,
    normalize: Normalize,
}

/// Bytes that a split of so many images takes on a device.
pub(crate) fn needed(images: usize, values: usize) -> usize {
    images * values.div_ceil(PACKED) * PACKED
}

impl DeviceCache {
    /// Reads all of `split` and brings it to `device`. None where an image cannot be read: the split is then read batch by
    /// batch, and what is wrong is told where it is met.
    pub(crate) fn read(
        split: &Split,
        pipeline: &Pipeline,
        moves: GpuAugment,
        workers: usize,
        device: &Device,
    ) -> Option<Self> {
        let images = split.len();
        let values = pipeline.input_len();
        let chunk = (CHUNK / values).max(1);
        let job = Arc::new(Job {
            split: split.clone(),
            pipeline: Arc::new(Pipeline {
                augment: None,
                ..pipeline.clone()
            }),
            in_bytes: true,
            order: (0..images).collect(),
            repeats: false,
            batch_size: chunk,
            batches: images.div_ceil(chunk),
            seed: 0,
            epoch: 0,
            on_bad: OnBad::Refuse,
        });
        let mut words = Vec::with_capacity(needed(images, values) / PACKED);
        let mut labels = Vec::with_capacity(images);
        let prefetch = Prefetch::start(job.clone(), 0, workers.max(1), AHEAD);
        for chunk in 0..job.batches {
            let raw = prefetch.take(chunk).ok()?;
            let Images::Bytes(bytes) = raw.images else {
                return None;
            };
            words.extend(bytes.chunks(values).flat_map(packed));
            labels.extend(raw.labels);
        }
        let shape = [images, values.div_ceil(PACKED)];
        Some(Self {
            words: Tensor::from_data(TensorData::new(words, shape), (device, DType::I32)),
            labels,
            channels: pipeline.geometry.channels,
            size: pipeline.geometry.size,
            moves,
            normalize: pipeline.normalize.clone(),
        })
    }

    /// Where it lies.
    pub(crate) fn device(&self) -> Device {
        self.words.device()
    }

    /// Batch number `batch` of `job`.
    pub(crate) fn batch(&self, job: &Job, batch: usize) -> Batch {
        let positions = job.positions(batch);
        let indices = job.order[positions.clone()].to_vec();
        let places = positions.zip(&indices);
        let moves: Vec<GpuTransform> = places
            .map(|(position, &index)| self.moves.draw(self.size, &mut job.rng(index, position)))
            .collect();
        let labels: Vec<i64> = indices.iter().map(|&index| self.labels[index]).collect();
        let labels = TensorData::new(labels, [indices.len()]);
        Batch {
            images: self.images(&indices, &moves),
            labels: Tensor::from_data(labels, &self.words.device()),
            indices,
        }
    }

    /// The images at `indices`, moved and normalised, `[batch, channels, height, width]`.
    fn images(&self, indices: &[usize], moves: &[GpuTransform]) -> Tensor<4> {
        let mut images = self.moved(self.picked(indices), moves);
        images = self.normalize.on_device(images);
        if self.moves.cutout.is_none() {
            return images;
        }
        let [rows, columns] = [0, 1].map(|axis| {
            let inside = moves.iter().flat_map(|each| {
                let [from, to] = each.hole.map_or([0, 0], |hole| hole[axis]);
                (0..self.size[axis]).map(move |line| (from..to).contains(&line))
            });
            self.lines(axis, inside.map(i32::from).collect())
        });
        let hole = (rows * columns).equal_elem(1).expand(images.dims());
        images.mask_fill(hole, 0.0)
    }

    /// The images at `indices` as they are, numbers from 0 to 255.
    fn picked(&self, indices: &[usize]) -> Tensor<4> {
        let device = self.words.device();
        let places: Vec<i32> = indices.iter().map(|&index| index as i32).collect();
        let places = Tensor::<1, Int>::from_ints(places.as_slice(), &device);
        let words = self.words.clone().select(0, places);
        let bytes = (0..PACKED as i32).map(|place| {
            let word = words.clone().bitwise_right_shift_scalar(8 * place);
            word.bitwise_and_scalar(255)
        });
        let [height, width] = self.size;
        Tensor::stack::<3>(bytes.collect(), 2)
            .reshape([indices.len(), self.words.dims()[1] * PACKED])
            .narrow(1, 0, self.channels * height * width)
            .reshape([indices.len(), self.channels, height, width])
            .float()
    }

    /// Shifted over a black border, and mirrored.
    fn moved(&self, images: Tensor<4>, moves: &[GpuTransform]) -> Tensor<4> {
        let GpuAugment { border, flip, .. } = self.moves;
        if border.is_none() && !flip {
            return images;
        }
        // The line of the stored image that a line shows; none in the border.
        let shown = |axis: usize, line: usize| {
            let line = line.checked_sub(border.unwrap_or(0))?;
            (line < self.size[axis]).then_some(line)
        };
        let [height, width] = self.size;
        let rows: Vec<_> = moves
            .iter()
            .flat_map(|each| (0..height).map(|row| shown(0, row + each.corner[0])))
            .collect();
        let columns: Vec<_> = moves
            .iter()
            .flat_map(|each| {
                (0..width).map(|column| {
                    let column = match each.mirrored {
                        true => width - 1 - column,
                        false => column,
                    };
                    shown(1, column + each.corner[1])
                })
            })
            .collect();
        let shape = images.dims();
        let index = |axis, lines: &[Option<usize>]| {
            let places = lines.iter().map(|line| line.unwrap_or(0) as i32);
            self.lines(axis, places.collect()).expand(shape)
        };
        let images = images
            .gather(2, index(0, &rows))
            .gather(3, index(1, &columns));
        let seen = |axis, lines: &[Option<usize>]| {
            let seen = lines.iter().map(|line| i32::from(line.is_some()));
            self.lines(axis, seen.collect()).float()
        };
        match border {
            Some(_) => images * (seen(0, &rows) * seen(1, &columns)),
            None => images,
        }
    }

    /// A number for each row (axis 0) or column (axis 1) of each image of a batch.
    fn lines(&self, axis: usize, values: Vec<i32>) -> Tensor<4, Int> {
        let side = self.size[axis];
        let batch = values.len() / side;
        let shape = [[batch, 1, side, 1], [batch, 1, 1, side]][axis];
        Tensor::from_data(TensorData::new(values, shape), &self.words.device())
    }
}

/// The bytes of an image, four to an integer; what is missing of the last is 0.
fn packed(image: &[u8]) -> impl Iterator<Item = i32> {
    image.chunks(PACKED).map(|bytes| {
        let mut word = [0; PACKED];
        word[..bytes.len()].copy_from_slice(bytes);
        i32::from_le_bytes(word)
    })
}
