"""The networks that make_golden.py asks: torchvision's where it has them, short definitions of our own elsewhere.

These definitions are independent of the Rust ones on purpose: written from the papers, with PyTorch's means.
"""

from dataclasses import dataclass
from typing import Callable

import torch
import torch.nn.functional as F
import torchvision
from torch import nn


class BasicUnit(nn.Module):
    """Two 3x3 convolutions with shortcut option A ("A"), or none ("plain")."""

    def __init__(self, inputs: int, outputs: int, stride: int, shortcut: str):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.added, self.shortcut = stride, outputs - inputs, shortcut

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.shortcut == "A":
            x = x[:, :, :: self.stride, :: self.stride]
            out = out + F.pad(x, (0, 0, 0, 0, self.added // 2, self.added - self.added // 2))
        return F.relu(out)


class BasicNet(nn.Module):
    """A residual or plain network of basic units; `large` has ImageNet's stem."""

    def __init__(self, units, width: int, shortcut: str, large: bool, classes: int = 10):
        super().__init__()
        self.large = large
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False) if large else nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.stages = len(units)
        inputs = width
        for stage, count in enumerate(units):
            outputs = width * 2**stage
            layer = []
            for unit in range(count):
                stride = 2 if stage > 0 and unit == 0 else 1
                layer.append(BasicUnit(inputs, outputs, stride, shortcut))
                inputs = outputs
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layer))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        if self.large:
            x = F.max_pool2d(x, 3, 2, 1)
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.fc(x.mean((2, 3)))


class PaperBottleneck(torchvision.models.resnet.Bottleneck):
    """torchvision's bottleneck with the stride moved to the first 1x1 convolution, as in the paper."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.conv1.stride, self.conv2.stride = self.conv2.stride, self.conv1.stride


class ModernLeNet(nn.Module):
    """LeNet-5 as in PyTorch's tutorial."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc3(F.relu(self.fc2(x)))


# Table I of LeCun et al. 1998, as printed: a row per map of S2, an X in the columns of the maps of C3 that see it.
TABLE_I = """
X...XXX..XXXX.XX
XX...XXX..XXXX.X
XXX...XXX..X.XXX
.XXX..XXXX..X.XX
..XXX..XXXX.XX.X
...XXX..XXXX.XXX
""".split()

# Fig. 3: the digits of the ASCII set, side by side; # is +1.
FIGURE_3 = """
.#####. ...##.. .#####. ####### .#####. .#####. ..####. ####### .#####. .#####.
....... ..###.. ....... .....## ....... ....... .##.... .....## ##...## ##..###
..###.. .####.. .#####. ....##. ....... ####### ##..... .....## ##...## ##...##
.##.##. ...##.. ##...## ...##.. .##..## ##..... ##..... ....##. ##...## ##...##
##...## ...##.. #....## ..####. .##..## ##..... ######. ...##.. .#####. ##..###
##...## ...##.. ....##. .....## ###..## .####.. ###..## ...##.. ##...## .######
##...## ...##.. ..###.. .....## ##...## ..####. ##...## ..##... ##...## .....##
##...## ...##.. .##.... .....## ##...## .....## ##...## ..##... ##...## .....##
.##.##. ...##.. ##..... ##...## ##..### ##...## ###..## ..##... ##...## ....##.
..###.. .###### ####### .#####. .###### .#####. .#####. ..##... .#####. .####..
....... ....... ....... ....... .....## ....... ....... ....... ....... .......
....... ....... ....... ....... .....## ....... ....... ....... ....... .......
"""


class SubSampling(nn.Module):
    def __init__(self, maps: int):
        super().__init__()
        self.coefficient = nn.Parameter(torch.zeros(maps))
        self.bias = nn.Parameter(torch.zeros(maps))

    def forward(self, x):
        sums = x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]
        return sums * self.coefficient[:, None, None] + self.bias[:, None, None]


class TableConv(nn.Module):
    """C3: one 5x5 kernel per connection, map by map; each map is a convolution of the maps that it sees."""

    def __init__(self):
        super().__init__()
        self.seen = [[i for i in range(6) if TABLE_I[i][o] == "X"] for o in range(16)]
        self.weight = nn.Parameter(torch.zeros(sum(map(len, self.seen)), 1, 5, 5))
        self.bias = nn.Parameter(torch.zeros(16))

    def forward(self, x):
        maps, start = [], 0
        for output, seen in enumerate(self.seen):
            kernels = self.weight[start : start + len(seen), 0].unsqueeze(0)
            start += len(seen)
            maps.append(F.conv2d(x[:, seen], kernels, self.bias[output : output + 1]))
        return torch.cat(maps, 1)


class PublishedLeNet(nn.Module):
    """LeNet-5 as published, with RBF outputs or a linear layer; the scores are negated squared distances."""

    def __init__(self, rbf: bool):
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5)
        self.s2 = SubSampling(6)
        self.c3 = TableConv()
        self.s4 = SubSampling(16)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.output = None if rbf else nn.Linear(84, 10)
        lines = [line.split() for line in FIGURE_3.split("\n") if line]
        pixels = [[1.0 if p == "#" else -1.0 for line in lines for p in line[digit]] for digit in range(10)]
        self.bitmaps = torch.tensor(pixels)

    def forward(self, x):
        def squash(a):
            return 1.7159 * torch.tanh(a * 2 / 3)

        for layer in (self.c1, self.s2, self.c3, self.s4, self.c5):
            x = squash(layer(x))
        x = squash(self.f6(x.flatten(1)))
        if self.output is not None:
            return self.output(x)
        return -((x[:, None] - self.bitmaps) ** 2).sum(2)


@dataclass(frozen=True)
class Case:
    """One golden file."""

    name: str
    crate: str
    build: Callable[[], nn.Module]
    images: tuple  # batch, channels, height, width
    gain: float  # variance of a weight times its fan-in: 1 where shortcuts keep the signal up, 2 elsewhere
    gradients: tuple  # keys of the parameters whose gradients are recorded; none: no training step


def torchvision_resnet(block, units):
    return lambda: torchvision.models.ResNet(block, units, num_classes=10)


RESNET = ("conv1.weight", "bn1.bias", "layer2.0.conv1.weight", "layer4.1.bn2.weight", "fc.weight")
# With fifty normalisations over a handful of values each, a rounding error turns some ReLU on or off: PyTorch's own
# float32 and float64 gradients of these networks differ by some per cent. They are compared in evaluation only.
TOO_DEEP = ()
CASES = (
    Case("lenet5", "lenet", lambda: PublishedLeNet(rbf=True), (3, 1, 32, 32), 2.0,
         ("c1.weight", "s2.coefficient", "s2.bias", "c3.weight", "c3.bias", "s4.coefficient", "c5.weight", "f6.bias")),
    Case("lenet5_softmax", "lenet", lambda: PublishedLeNet(rbf=False), (3, 1, 32, 32), 2.0,
         ("c3.weight", "f6.weight", "output.weight", "output.bias")),
    Case("lenet5_modern", "lenet", ModernLeNet, (3, 1, 32, 32), 2.0,
         ("conv1.weight", "conv2.bias", "fc1.weight", "fc3.bias")),
    Case("resnet18", "resnet", lambda: torchvision.models.resnet18(num_classes=10), (2, 3, 64, 64), 1.0,
         RESNET + ("layer3.0.downsample.0.weight",)),
    Case("resnet50", "resnet", lambda: torchvision.models.resnet50(num_classes=10), (2, 3, 64, 64), 1.0, TOO_DEEP),
    Case("resnet50_paper", "resnet", torchvision_resnet(PaperBottleneck, [3, 4, 6, 3]), (2, 3, 64, 64), 1.0, TOO_DEEP),
    Case("plain18", "resnet", lambda: BasicNet([2, 2, 2, 2], 64, "plain", large=True), (2, 3, 64, 64), 2.0, RESNET),
    Case("resnet20", "resnet", lambda: BasicNet([3, 3, 3], 16, "A", large=False), (2, 3, 32, 32), 1.0,
         ("conv1.weight", "layer2.0.conv1.weight", "layer3.2.bn2.bias", "fc.weight")),
)
