//! The configuration of LeNet-5.

use burn::tensor::Device;
use burn_zoo_blocks::{ModelFamily, ModelOptions};

use crate::{LeNet, Modern, Published};

/// Which LeNet-5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variant {
    /// As published in 1998: trainable sub-sampling, the connection table of C3, a scaled tanh, distance outputs.
    /// 60,000 trainable parameters.
    Published,
    /// As taught: dense convolutions, max-pooling, ReLU, a linear output. 61,706 parameters.
    Modern,
}

/// The output layer of [`Variant::Published`]. [`Variant::Modern`] always has the linear one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    /// Distances to a fixed bitmap of every digit: Euclidean radial basis functions, without trainable parameters.
    Rbf,
    /// A linear layer whose scores go through a softmax. 850 parameters for ten classes.
    Softmax,
}

/// Configuration of a [`LeNet`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeNetConfig {
    variant: Variant,
    output: Output,
    num_classes: usize,
    in_channels: usize,
}

impl Variant {
    /// Height and width of an image, in pixels: the only size that the fully connected layers take.
    #[must_use]
    pub const fn min_size(self) -> usize {
        32
    }
}

impl LeNetConfig {
    /// A network for grey images of ten digits.
    #[must_use]
    pub fn new(variant: Variant) -> Self {
        Self {
            variant,
            output: Output::Rbf,
            num_classes: 10,
            in_channels: 1,
        }
    }

    /// The output layer of the published network, [`Output::Rbf`] by default.
    #[must_use]
    pub fn with_output(mut self, output: Output) -> Self {
        self.output = output;
        self
    }

    /// Number of classes, at least one.
    ///
    /// The bitmaps exist for the ten digits only: any other number gives the published network a
    /// [`Output::Softmax`] layer.
    #[must_use]
    pub fn with_num_classes(mut self, num_classes: usize) -> Self {
        self.num_classes = num_classes;
        self
    }

    /// Channels of the images, at least one.
    #[must_use]
    pub fn with_in_channels(mut self, in_channels: usize) -> Self {
        self.in_channels = in_channels;
        self
    }

    /// Creates the network with random weights.
    ///
    /// # Panics
    /// If the number of classes or of channels is zero.
    #[must_use]
    pub fn init(&self, device: &Device) -> LeNet {
        let Self {
            variant,
            output,
            num_classes,
            in_channels,
        } = *self;
        assert!(
            num_classes > 0,
            "a classifier needs at least one class: num_classes is 0"
        );
        assert!(
            in_channels > 0,
            "images have at least one channel: in_channels is 0"
        );
        match variant {
            Variant::Published => {
                LeNet::Published(Published::new(in_channels, output, num_classes, device))
            }
            Variant::Modern => LeNet::Modern(Modern::new(in_channels, num_classes, device)),
        }
    }
}

impl ModelFamily for Variant {
    type Model = LeNet;

    fn create(self, options: &ModelOptions, device: &Device) -> LeNet {
        LeNetConfig::new(self)
            .with_num_classes(options.num_classes.unwrap_or(10))
            .with_in_channels(options.in_channels.unwrap_or(1))
            .init(device)
    }
}
