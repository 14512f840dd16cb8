//! Evaluation on several views of each image, whose probabilities are averaged.

use burn::data::dataset::Dataset;
use burn::tensor::activation::{log_softmax, softmax};
use burn::tensor::{Device, Int, Tensor, TensorData, s};
use burn_zoo_blocks::Classifier;
use burn_zoo_data::{Loader, OnBad, Pipeline, ResizeMode, Sample, Split};

use super::evaluate::evaluate_with;
use super::{ClassMetrics, DeferredMetrics, Evaluation, EvaluationError, MetricSums};
use crate::TrainError;
use crate::loss::cross_entropy;
use crate::step::StepOutput;

/// Views of an image that a loader of one size gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Views {
    /// The image and its mirror image.
    Flip,
    /// Five parts of this height and width, the corners and the centre of the central square of the resized image, and
    /// their mirror images (AlexNet, section 4.1). torchvision's `TenCrop` of that square.
    TenCrop([usize; 2]),
}

impl Views {
    /// The pipeline of the loader that these views are cut from: ten crops come out of the whole resized square.
    ///
    /// # Errors
    /// Ten crops of images that are not resized to more than the input.
    pub fn pipeline(self, pipeline: &Pipeline) -> Result<Pipeline, TrainError> {
        let mut pipeline = pipeline.clone();
        if let Self::TenCrop(_) = self {
            let [height, width] = pipeline.geometry.size;
            let ResizeMode::Resize { shorter } = pipeline.geometry.fit else {
                return Err(TrainError::Mismatch(format!(
                    "ten crops are cut out of images that are resized to more than the network's {height}×{width}; \
                     these are not resized"
                )));
            };
            if shorter <= height || shorter <= width {
                return Err(TrainError::Mismatch(format!(
                    "ten crops of {height}×{width} need images that are resized to more than that: these get a \
                     shorter side of {shorter}"
                )));
            }
            pipeline.geometry.size = [shorter; 2];
        }
        Ok(pipeline)
    }

    /// Evaluates `model` on all of `loader`, whose pipeline [`pipeline`](Self::pipeline) made.
    ///
    /// # Errors
    /// As [`evaluate`](crate::evaluate()).
    pub fn evaluate<M: Classifier>(
        self,
        model: &M,
        loader: &Loader,
        progress: impl FnMut(usize, usize),
    ) -> Result<Evaluation, TrainError> {
        let forward = |images| {
            let views = self.of(images);
            let logits = views.into_iter().map(|view| model.forward(view));
            mean_probability(logits.collect())
        };
        evaluate_with(forward, model.num_classes(), loader, progress)
    }

    /// The views of a batch, each of the network's input size.
    fn of(self, images: Tensor<4>) -> Vec<Tensor<4>> {
        let both = [images.clone(), images.flip([3])];
        match self {
            Self::Flip => both.into(),
            Self::TenCrop(size) => both.into_iter().flat_map(|way| parts(way, size)).collect(),
        }
    }
}

/// The four corners and the centre.
fn parts(images: Tensor<4>, [height, width]: [usize; 2]) -> [Tensor<4>; 5] {
    let [_, _, rows, columns] = images.dims();
    let (down, right) = (rows - height, columns - width);
    // Python rounds halves to even numbers.
    let middle = |margin: usize| (margin as f64 / 2.0).round_ties_even() as usize;
    let corners = [
        [0, 0],
        [0, right],
        [down, 0],
        [down, right],
        [middle(down), middle(right)],
    ];
    corners.map(|[top, left]| {
        let part = s![.., .., top..top + height, left..left + width];
        images.clone().slice(part)
    })
}

/// Logarithms of the mean of the probabilities, which stand for logits.
fn mean_probability(logits: Vec<Tensor<2>>) -> Tensor<2> {
    if logits.len() == 1 {
        return log_softmax(logits.into_iter().next().expect("one"), 1);
    }
    let probabilities = logits.into_iter().map(|logits| softmax(logits, 1));
    let stacked: Tensor<3> = Tensor::stack(probabilities.collect(), 0);
    // The smallest probability that a number holds, so that none is the logarithm of 0.
    stacked
        .mean_dim(0)
        .squeeze_dim::<2>(0)
        .clamp_min(1e-37)
        .log()
}

/// Dense evaluation (VGG, section 3.2): the network over whole images, not cropped, at one or several sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dense {
    /// Lengths of the shorter side; the probabilities of all are averaged.
    pub shorter: Vec<usize>,
    /// Whether mirror images count as well.
    pub flip: bool,
    /// What happens to an image that cannot be read.
    pub on_bad: OnBad,
}

impl Dense {
    /// Evaluates `model` on all of `split`, one image at a time, since each may have a shape of its own. `progress`
    /// hears (images done, images), `left_out` why one was left out.
    ///
    /// # Errors
    /// As [`evaluate`](crate::evaluate()).
    pub fn evaluate<M: Classifier>(
        &self,
        model: &M,
        split: &Split,
        pipeline: &Pipeline,
        device: &Device,
        mut progress: impl FnMut(usize, usize),
        mut left_out: impl FnMut(&str),
    ) -> Result<Evaluation, TrainError> {
        let mut class_metrics = ClassMetrics::new(model.num_classes());
        let (mut sums, mut deferred) = (MetricSums::default(), DeferredMetrics::default());
        let mut skipped = 0;
        for index in 0..split.len() {
            match self.one(model, split, index, pipeline, device) {
                Ok(output) => deferred.push(output, 0),
                Err(message) if self.on_bad == OnBad::Skip => {
                    left_out(&message);
                    skipped += 1;
                }
                Err(message) => return Err(TrainError::Mismatch(message)),
            }
            if deferred.is_full() || index + 1 == split.len() {
                deferred
                    .read_into(&mut sums, Some(&mut class_metrics))
                    .map_err(|error| EvaluationError::from(error).of_weights())?;
            }
            progress(index + 1, split.len());
        }
        if sums.samples == 0 {
            return Err(TrainError::Mismatch(format!(
                "none of the {} images could be read",
                split.len()
            )));
        }
        Ok(Evaluation {
            samples: sums.samples,
            skipped,
            metrics: sums.metrics(),
            class_metrics,
        })
    }

    /// The logits of image `index`, or why there are none.
    fn one<M: Classifier>(
        &self,
        model: &M,
        split: &Split,
        index: usize,
        pipeline: &Pipeline,
        device: &Device,
    ) -> Result<StepOutput, String> {
        let Sample { image, label } = split.get(index).map_err(|error| error.to_string())?;
        let image = image.decode().map_err(|error| error.to_string())?;
        let mut logits = Vec::new();
        for &shorter in &self.shorter {
            let (values, [height, width]) = pipeline
                .apply_uncropped(&image, shorter)
                .map_err(|error| format!("image {index}: {error}"))?;
            let shape = [1, pipeline.geometry.channels, height, width];
            let image = Tensor::<4>::from_data(TensorData::new(values, shape), device);
            if self.flip {
                logits.push(model.forward_dense(image.clone().flip([3])));
            }
            logits.push(model.forward_dense(image));
        }
        let logits = mean_probability(logits);
        let labels = Tensor::<1, Int>::from_data([label as i64], device);
        Ok(StepOutput {
            loss: cross_entropy(logits.clone(), labels.clone()),
            logits,
            labels,
            indices: vec![index],
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Tolerance;
    use burn_zoo_data::{Geometry, Normalize};

    use super::*;

    /// Two classes from the upper left pixel and the sum of all; scores of a larger image are as different as can be.
    #[derive(Module, Debug)]
    struct Corner {
        fc: Linear,
    }

    impl Classifier for Corner {
        fn forward(&self, images: Tensor<4>) -> Tensor<2> {
            let corner: Tensor<2> = images.clone().slice(s![.., .., 0..1, 0..1]).flatten(1, 3);
            let sum: Tensor<2> = images.sum_dims(&[1, 2, 3]).flatten(1, 3);
            self.fc.forward(Tensor::cat(vec![corner, sum], 1))
        }

        fn embed(&self, images: Tensor<4>) -> Tensor<2> {
            self.forward(images)
        }

        fn num_classes(&self) -> usize {
            2
        }

        fn with_head(self, _num_classes: usize, _device: &Device) -> Self {
            self
        }
    }

    fn corner(device: &Device) -> Corner {
        device.seed(3);
        Corner {
            fc: LinearConfig::new(2, 2).init(device),
        }
    }

    #[test]
    fn ten_crops_are_torchvisions() {
        let device = Device::flex();
        let values = Tensor::<1, Int>::arange(0..35, &device).float();
        let image = values.reshape([1, 1, 5, 7]);
        let views = Views::TenCrop([2, 4]).of(image);
        // Of torchvision's `TenCrop((2, 4))` of the same image.
        let first = [0, 3, 21, 24, 16, 6, 3, 27, 24, 18];
        assert_eq!(views.len(), 10);
        for (view, first) in views.into_iter().zip(first) {
            assert_eq!(view.dims(), [1, 1, 2, 4]);
            let values = view.into_data().try_to_vec::<f32>().expect("f32");
            assert_eq!(values[0], first as f32);
            assert_eq!(values[4] - values[0], 7.0);
        }
    }

    #[test]
    fn probabilities_are_averaged_and_not_logits() {
        let device = Device::flex();
        let logits = |values: [[f32; 2]; 1]| Tensor::<2>::from_data(values, &device);
        let found = mean_probability(vec![logits([[0.0, 4.0]]), logits([[0.0, 0.0]])]);
        let p = |x: f32| 1.0 / (1.0 + x.exp());
        let expected = [(p(4.0) + 0.5) / 2.0, (p(-4.0) + 0.5) / 2.0].map(f32::ln);
        let tolerance = Tolerance::<f32>::absolute(1e-6);
        found
            .into_data()
            .assert_approx_eq(&[expected].into(), tolerance);
        // Never the logarithm of 0.
        let sure = mean_probability(vec![logits([[0.0, 4e4]]), logits([[0.0, 4e4]])]);
        let sure = sure.into_data().try_to_vec::<f32>().expect("f32");
        assert!(sure.iter().all(|value| value.is_finite()), "{sure:?}");
    }

    #[test]
    fn dense_evaluation_scores_whole_images_at_every_size() {
        use burn::data::dataset::InMemDataset;
        use burn_zoo_data::Image;
        use std::sync::Arc;

        let device = Device::flex();
        let model = corner(&device);
        let image = |height: usize, width: usize| Image {
            height,
            width,
            channels: 1,
            pixels: (0..height * width).map(|i| (7 * i % 251) as u8).collect(),
        };
        let samples = [image(6, 9), image(8, 5)].into_iter().zip([1, 0]);
        let samples = samples.map(|(image, label)| Sample {
            image: image.into(),
            label,
        });
        let split: Split = Arc::new(InMemDataset::new(samples.collect()));
        let normalize = Normalize {
            mean: vec![0.5],
            std: vec![0.5],
        };
        let geometry = Geometry {
            size: [4, 4],
            fit: ResizeMode::Resize { shorter: 4 },
            channels: 1,
        };
        let pipeline = Pipeline::evaluation(geometry, normalize);
        let dense = Dense {
            shorter: vec![4, 6],
            flip: true,
            on_bad: OnBad::Refuse,
        };
        let found = dense
            .evaluate(&model, &split, &pipeline, &device, |_, _| {}, |_| {})
            .expect("all can be scored");

        let mut loss = 0.0;
        for index in 0..2 {
            let sample = split.get(index).expect("there are two");
            let image = sample.image.decode().expect("it is decoded");
            let mut sum = 0.0;
            for shorter in [4, 6] {
                let (values, [height, width]) =
                    pipeline.apply_uncropped(&image, shorter).expect("fits");
                assert_eq!(height.min(width), shorter);
                let mut mirrored = values.clone();
                mirrored.chunks_mut(width).for_each(<[f32]>::reverse);
                for values in [values, mirrored] {
                    let data = TensorData::new(values, [1, 1, height, width]);
                    let logits = model.forward(Tensor::from_data(data, &device));
                    let values = softmax(logits, 1)
                        .into_data()
                        .try_to_vec::<f32>()
                        .expect("f32");
                    sum += f64::from(values[sample.label]);
                }
            }
            loss -= (sum / 4.0).ln() / 2.0;
        }
        assert_eq!((found.samples, found.skipped), (2, 0));
        assert!(
            (found.metrics.loss - loss).abs() < 1e-5,
            "{} {loss}",
            found.metrics.loss
        );
    }

    #[test]
    fn ten_crops_need_more_than_the_input() {
        let normalize = Normalize {
            mean: vec![0.5],
            std: vec![0.5],
        };
        let pipeline = |fit| {
            let geometry = Geometry {
                size: [4, 4],
                fit,
                channels: 1,
            };
            Pipeline::evaluation(geometry, normalize.clone())
        };
        let views = Views::TenCrop([4, 4]);
        let larger = views
            .pipeline(&pipeline(ResizeMode::Resize { shorter: 6 }))
            .expect("fits");
        assert_eq!(larger.geometry.size, [6, 6]);
        for fit in [ResizeMode::Exact, ResizeMode::Resize { shorter: 4 }] {
            let error = views
                .pipeline(&pipeline(fit))
                .expect_err("nothing to cut from");
            assert!(error.to_string().contains("ten crops"), "{error}");
        }
        assert!(Views::Flip.pipeline(&pipeline(ResizeMode::Exact)).is_ok());
    }
}
