"""VGG for make_golden.py: torchvision's network with narrow columns, and the columns A-LRN and C, which it lacks."""

import torchvision
from torch import nn
from torchvision.models.vgg import cfgs, make_layers

from alexnet import lrn
from networks import Case

WIDTH = 8  # channels of the first block; 64 in the paper

# Column C of Table 1: widths, with a 1 where the convolution is 1x1.
COLUMN_C = [64, 64, "M", 128, 128, "M", 256, 256, (256, 1), "M", 512, 512, (512, 1), "M", 512, 512, (512, 1), "M"]


def torchvision_features(column: str, batch_norm: bool) -> nn.Sequential:
    narrow = [entry if entry == "M" else entry * WIDTH // 64 for entry in cfgs[column]]
    return make_layers(narrow, batch_norm)


def lrn_features() -> nn.Sequential:
    """Column A-LRN: one normalisation after the first convolution."""
    layers = list(torchvision_features("A", False))
    return nn.Sequential(*layers[:2], lrn(), *layers[2:])


def c_features() -> nn.Sequential:
    layers, inputs = [], 3
    for entry in COLUMN_C:
        if entry == "M":
            layers.append(nn.MaxPool2d(2, 2))
            continue
        outputs, kernel = entry if isinstance(entry, tuple) else (entry, 3)
        outputs = outputs * WIDTH // 64
        layers += [nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), nn.ReLU()]
        inputs = outputs
    return nn.Sequential(*layers)


def vgg(features: nn.Sequential) -> nn.Module:
    """torchvision's VGG with these features, its fully connected layers as narrow as they are."""
    model = torchvision.models.VGG(features, num_classes=10, init_weights=False, dropout=0.0)
    width = {25088: 49 * 8 * WIDTH, 4096: 64 * WIDTH, 10: 10}
    for index in (0, 3, 6):
        layer = model.classifier[index]
        model.classifier[index] = nn.Linear(width[layer.in_features], width[layer.out_features])
    return model


class CifarVGG(nn.Module):
    """The usual form for 32x32 images: the features, and one linear layer on what is left, a pixel."""

    def __init__(self, features: nn.Sequential):
        super().__init__()
        self.features = features
        self.classifier = nn.Linear(8 * WIDTH, 10)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


# The images are not square, and the last maps (2x1) smaller than the 7x7 that the pooling before the head gives.
IMAGES = (2, 3, 75, 40)


# Loud enough for the squares to count beside the k of the normalisation.
LOUD = 200.0


def case(name: str, features, gradients, gain: float = 2.0) -> Case:
    always = ("features.0.weight", "classifier.0.weight", "classifier.3.bias", "classifier.6.weight")
    return Case(name, "vgg", lambda: vgg(features()), IMAGES, gain, always + gradients)


CASES = (
    case("vgg11", lambda: torchvision_features("A", False), ("features.18.bias",)),
    case("vgg11_lrn", lrn_features, ("features.0.bias", "features.4.weight", "features.19.bias"), LOUD),
    case("vgg13", lambda: torchvision_features("B", False), ("features.22.bias",)),
    case("vgg16_c", c_features, ("features.14.weight", "features.21.bias", "features.28.weight")),
    case("vgg16", lambda: torchvision_features("D", False), ("features.14.weight", "features.28.weight")),
    case("vgg19", lambda: torchvision_features("E", False), ("features.34.bias",)),
    case("vgg16_bn", lambda: torchvision_features("D", True), ("features.1.bias", "features.41.weight")),
    Case("cifar_vgg11_bn", "vgg", lambda: CifarVGG(torchvision_features("A", True)), (4, 3, 32, 32), 2.0,
         ("features.0.weight", "features.26.bias", "classifier.weight", "classifier.bias")),
)
