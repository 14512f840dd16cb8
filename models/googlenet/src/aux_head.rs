//! An auxiliary head: a small classifier on a map in the middle of the network, for the training only.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::activation::relu;
use burn::tensor::module::{adaptive_avg_pool2d, avg_pool2d};
use burn::tensor::ops::AvgPoolOptions;
use burn::tensor::{Device, Tensor};
use burn_zoo_blocks::{BasicConv2d, InceptionStyle, linear};

use crate::model::linear_layer;
use crate::variants::{AUX, GoogLeNetConfig};

/// Side of the map that torchvision's heads read, whatever the size of the images.
const SIDE: usize = 4;
/// Side of the windows that the paper's heads average.
const WINDOW: usize = 5;
/// Pixels from one window to the next.
const STEP: usize = 3;

/// How a map is brought to the pixels that the head reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pool {
    /// torchvision: to 4×4.
    Adaptive,
    /// The paper: averages of windows. There are this many, one below the other and side by side.
    Windows([usize; 2]),
}

/// One of the two auxiliary heads. Fields are torchvision's state-dict keys.
#[derive(Module, Debug)]
pub(crate) struct AuxHead {
    conv: BasicConv2d,
    fc1: Linear,
    fc2: Linear,
    dropout: Dropout,
    #[module(skip)]
    pool: Pool,
}

impl GoogLeNetConfig {
    /// A head on maps of `channels` channels.
    ///
    /// # Panics
    /// If the images are too small for the paper's head.
    pub(crate) fn aux_head(&self, channels: usize, device: &Device) -> AuxHead {
        let style = self.variant.style();
        let [reduced, hidden] = AUX.map(|width| self.scaled(width));
        let (pool, pixels) = match style {
            InceptionStyle::Torchvision => (Pool::Adaptive, SIDE * SIDE),
            InceptionStyle::Paper => {
                let counts = self.input_size.map(|side| windows(middle_side(side)));
                (Pool::Windows(counts), counts[0] * counts[1])
            }
        };
        let [height, width] = self.input_size;
        assert!(
            pixels > 0,
            "the paper's auxiliary heads need images of 79×79 or more: the input size is {height}×{width}"
        );
        AuxHead {
            conv: BasicConv2d::new(style, [channels, reduced], 1, 1, device),
            fc1: linear_layer(style, reduced * pixels, hidden, device),
            fc2: linear_layer(style, hidden, self.num_classes, device),
            dropout: DropoutConfig::new(self.aux_dropout).init(),
            pool,
        }
    }
}

/// Side of the map that the heads see, for images of this side: the first convolution halves it and rounds up, three
/// poolings round down.
fn middle_side(side: usize) -> usize {
    side.div_ceil(2) / 8
}

/// How many windows fit into a side.
fn windows(side: usize) -> usize {
    side.checked_sub(WINDOW).map_or(0, |rest| rest / STEP + 1)
}

impl AuxHead {
    /// Applies the head.
    ///
    /// # Shapes
    /// - map: `[batch, channels, height, width]`
    /// - output: `[batch, num_classes]`
    ///
    /// # Panics
    /// If the paper's head sees a map of another size than the one it was configured for.
    pub(crate) fn forward(&self, map: Tensor<4>) -> Tensor<2> {
        let map = match self.pool {
            Pool::Adaptive => adaptive_avg_pool2d(map, [SIDE, SIDE]),
            Pool::Windows(expected) => average_windows(map, expected),
        }; // [batch, channels, 4, 4]
        let vector = self.conv.forward(map).flatten(1, 3); // [batch, 2048]
        let vector = relu(linear(&self.fc1, vector)); // [batch, 1024]
        linear(&self.fc2, self.dropout.forward(vector))
    }

    /// The head with its normalisation folded into its convolution.
    pub(crate) fn fuse(self) -> Self {
        Self {
            conv: self.conv.fuse(),
            ..self
        }
    }

    /// The same head with a fresh last layer.
    pub(crate) fn with_classes(
        mut self,
        style: InceptionStyle,
        num_classes: usize,
        device: &Device,
    ) -> Self {
        let hidden = self.fc2.weight.lazy_shape()[0];
        self.fc2 = linear_layer(style, hidden, num_classes, device);
        self
    }
}

/// Average pooling of 5×5 with stride 3.
fn average_windows(map: Tensor<4>, expected: [usize; 2]) -> Tensor<4> {
    let [_, _, height, width] = map.dims();
    assert!(
        [height, width].map(windows) == expected,
        "the auxiliary heads read {}×{} averages, and a map of {height}×{width} pixels has {}×{}: give the \
         configuration the size of the images, or leave the heads out",
        expected[0],
        expected[1],
        windows(height),
        windows(width),
    );
    avg_pool2d(
        map,
        AvgPoolOptions::new([WINDOW, WINDOW]).with_stride([STEP, STEP]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_of_224_give_the_papers_4_by_4_windows() {
        assert_eq!(windows(middle_side(224)), 4);
        // 79 is the least side with a whole window, 78 has none.
        assert_eq!(
            [78, 79, 126, 127].map(|side| windows(middle_side(side))),
            [0, 1, 1, 2]
        );
    }
}
