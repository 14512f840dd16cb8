"""GoogLeNet for make_golden.py: torchvision's, and the paper's, written from its Table 1 and Fig. 3.

In training the scores of the auxiliary heads follow those of the main one, so that both are compared. Dropout is off.
"""

import torch
import torchvision
from torch import nn

from alexnet import lrn
from networks import Case


class AllScores(torchvision.models.GoogLeNet):
    """torchvision's network, whose training scores are one tensor instead of a tuple."""

    def __init__(self, **options):
        super().__init__(num_classes=10, init_weights=False, dropout=0.0, dropout_aux=0.0, **options)

    def eager_outputs(self, x, aux2, aux1):
        return torch.cat([x, aux1, aux2], 1) if aux1 is not None else x


class CifarGoogLeNet(AllScores):
    """A first convolution of 3x3 and stride 1, and no pooling after it."""

    def __init__(self):
        super().__init__(aux_logits=False)
        self.conv1.conv = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        self.maxpool1 = nn.Identity()


WIDTH = 16  # channels of the first convolution; 64 in the paper


def part(channels: int) -> int:
    """As many channels as a network of this width has where the paper's has `channels`."""
    return -(-channels * WIDTH // 64)


class Unit(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)

    def forward(self, x):
        return self.conv(x).relu()


class Module(nn.Module):
    """Fig. 2(b)."""

    def __init__(self, inputs, n1, r3, n3, r5, n5, proj):
        super().__init__()
        self.branch1 = Unit(inputs, n1, 1)
        self.branch2 = nn.Sequential(Unit(inputs, r3, 1), Unit(r3, n3, 3))
        self.branch3 = nn.Sequential(Unit(inputs, r5, 1), Unit(r5, n5, 5))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), Unit(inputs, proj, 1))

    def forward(self, x):
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class Side(nn.Module):
    """An auxiliary classifier, section 5."""

    def __init__(self, inputs):
        super().__init__()
        self.conv = Unit(inputs, part(128), 1)
        self.fc1 = nn.Linear(part(128) * 16, part(1024))
        self.fc2 = nn.Linear(part(1024), 10)

    def forward(self, x):
        x = self.conv(nn.functional.avg_pool2d(x, 5, 3))
        return self.fc2(self.fc1(x.flatten(1)).relu())


# Table 1: #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj.
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


class PaperGoogLeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = Unit(3, part(64), 7, 2)
        self.conv2 = Unit(part(64), part(64), 1)
        self.conv3 = Unit(part(64), part(192), 3)
        inputs = part(192)
        for name, numbers in MODULES.items():
            if name == "4b":
                self.aux1 = Side(inputs)
            if name == "4e":
                self.aux2 = Side(inputs)
            n1, r3, n3, r5, n5, proj = map(part, numbers)
            setattr(self, f"inception{name}", Module(inputs, n1, r3, n3, r5, n5, proj))
            inputs = n1 + n3 + n5 + proj
        self.fc = nn.Linear(inputs, 10)
        self.lrn = lrn()
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)

    def forward(self, x):
        x = self.lrn(self.pool(self.conv1(x)))
        x = self.pool(self.lrn(self.conv3(self.conv2(x))))
        scores = []
        for name in MODULES:
            x = getattr(self, f"inception{name}")(x)
            if name in ("3b", "4e"):
                x = self.pool(x)
            if name == "4a" and self.training:
                scores.append(self.aux1(x))
            if name == "4d" and self.training:
                scores.append(self.aux2(x))
        return torch.cat([self.fc(x.mean((2, 3)))] + scores, 1)


LATE = ("inception5b.branch3.0.conv.weight", "fc.weight")
ALL = LATE + ("conv1.conv.weight", "conv3.conv.bias", "inception3a.branch2.1.conv.weight",
              "inception3b.branch3.1.conv.weight", "inception4c.branch4.1.conv.weight")
AUX = ("aux1.conv.conv.weight", "aux1.fc1.weight", "aux1.fc2.bias", "aux2.fc2.weight")
CASES = (
    # Gradients below the heads are compared in the paper's network only. With batch normalisation a rounding error
    # turns some ReLU on or off: PyTorch's own float32 and float64 gradients then differ by a per cent.
    Case("googlenet", "googlenet", lambda: AllScores(aux_logits=True), (4, 3, 96, 64), 2.0,
         ("fc.weight", "aux1.fc2.bias", "aux2.fc2.weight")),
    Case("googlenet_transform", "googlenet", lambda: AllScores(aux_logits=False, transform_input=True),
         (2, 3, 64, 64), 2.0, ()),
    Case("googlenet_paper", "googlenet", PaperGoogLeNet, (2, 3, 224, 224), 2.0, ALL + AUX + ("aux2.conv.conv.bias",)),
    # Loud enough for the squares to count beside the k of the normalisation.
    Case("googlenet_paper_loud", "googlenet", PaperGoogLeNet, (1, 3, 224, 224), 20.0, ()),
    Case("cifar_googlenet", "googlenet", CifarGoogLeNet, (8, 3, 32, 32), 2.0, ("fc.weight",)),
)
