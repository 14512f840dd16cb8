"""AlexNet and ZFNet for make_golden.py: torchvision's, and short definitions of our own, written from the papers.

Dropout is left out everywhere: its zeros are random, and evaluation does not have it.
"""

import torchvision
from torch import nn

from networks import Case


def lrn():
    """Krizhevsky et al. sum five squares times 1e-4; PyTorch averages them."""
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)


class TwoHalves(nn.Module):
    """A network of two Sequentials, as torchvision builds AlexNet; numbers count the dropout that is left out."""

    def __init__(self, features: list, side: int, hidden: int, dropout_first: bool, classes: int = 10):
        super().__init__()
        self.features = nn.Sequential(*features)
        self.pool = nn.AdaptiveAvgPool2d(side)
        inputs = [layer for layer in features if isinstance(layer, nn.Conv2d)][-1].out_channels * side**2
        fc6, fc7, fc8 = nn.Linear(inputs, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, classes)
        none = nn.Identity
        if dropout_first:
            layers = [none(), fc6, nn.ReLU(), none(), fc7, nn.ReLU(), fc8]
        else:
            layers = [fc6, nn.ReLU(), none(), fc7, nn.ReLU(), none(), fc8]
        self.classifier = nn.Sequential(*layers)

    def forward(self, x):
        return self.classifier(self.pool(self.features(x)).flatten(1))


def alexnet_paper(quarters: int = 1):
    """So many quarters as wide as the paper's 96, 256, 384, 384 and 256 channels."""
    a, b, c, hidden = (quarters * width for width in (24, 64, 96, 1024))
    features = [
        nn.Conv2d(3, a, 11, 4, 2), nn.ReLU(), lrn(), nn.MaxPool2d(3, 2),
        nn.Conv2d(a, b, 5, 1, 2, groups=2), nn.ReLU(), lrn(), nn.MaxPool2d(3, 2),
        nn.Conv2d(b, c, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(c, c, 3, 1, 1, groups=2), nn.ReLU(),
        nn.Conv2d(c, b, 3, 1, 1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2),
    ]  # fmt: skip
    return TwoHalves(features, 6, hidden, dropout_first=False)


def cifar_alexnet():
    features = [
        nn.Conv2d(3, 64, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(3, 2),
    ]  # fmt: skip
    return TwoHalves(features, 3, 1024, dropout_first=True)


def zfnet(widths, stride1: int, paddings, side: int, hidden: int = 1024):
    a, b, c = widths
    features = [
        nn.Conv2d(3, a, 7, stride1, paddings[0]), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True), lrn(),
        nn.Conv2d(a, b, 5, 2, paddings[1]), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True), lrn(),
        nn.Conv2d(b, c, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(c, c, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(c, b, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True),
    ]  # fmt: skip
    return TwoHalves(features, side, hidden, dropout_first=False)


PAPER = ("features.0.weight", "features.0.bias", "features.4.weight", "features.12.bias", "classifier.0.weight",
         "classifier.3.weight", "classifier.6.bias")
TORCHVISION = ("features.0.weight", "features.3.bias", "features.10.weight", "classifier.1.weight",
               "classifier.4.bias", "classifier.6.weight")
# Formula images are faint: at a gain of 2 the normalisation would divide by little more than its k.
LOUD = 20.0
CASES = (
    # Small images: the last map has 1x3 pixels, and adaptive pooling repeats them to 6x6.
    Case("alexnet", "alexnet", lambda: torchvision.models.alexnet(num_classes=10, dropout=0.0), (2, 3, 64, 127), 2.0,
         TORCHVISION),
    Case("alexnet_paper", "alexnet", alexnet_paper, (2, 3, 224, 224), LOUD, PAPER),
    Case("cifar_alexnet", "alexnet", cifar_alexnet, (2, 3, 32, 32), 2.0, TORCHVISION),
    # A quarter as wide as the paper's.
    Case("zfnet", "zfnet", lambda: zfnet((24, 64, 96), 2, (1, 0), 6), (2, 3, 224, 224), LOUD, PAPER),
    Case("cifar_zfnet", "zfnet", lambda: zfnet((96, 256, 384), 1, (3, 2), 2), (2, 3, 32, 32), LOUD, PAPER),
)
