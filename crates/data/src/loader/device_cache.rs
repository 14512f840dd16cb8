//! A split cached on its device, as bytes: batches are selected, augmented and normalised there.

use std::sync::Arc;

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use super::OnBad;
use super::prefetch::{EpochPlan, Images, Prefetch};
use crate::sample::{Batch, Split};
use crate::transforms::normalize::Normalize;
use crate::transforms::pipeline::Pipeline;
use crate::transforms::{GpuAugment, GpuTransform};

/// Bytes read at a time; at least one image.
const CHUNK: usize = 16 << 20;
/// Chunks that may wait to be packed.
const AHEAD: usize = 2;
/// Bytes per i32: all GPUs have i32, few have u8.
const PACKED: usize = size_of::<i32>();

/// All images of a split on a device, and their labels.
pub(super) struct DeviceCache {
    /// The bytes of each image, four per i32: `[images, ⌈channels * height * width / 4⌉]`.
    words: Tensor<2, Int>,
    labels: Vec<i64>,
    channels: usize,
    size: [usize; 2],
    augment: GpuAugment,
    normalize: Normalize,
}

/// Bytes that so many images of `values` values each take on a device.
pub(super) fn bytes_on_device(images: usize, values: usize) -> usize {
    images * values.div_ceil(PACKED) * PACKED
}

impl DeviceCache {
    /// Reads all of `split` and transfers it to `device`. `None` if an image cannot be read: the split is then read batch by
    /// batch, which reports the image when its turn comes.
    pub(super) fn read(
        split: &Split,
        pipeline: &Pipeline,
        augment: GpuAugment,
        workers: usize,
        device: &Device,
    ) -> Option<Self> {
        let images = split.len();
        let values = pipeline.input_len();
        let chunk = (CHUNK / values).max(1);
        let plan = Arc::new(EpochPlan {
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
        let mut words = Vec::with_capacity(bytes_on_device(images, values) / PACKED);
        let mut labels = Vec::with_capacity(images);
        let prefetch = Prefetch::start(plan.clone(), 0, workers.max(1), AHEAD);
        for chunk in 0..plan.batches {
            let batch = prefetch.take(chunk).ok()?;
            let Images::Bytes(bytes) = batch.images else {
                return None;
            };
            words.extend(bytes.chunks(values).flat_map(packed));
            labels.extend(batch.labels);
        }
        let shape = [images, values.div_ceil(PACKED)];
        Some(Self {
            words: Tensor::from_data(TensorData::new(words, shape), (device, DType::I32)),
            labels,
            channels: pipeline.geometry.channels,
            size: pipeline.geometry.size,
            augment,
            normalize: pipeline.normalize.clone(),
        })
    }

    pub(super) fn device(&self) -> Device {
        self.words.device()
    }

    /// Batch number `batch` of `plan`.
    pub(super) fn batch(&self, plan: &EpochPlan, batch: usize) -> Batch {
        let positions = plan.positions(batch);
        let indices = plan.order[positions.clone()].to_vec();
        let transforms: Vec<GpuTransform> = positions
            .zip(&indices)
            .map(|(position, &index)| {
                let mut rng = plan.rng(index, position);
                self.augment.draw(self.size, &mut rng)
            })
            .collect();
        let labels: Vec<i64> = indices.iter().map(|&index| self.labels[index]).collect();
        let labels = TensorData::new(labels, [indices.len()]);
        Batch {
            images: self.images(&indices, &transforms),
            labels: Tensor::from_data(labels, &self.words.device()),
            indices,
        }
    }

    /// The images at `indices`, augmented and normalised, `[batch, channels, height, width]`.
    fn images(&self, indices: &[usize], transforms: &[GpuTransform]) -> Tensor<4> {
        let images = self.shift_and_mirror(self.select(indices), transforms);
        let images = self.normalize.on_device(images);
        if self.augment.cutout.is_none() {
            return images;
        }
        let [rows, columns] = [0, 1].map(|axis| {
            let inside = transforms.iter().flat_map(|each| {
                let [from, to] = each.cutout_box.map_or([0, 0], |sides| sides[axis]);
                (0..self.size[axis]).map(move |line| (from..to).contains(&line))
            });
            self.lines(axis, inside.map(i32::from).collect())
        });
        let cutout = (rows * columns).equal_elem(1).expand(images.dims());
        images.mask_fill(cutout, 0.0)
    }

    /// The images at `indices`, values from 0 to 255, `[batch, channels, height, width]`.
    fn select(&self, indices: &[usize]) -> Tensor<4> {
        let device = self.words.device();
        let rows: Vec<i32> = indices.iter().map(|&index| index as i32).collect();
        let rows = Tensor::<1, Int>::from_ints(rows.as_slice(), &device);
        let words = self.words.clone().select(0, rows);
        let bytes = (0..PACKED as i32).map(|byte| {
            let word = words.clone().bitwise_right_shift_scalar(8 * byte);
            word.bitwise_and_scalar(255)
        });
        let [height, width] = self.size;
        Tensor::stack::<3>(bytes.collect(), 2)
            .reshape([indices.len(), self.words.dims()[1] * PACKED])
            .narrow(1, 0, self.channels * height * width)
            .reshape([indices.len(), self.channels, height, width])
            .float()
    }

    /// Shifts the images over a black border and mirrors them.
    fn shift_and_mirror(&self, images: Tensor<4>, transforms: &[GpuTransform]) -> Tensor<4> {
        let GpuAugment { border, flip, .. } = self.augment;
        if border.is_none() && !flip {
            return images;
        }
        // The row or column of the stored image that one of the padded image shows; `None` in the border.
        let source = |axis: usize, line: usize| {
            let line = line.checked_sub(border.unwrap_or(0))?;
            (line < self.size[axis]).then_some(line)
        };
        let [height, width] = self.size;
        let rows: Vec<_> = transforms
            .iter()
            .flat_map(|each| (0..height).map(|row| source(0, row + each.corner[0])))
            .collect();
        let columns: Vec<_> = transforms
            .iter()
            .flat_map(|each| {
                (0..width).map(|column| {
                    let column = match each.mirrored {
                        true => width - 1 - column,
                        false => column,
                    };
                    source(1, column + each.corner[1])
                })
            })
            .collect();
        let shape = images.dims();
        let index = |axis, lines: &[Option<usize>]| {
            let sources = lines.iter().map(|line| line.unwrap_or(0) as i32);
            self.lines(axis, sources.collect()).expand(shape)
        };
        let images = images
            .gather(2, index(0, &rows))
            .gather(3, index(1, &columns));
        let inside = |axis, lines: &[Option<usize>]| {
            let inside = lines.iter().map(|line| i32::from(line.is_some()));
            self.lines(axis, inside.collect()).float()
        };
        match border {
            Some(_) => images * (inside(0, &rows) * inside(1, &columns)),
            None => images,
        }
    }

    /// `values` for each row (axis 0) or column (axis 1) of each image of a batch, to broadcast over the images.
    fn lines(&self, axis: usize, values: Vec<i32>) -> Tensor<4, Int> {
        let side = self.size[axis];
        let batch = values.len() / side;
        let shape = [[batch, 1, side, 1], [batch, 1, 1, side]][axis];
        Tensor::from_data(TensorData::new(values, shape), &self.words.device())
    }
}

/// The bytes of an image, four per i32, the last filled up with zeros.
fn packed(image: &[u8]) -> impl Iterator<Item = i32> {
    image.chunks(PACKED).map(|bytes| {
        let mut word = [0; PACKED];
        word[..bytes.len()].copy_from_slice(bytes);
        i32::from_le_bytes(word)
    })
}
