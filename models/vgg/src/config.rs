//! Table 1 of the paper, and the configuration that builds a network of it.

/// What a row of the table holds in one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Row {
    /// A convolution and its ReLU.
    Conv { kernel: usize, channels: usize },
    /// Local response normalisation.
    Lrn,
    /// 2×2 max-pooling of stride 2.
    MaxPool,
    /// The column has no layer here.
    Nothing,
}

/// conv3: 3×3 with padding 1.
const fn c3(channels: usize) -> Row {
    Row::Conv {
        kernel: 3,
        channels,
    }
}

/// conv1: 1×1 without padding.
const fn c1(channels: usize) -> Row {
    Row::Conv {
        kernel: 1,
        channels,
    }
}

const LRN: Row = Row::Lrn;
const POOL: Row = Row::MaxPool;
const __: Row = Row::Nothing;

/// Table 1, row by row as printed. After it every column has FC-4096, FC-4096 and FC-1000.
#[rustfmt::skip]
const TABLE_1: [[Row; 6]; 21] = [
    // A        A-LRN    B        C        D        E
    [c3(64),  c3(64),  c3(64),  c3(64),  c3(64),  c3(64) ],
    [__,      LRN,     c3(64),  c3(64),  c3(64),  c3(64) ],
    [POOL; 6],
    [c3(128), c3(128), c3(128), c3(128), c3(128), c3(128)],
    [__,      __,      c3(128), c3(128), c3(128), c3(128)],
    [POOL; 6],
    [c3(256), c3(256), c3(256), c3(256), c3(256), c3(256)],
    [c3(256), c3(256), c3(256), c3(256), c3(256), c3(256)],
    [__,      __,      __,      c1(256), c3(256), c3(256)],
    [__,      __,      __,      __,      __,      c3(256)],
    [POOL; 6],
    [c3(512), c3(512), c3(512), c3(512), c3(512), c3(512)],
    [c3(512), c3(512), c3(512), c3(512), c3(512), c3(512)],
    [__,      __,      __,      c1(512), c3(512), c3(512)],
    [__,      __,      __,      __,      __,      c3(512)],
    [POOL; 6],
    [c3(512), c3(512), c3(512), c3(512), c3(512), c3(512)],
    [c3(512), c3(512), c3(512), c3(512), c3(512), c3(512)],
    [__,      __,      __,      c1(512), c3(512), c3(512)],
    [__,      __,      __,      __,      __,      c3(512)],
    [POOL; 6],
];

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    A,
    ALrn,
    B,
    C,
    D,
    E,
}

impl Column {
    /// The layers of the column, from top to bottom.
    pub(crate) fn rows(self) -> impl Iterator<Item = Row> {
        TABLE_1
            .iter()
            .map(move |row| row[self as usize])
            .filter(|row| *row != Row::Nothing)
    }
}

/// Every network of this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variant {
    /// Column A, torchvision's `vgg11`: 132.9 M parameters.
    Vgg11,
    /// Column A-LRN: column A with one local response normalisation, as many parameters.
    Vgg11Lrn,
    /// Column B, torchvision's `vgg13`: 133.0 M parameters.
    Vgg13,
    /// Column C, whose last convolutions of blocks 3 to 5 are 1×1: 133.6 M parameters.
    Vgg16C,
    /// Column D, torchvision's `vgg16`: 138.4 M parameters.
    Vgg16,
    /// Column E, torchvision's `vgg19`: 143.7 M parameters.
    Vgg19,
    /// torchvision's `vgg11_bn`: column A with batch normalisation after every convolution.
    Vgg11Bn,
    /// torchvision's `vgg13_bn`.
    Vgg13Bn,
    /// torchvision's `vgg16_bn`.
    Vgg16Bn,
    /// torchvision's `vgg19_bn`.
    Vgg19Bn,
    /// The convolutions of [`Vgg11Bn`](Self::Vgg11Bn) for images of 32×32, and one linear layer: 9.2 M parameters.
    CifarVgg11Bn,
    /// The convolutions of [`Vgg16Bn`](Self::Vgg16Bn) for images of 32×32, and one linear layer: 14.7 M parameters.
    CifarVgg16Bn,
}

/// What follows the convolutions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadKind {
    /// The three fully connected layers of the table.
    ThreeLayers,
    /// One linear layer on the averaged map.
    OneLayer,
}

/// What a variant is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) column: Column,
    /// Whether batch normalisation follows every convolution.
    pub(crate) batch_norm: bool,
    pub(crate) head: HeadKind,
}

impl Variant {
    #[rustfmt::skip]
    pub(crate) const fn plan(self) -> Plan {
        use HeadKind::{OneLayer, ThreeLayers};
        let (column, batch_norm, head) = match self {
            Self::Vgg11        => (Column::A,    false, ThreeLayers),
            Self::Vgg11Lrn     => (Column::ALrn, false, ThreeLayers),
            Self::Vgg13        => (Column::B,    false, ThreeLayers),
            Self::Vgg16C       => (Column::C,    false, ThreeLayers),
            Self::Vgg16        => (Column::D,    false, ThreeLayers),
            Self::Vgg19        => (Column::E,    false, ThreeLayers),
            Self::Vgg11Bn      => (Column::A,    true,  ThreeLayers),
            Self::Vgg13Bn      => (Column::B,    true,  ThreeLayers),
            Self::Vgg16Bn      => (Column::D,    true,  ThreeLayers),
            Self::Vgg19Bn      => (Column::E,    true,  ThreeLayers),
            Self::CifarVgg11Bn => (Column::A,    true,  OneLayer),
            Self::CifarVgg16Bn => (Column::D,    true,  OneLayer),
        };
        Plan { column, batch_norm, head }
    }

    /// Whether it has hidden fully connected units to drop.
    #[must_use]
    pub const fn has_dropout(self) -> bool {
        matches!(self.plan().head, HeadKind::ThreeLayers)
    }

    /// Least height and width of an image, in pixels: one pixel is left of it after five halvings.
    #[must_use]
    pub const fn min_size(self) -> usize {
        32
    }
}

/// Configuration of a [`Vgg`](crate::Vgg).
#[derive(Debug, Clone, PartialEq)]
pub struct VggConfig {
    pub(crate) plan: Plan,
    pub(crate) num_classes: usize,
    pub(crate) in_channels: usize,
    pub(crate) width: usize,
    pub(crate) dropout: f64,
}

impl VggConfig {
    /// A network of the paper for RGB images, with 1000 classes, or ten for a CIFAR network.
    #[must_use]
    pub fn new(variant: Variant) -> Self {
        let plan = variant.plan();
        Self {
            plan,
            num_classes: match plan.head {
                HeadKind::ThreeLayers => 1000,
                HeadKind::OneLayer => 10,
            },
            in_channels: 3,
            width: 64,
            dropout: 0.5,
        }
    }

    /// Number of classes, at least one.
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

    /// Width of the first block, at least one: 64 by default. The other widths follow, those of the hidden fully
    /// connected layers too.
    ///
    /// A narrow network has the same layers and runs in a moment, for tests.
    #[must_use]
    pub fn with_width(mut self, width: usize) -> Self {
        self.width = width;
        self
    }

    /// Share of the hidden fully connected units that a training step drops, from 0 to below 1: 0.5 by default. The
    /// CIFAR networks have no such units.
    #[must_use]
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }
}
