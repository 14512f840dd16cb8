//! The registry: every model by its name, with its paper and figures.

use burn_zoo_alexnet::Variant as AlexNet;
use burn_zoo_googlenet::Variant as GoogLeNet;
use burn_zoo_lenet::Variant as LeNet;
use burn_zoo_resnet::Variant as ResNet;
use burn_zoo_vgg::Variant as Vgg;
use burn_zoo_zfnet::Variant as ZfNet;

use crate::Arch;
use crate::info::{InputFit, ModelInfo, Paper, Preprocessing, Sizes};

const LENET: Paper = Paper {
    title: "Gradient-Based Learning Applied to Document Recognition",
    authors: "LeCun, Bottou, Bengio, Haffner",
    year: 1998,
    url: "http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf",
};

const ALEXNET: Paper = Paper {
    title: "ImageNet Classification with Deep Convolutional Neural Networks",
    authors: "Krizhevsky, Sutskever, Hinton",
    year: 2012,
    url: "https://papers.nips.cc/paper/4824",
};

const ONE_WEIRD_TRICK: Paper = Paper {
    title: "One weird trick for parallelizing convolutional neural networks",
    authors: "Krizhevsky",
    year: 2014,
    url: "https://arxiv.org/abs/1404.5997",
};

const ZFNET: Paper = Paper {
    title: "Visualizing and Understanding Convolutional Networks",
    authors: "Zeiler, Fergus",
    year: 2013,
    url: "https://arxiv.org/abs/1311.2901",
};

const VGG: Paper = Paper {
    title: "Very Deep Convolutional Networks for Large-Scale Image Recognition",
    authors: "Simonyan, Zisserman",
    year: 2014,
    url: "https://arxiv.org/abs/1409.1556",
};

const GOOGLENET: Paper = Paper {
    title: "Going Deeper with Convolutions",
    authors: "Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich",
    year: 2014,
    url: "https://arxiv.org/abs/1409.4842",
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

/// What torchvision's published GoogLeNet was trained on: images scaled to −1…1. Its `transform_input` undoes
/// ImageNet's statistics to get there.
const MINUS_ONE_TO_ONE: Preprocessing = Preprocessing {
    mean: &[0.5, 0.5, 0.5],
    std: &[0.5, 0.5, 0.5],
    fit: InputFit::ResizeAndCrop { shorter: 256 },
};

/// A network for handwritten digits.
const fn mnist(
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
        aux_parameters: 0,
        multiply_adds,
    }
}

/// A network for ImageNet.
const fn imagenet(
    name: &'static str,
    arch: Arch,
    paper: &'static Paper,
    parameters: usize,
    multiply_adds: u64,
    about: &'static str,
) -> ModelInfo {
    ModelInfo {
        name,
        arch,
        about,
        paper,
        input: [3, 224, 224],
        sizes: Sizes::AtLeast(arch.min_size()),
        preprocessing: &IMAGENET,
        classes: 1000,
        parameters,
        aux_parameters: 0,
        multiply_adds,
    }
}

/// A network for CIFAR's small images.
const fn cifar(
    name: &'static str,
    arch: Arch,
    paper: &'static Paper,
    parameters: usize,
    multiply_adds: u64,
    about: &'static str,
) -> ModelInfo {
    ModelInfo {
        input: [3, 32, 32],
        preprocessing: &CIFAR,
        classes: 10,
        ..imagenet(name, arch, paper, parameters, multiply_adds, about)
    }
}

/// Every model, in the order of the papers.
#[rustfmt::skip]
pub(crate) const MODELS: &[ModelInfo] = &[
    mnist("lenet5",        LeNet::Published, 60_000, 325_680, "as published: C3 table, trainable sub-sampling, RBF output"),
    mnist("lenet5_modern", LeNet::Modern,    61_706, 416_520, "as taught: dense C3, max-pooling, ReLU, linear output"),

    imagenet("alexnet",       Arch::AlexNet(AlexNet::Torchvision), &ONE_WEIRD_TRICK, 61_100_840, 714_188_480, "as in torchvision: one group, no normalisation"),
    imagenet("alexnet_paper", Arch::AlexNet(AlexNet::Paper), &ALEXNET, 60_965_224, 724_406_816, "as published: two groups, local response normalisation"),
    cifar("cifar_alexnet", Arch::AlexNet(AlexNet::Cifar), &ALEXNET, 5_871_434, 182_220_800, "alexnet for 32×32 images"),

    imagenet("zfnet",       Arch::ZfNet(ZfNet::ImageNet), &ZFNET, 62_357_608, 1_168_032_896, "as published: 7×7 first, stride 2 twice"),
    cifar("cifar_zfnet", Arch::ZfNet(ZfNet::Cifar), &ZFNET, 5_835_914, 105_424_896, "zfnet for 32×32 images"),

    imagenet("vgg11",     Arch::Vgg(Vgg::Vgg11),    &VGG, 132_863_336, 7_609_090_048, "column A, 11 layers, as in torchvision"),
    imagenet("vgg11_lrn", Arch::Vgg(Vgg::Vgg11Lrn), &VGG, 132_863_336, 7_609_090_048, "column A-LRN: A with local response normalisation"),
    imagenet("vgg13",     Arch::Vgg(Vgg::Vgg13),    &VGG, 133_047_848, 11_308_466_176, "column B, 13 layers, as in torchvision"),
    imagenet("vgg16_c",   Arch::Vgg(Vgg::Vgg16C),   &VGG, 133_638_952, 11_770_888_192, "column C, 16 layers, three of them 1×1"),
    imagenet("vgg16",     Arch::Vgg(Vgg::Vgg16),    &VGG, 138_357_544, 15_470_264_320, "column D, 16 layers, as in torchvision"),
    imagenet("vgg19",     Arch::Vgg(Vgg::Vgg19),    &VGG, 143_667_240, 19_632_062_464, "column E, 19 layers, as in torchvision"),
    imagenet("vgg11_bn",  Arch::Vgg(Vgg::Vgg11Bn),  &VGG, 132_868_840, 7_609_090_048, "vgg11 with batch normalisation, as in torchvision"),
    imagenet("vgg13_bn",  Arch::Vgg(Vgg::Vgg13Bn),  &VGG, 133_053_736, 11_308_466_176, "vgg13 with batch normalisation, as in torchvision"),
    imagenet("vgg16_bn",  Arch::Vgg(Vgg::Vgg16Bn),  &VGG, 138_365_992, 15_470_264_320, "vgg16 with batch normalisation, as in torchvision"),
    imagenet("vgg19_bn",  Arch::Vgg(Vgg::Vgg19Bn),  &VGG, 143_678_248, 19_632_062_464, "vgg19 with batch normalisation, as in torchvision"),
    cifar("cifar_vgg11_bn", Arch::Vgg(Vgg::CifarVgg11Bn), &VGG, 9_231_114, 152_769_536, "vgg11_bn for 32×32 images, one linear layer"),
    cifar("cifar_vgg16_bn", Arch::Vgg(Vgg::CifarVgg16Bn), &VGG, 14_728_266, 313_201_664, "vgg16_bn for 32×32 images, one linear layer"),

    ModelInfo {
        preprocessing: &MINUS_ONE_TO_ONE,
        aux_parameters: 6_379_984,
        ..imagenet("googlenet", Arch::GoogLeNet(GoogLeNet::Torchvision), &GOOGLENET, 6_624_904, 1_498_376_192, "as in torchvision: batch normalisation, 3×3 for 5×5")
    },
    ModelInfo {
        aux_parameters: 6_379_728,
        ..imagenet("googlenet_paper", Arch::GoogLeNet(GoogLeNet::Paper), &GOOGLENET, 6_998_552, 1_582_671_872, "as published: 5×5, local response normalisation")
    },
    cifar("cifar_googlenet", Arch::GoogLeNet(GoogLeNet::Cifar), &GOOGLENET, 5_602_474, 452_175_872, "googlenet for 32×32 images, no auxiliary heads"),

    imagenet("resnet18",        Arch::ResNet(ResNet::R18), &RESNET,       11_689_512, 1_814_073_344, "18 layers, basic units, as in torchvision"),
    imagenet("resnet34",        Arch::ResNet(ResNet::R34), &RESNET,       21_797_672, 3_663_761_408, "34 layers, basic units, as in torchvision"),
    imagenet("resnet50",        Arch::ResNet(ResNet::R50), &RESNET,       25_557_032, 4_089_184_256, "50 layers, bottlenecks, as in torchvision (v1.5)"),
    imagenet("resnet101",       Arch::ResNet(ResNet::R101), &RESNET,      44_549_160, 7_801_405_440, "101 layers, bottlenecks, as in torchvision (v1.5)"),
    imagenet("resnet152",       Arch::ResNet(ResNet::R152), &RESNET,      60_192_808, 11_513_626_624, "152 layers, bottlenecks, as in torchvision (v1.5)"),
    imagenet("resnet50_paper",  Arch::ResNet(ResNet::R50Paper), &RESNET,  25_557_032, 3_857_973_248, "as published: the stride in the first 1×1"),
    imagenet("resnet101_paper", Arch::ResNet(ResNet::R101Paper), &RESNET, 44_549_160, 7_570_194_432, "as published: the stride in the first 1×1"),
    imagenet("resnet152_paper", Arch::ResNet(ResNet::R152Paper), &RESNET, 60_192_808, 11_282_415_616, "as published: the stride in the first 1×1"),
    imagenet("plain18",         Arch::ResNet(ResNet::Plain18), &RESNET,   11_515_688, 1_794_805_760, "18 layers without shortcuts"),
    imagenet("plain34",         Arch::ResNet(ResNet::Plain34), &RESNET,   21_623_848, 3_644_493_824, "34 layers without shortcuts"),

    cifar("resnet20",  Arch::ResNet(ResNet::R20), &RESNET,     269_722,   40_551_040, "20 layers for CIFAR, shortcuts without parameters"),
    cifar("resnet32",  Arch::ResNet(ResNet::R32), &RESNET,     464_154,   68_862_592, "32 layers for CIFAR, shortcuts without parameters"),
    cifar("resnet44",  Arch::ResNet(ResNet::R44), &RESNET,     658_586,   97_174_144, "44 layers for CIFAR, shortcuts without parameters"),
    cifar("resnet56",  Arch::ResNet(ResNet::R56), &RESNET,     853_018,   125_485_696, "56 layers for CIFAR, shortcuts without parameters"),
    cifar("resnet110", Arch::ResNet(ResNet::R110), &RESNET,    1_727_962, 252_887_680, "110 layers for CIFAR, shortcuts without parameters"),
    cifar("plain20",   Arch::ResNet(ResNet::Plain20), &RESNET, 269_722,   40_551_040, "20 layers for CIFAR without shortcuts"),
    cifar("plain32",   Arch::ResNet(ResNet::Plain32), &RESNET, 464_154,   68_862_592, "32 layers for CIFAR without shortcuts"),
    cifar("plain44",   Arch::ResNet(ResNet::Plain44), &RESNET, 658_586,   97_174_144, "44 layers for CIFAR without shortcuts"),
    cifar("plain56",   Arch::ResNet(ResNet::Plain56), &RESNET, 853_018,   125_485_696, "56 layers for CIFAR without shortcuts"),

    cifar("cifar_resnet18", Arch::ResNet(ResNet::CifarR18), &RESNET, 11_173_962, 555_422_720, "resnet18 with a 3×3 stem for 32×32 images"),
    cifar("cifar_resnet34", Arch::ResNet(ResNet::CifarR34), &RESNET, 21_282_122, 1_159_402_496, "resnet34 with a 3×3 stem for 32×32 images"),
    cifar("cifar_resnet50", Arch::ResNet(ResNet::CifarR50), &RESNET, 23_520_842, 1_297_829_888, "resnet50 with a 3×3 stem for 32×32 images"),
];
