//! Table 1 of the paper.

use burn_zoo_blocks::sequential::{
    ConvSpec, HeadSpec, LayerSpec, SequentialPlan, SequentialVariant,
};
use burn_zoo_blocks::{DropoutSide, WeightInit};

/// What a row of the table holds in one column; a convolution is followed by its ReLU.
type Row = Option<LayerSpec>;

/// conv3: 3×3 with padding 1.
const fn c3(channels: usize) -> Row {
    Some(LayerSpec::Conv(ConvSpec::same(channels, 3)))
}

/// conv1: 1×1 without padding.
const fn c1(channels: usize) -> Row {
    Some(LayerSpec::Conv(ConvSpec::same(channels, 1)))
}

/// The map at this place has a name.
const fn map(name: &'static str) -> [Row; 6] {
    [Some(LayerSpec::Feature(name)); 6]
}

const LRN: Row = Some(LayerSpec::Lrn);
const POOL: [Row; 6] = [Some(LayerSpec::MaxPool {
    kernel: 2,
    ceil_mode: false,
}); 6];
const __: Row = None;

/// Table 1, row by row as printed. After it every column has FC-4096, FC-4096 and FC-1000.
#[rustfmt::skip]
const TABLE_1: [[Row; 6]; 27] = [
    // A        A-LRN    B        C        D        E
    [c3(64),  c3(64),  c3(64),  c3(64),  c3(64),  c3(64) ],
    [__,      LRN,     c3(64),  c3(64),  c3(64),  c3(64) ],
    map("block1"),
    POOL,
    [c3(128), c3(128), c3(128), c3(128), c3(128), c3(128)],
    [__,      __,      c3(128), c3(128), c3(128), c3(128)],
    map("block2"),
    POOL,
    [c3(256), c3(256), c3(256), c3(256), c3(256), c3(256)],
    [c3(256), c3(256), c3(256), c3(256), c3(256), c3(256)],
    [__,      __,      __,      c1(256), c3(256), c3(256)],
    [__,      __,      __,      __,      __,      c3(256)],
    map("block3"),
    POOL,
    [c3(512), c3(512), c3(512), c3(512), c3(512), c3(512)],
    [c3(512), c3(512), c3(512), c3(512), c3(512), c3(512)],
    [__,      __,      __,      c1(512), c3(512), c3(512)],
    [__,      __,      __,      __,      __,      c3(512)],
    map("block4"),
    POOL,
    [c3(512), c3(512), c3(512), c3(512), c3(512), c3(512)],
    [c3(512), c3(512), c3(512), c3(512), c3(512), c3(512)],
    [__,      __,      __,      c1(512), c3(512), c3(512)],
    [__,      __,      __,      __,      __,      c3(512)],
    map("block5"),
    POOL,
    map("pool5"),
];

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

impl Variant {
    /// Column of the table, whether batch normalisation follows every convolution, and whether the network is CIFAR's.
    #[rustfmt::skip]
    const fn row(self) -> (usize, bool, bool) {
        const A: usize = 0; const A_LRN: usize = 1; const B: usize = 2;
        const C: usize = 3; const D: usize = 4; const E: usize = 5;
        match self {
            Self::Vgg11        => (A,     false, false),
            Self::Vgg11Lrn     => (A_LRN, false, false),
            Self::Vgg13        => (B,     false, false),
            Self::Vgg16C       => (C,     false, false),
            Self::Vgg16        => (D,     false, false),
            Self::Vgg19        => (E,     false, false),
            Self::Vgg11Bn      => (A,     true,  false),
            Self::Vgg13Bn      => (B,     true,  false),
            Self::Vgg16Bn      => (D,     true,  false),
            Self::Vgg19Bn      => (E,     true,  false),
            Self::CifarVgg11Bn => (A,     true,  true),
            Self::CifarVgg16Bn => (D,     true,  true),
        }
    }

    /// Least height and width of an image, in pixels: one pixel is left of it after five halvings.
    #[must_use]
    pub const fn min_size(self) -> usize {
        32
    }
}

impl SequentialVariant for Variant {
    fn plan(self) -> SequentialPlan {
        let (column, batch_norm, is_cifar) = self.row();
        let mut table = Vec::new();
        for layer in TABLE_1.iter().filter_map(|row| row[column]) {
            table.push(layer);
            if let LayerSpec::Conv(_) = layer {
                table.extend(batch_norm.then_some(LayerSpec::BatchNorm));
                table.push(LayerSpec::Relu);
            }
        }
        let init = WeightInit::Normal { bias: 0.0 };
        SequentialPlan {
            table,
            conv_init: |_| WeightInit::He,
            width: 64,
            multiple_of: 1,
            head: match is_cifar {
                true => HeadSpec::Linear,
                // 7·7·512 = 25,088 inputs.
                false => HeadSpec::Mlp {
                    side: 7,
                    hidden: 4096,
                    dropout: DropoutSide::After,
                    init,
                },
            },
            last_init: init,
            num_classes: if is_cifar { 10 } else { 1000 },
        }
    }
}
