//! The zoo's list: every model with its paper and figures.

use burn_zoo_lenet::Variant as LeNet;
use burn_zoo_resnet::Variant as ResNet;

use crate::info::{InputFit, ModelInfo, Paper, Preprocessing, Sizes};

/// The architecture behind a name: a network of one of the model crates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arch {
    /// A network of `burn-zoo-lenet`.
    LeNet(LeNet),
    /// A network of `burn-zoo-resnet`.
    ResNet(ResNet),
}

const LENET: Paper = Paper {
    title: "Gradient-Based Learning Applied to Document Recognition",
    authors: "LeCun, Bottou, Bengio, Haffner",
    year: 1998,
    url: "http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf",
};

const RESNET: Paper = Paper {
    title: "Deep Residual Learning for Image Recognition",
    authors: "He, Zhang, Ren, Sun",
    year: 2015,
    url: "https://arxiv.org/abs/1512.03385",
};

const MNIST: Preprocessing = Preprocessing {
    mean: &[0.1307],
    std: &[0.3081],
    fit: InputFit::Pad,
};

const CIFAR: Preprocessing = Preprocessing {
    mean: &[0.4914, 0.4822, 0.4465],
    std: &[0.2470, 0.2435, 0.2616],
    fit: InputFit::Exact,
};

const IMAGENET: Preprocessing = Preprocessing {
    mean: &[0.485, 0.456, 0.406],
    std: &[0.229, 0.224, 0.225],
    fit: InputFit::ResizeAndCrop { shorter: 256 },
};

/// A network for handwritten digits.
const fn lenet(
    name: &'static str,
    arch: LeNet,
    parameters: usize,
    multiply_adds: u64,
    about: &'static str,
) -> ModelInfo {
    ModelInfo {
        name,
        arch: Arch::LeNet(arch),
        about,
        paper: &LENET,
        input: [1, 32, 32],
        sizes: Sizes::Fixed,
        preprocessing: &MNIST,
        classes: 10,
        parameters,
        multiply_adds,
    }
}

/// A network of the ResNet paper's Table 1, for ImageNet.
const fn resnet(
    name: &'static str,
    arch: ResNet,
    parameters: usize,
    multiply_adds: u64,
    about: &'static str,
) -> ModelInfo {
    ModelInfo {
        name,
        arch: Arch::ResNet(arch),
        about,
        paper: &RESNET,
        input: [3, 224, 224],
        sizes: Sizes::AtLeast(1),
        preprocessing: &IMAGENET,
        classes: 1000,
        parameters,
        multiply_adds,
    }
}

/// The same for CIFAR's small pictures.
const fn small(
    name: &'static str,
    arch: ResNet,
    parameters: usize,
    multiply_adds: u64,
    about: &'static str,
) -> ModelInfo {
    ModelInfo {
        input: [3, 32, 32],
        preprocessing: &CIFAR,
        classes: 10,
        ..resnet(name, arch, parameters, multiply_adds, about)
    }
}

/// Every model, in the order of the papers.
#[rustfmt::skip]
pub(crate) const MODELS: &[ModelInfo] = &[
    lenet("lenet5",        LeNet::Published, 60_000, 325_680, "as published: C3 table, trainable sub-sampling, RBF output"),
    lenet("lenet5_modern", LeNet::Modern,    61_706, 416_520, "as taught: dense C3, max-pooling, ReLU, linear output"),

    resnet("resnet18",        ResNet::R18,       11_689_512, 1_814_073_344, "18 layers, basic units, as in torchvision"),
    resnet("resnet34",        ResNet::R34,       21_797_672, 3_663_761_408, "34 layers, basic units, as in torchvision"),
    resnet("resnet50",        ResNet::R50,       25_557_032, 4_089_184_256, "50 layers, bottlenecks, as in torchvision (v1.5)"),
    resnet("resnet101",       ResNet::R101,      44_549_160, 7_801_405_440, "101 layers, bottlenecks, as in torchvision (v1.5)"),
    resnet("resnet152",       ResNet::R152,      60_192_808, 11_513_626_624, "152 layers, bottlenecks, as in torchvision (v1.5)"),
    resnet("resnet50_paper",  ResNet::R50Paper,  25_557_032, 3_857_973_248, "as published: the stride in the first 1×1"),
    resnet("resnet101_paper", ResNet::R101Paper, 44_549_160, 7_570_194_432, "as published: the stride in the first 1×1"),
    resnet("resnet152_paper", ResNet::R152Paper, 60_192_808, 11_282_415_616, "as published: the stride in the first 1×1"),
    resnet("plain18",         ResNet::Plain18,   11_515_688, 1_794_805_760, "18 layers without shortcuts"),
    resnet("plain34",         ResNet::Plain34,   21_623_848, 3_644_493_824, "34 layers without shortcuts"),

    small("resnet20",  ResNet::R20,     269_722,   40_551_040, "20 layers for CIFAR, shortcuts without parameters"),
    small("resnet32",  ResNet::R32,     464_154,   68_862_592, "32 layers for CIFAR, shortcuts without parameters"),
    small("resnet44",  ResNet::R44,     658_586,   97_174_144, "44 layers for CIFAR, shortcuts without parameters"),
    small("resnet56",  ResNet::R56,     853_018,   125_485_696, "56 layers for CIFAR, shortcuts without parameters"),
    small("resnet110", ResNet::R110,    1_727_962, 252_887_680, "110 layers for CIFAR, shortcuts without parameters"),
    small("plain20",   ResNet::Plain20, 269_722,   40_551_040, "20 layers for CIFAR without shortcuts"),
    small("plain32",   ResNet::Plain32, 464_154,   68_862_592, "32 layers for CIFAR without shortcuts"),
    small("plain44",   ResNet::Plain44, 658_586,   97_174_144, "44 layers for CIFAR without shortcuts"),
    small("plain56",   ResNet::Plain56, 853_018,   125_485_696, "56 layers for CIFAR without shortcuts"),

    small("cifar_resnet18", ResNet::CifarR18, 11_173_962, 555_422_720, "resnet18 with a 3×3 stem for 32×32 pictures"),
    small("cifar_resnet34", ResNet::CifarR34, 21_282_122, 1_159_402_496, "resnet34 with a 3×3 stem for 32×32 pictures"),
    small("cifar_resnet50", ResNet::CifarR50, 23_520_842, 1_297_829_888, "resnet50 with a 3×3 stem for 32×32 pictures"),
];
