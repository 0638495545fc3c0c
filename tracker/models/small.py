"""Small nets that learn something within a minute.

Where a ReLU meets a max pool, the pool goes first: the same values and gradients (neither changes
which pixel is the largest) from a ReLU over a quarter of the pixels.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import cast

from torch import Tensor, nn

from tracker.models.squeeze import Gate
from tracker.spec.experiment import Model

SCALE = 0.125  # of resnet9's output: keeps the first losses near log(num_classes)
WIDTH = 64  # of resnet9, unless the spec says otherwise


def small_cnn(_spec: Model, num_classes: int) -> nn.Sequential:
    """Three 5×5 convolutions, each halving the picture, and two linear layers.

    Layer sizes are those of Caffe's cifar10_quick. Takes [N, 3, H, W] to [N, num_classes];
    what the convolutions leave is averaged to 4×4 before the linear layers (at 32×32 it is 4×4).
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for i, (inputs, outputs) in enumerate(((3, 32), (32, 32), (32, 64)), start=1):
        layers[f"conv{i}"] = nn.Conv2d(inputs, outputs, 5, padding=2)
        layers[f"pool{i}"] = nn.MaxPool2d(2)
        layers[f"relu{i}"] = nn.ReLU(inplace=True)
    layers["avgpool"] = nn.AdaptiveAvgPool2d(4)
    layers["flatten"] = nn.Flatten()
    layers["fc1"] = nn.Linear(64 * 4 * 4, 64)
    layers["relu4"] = nn.ReLU(inplace=True)
    layers["fc2"] = nn.Linear(64, num_classes)
    return nn.Sequential(layers)


def _conv(inputs: int, outputs: int, *, pool: bool = False) -> nn.Sequential:
    """Convolution, norm, a max pool that halves the picture if asked for, and ReLU."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv=nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        bn=nn.BatchNorm2d(outputs),
    )
    if pool:
        layers["pool"] = nn.MaxPool2d(2)
    layers["relu"] = nn.ReLU(inplace=True)
    return nn.Sequential(layers)


class Residual(nn.Sequential):
    """Layers whose output, of the input's shape, is added to the input."""

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, C, H, W]."""
        out = x
        for layer in self:
            out = layer(out)
        return x + out


class ResNet9(nn.Module):
    """The net of David Page's DAWNBench entry: CIFAR-10 to 94 % in 79 s on one V100, 2018.

    Eight 3×3 convolutions and one linear layer; `width` channels first, eight times as many
    last. https://github.com/davidcpage/cifar10-fast and its story "How to train your ResNet"
    (myrtle.ai). Takes [N, 3, H, W] to [N, num_classes]; the entry's last 4×4 max pool takes
    whatever is left of a larger picture. Weights start as torch starts them, as there.
    """

    def __init__(self, num_classes: int, width: int, *, squeeze: bool) -> None:
        super().__init__()
        self.prep = _conv(3, width)
        self.layer1 = _conv(width, 2 * width, pool=True)
        self.res1 = _residual(2 * width)
        self.layer2 = _conv(2 * width, 4 * width, pool=True)
        self.layer3 = _conv(4 * width, 8 * width, pool=True)
        self.res3 = _residual(8 * width)
        self.fc = nn.Linear(8 * width, num_classes, bias=False)
        if squeeze:  # last, so that the twin of one seed starts from the same weights
            self.res1.add_module("se", Gate(2 * width))
            self.res3.add_module("se", Gate(8 * width))

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, H, W] → [N, num_classes]."""
        x = self.res1(self.layer1(self.prep(x)))
        x = self.res3(self.layer3(self.layer2(x)))
        return cast("Tensor", self.fc(x.amax((2, 3))) * SCALE)


def _residual(channels: int) -> Residual:
    return Residual(OrderedDict(conv1=_conv(channels, channels), conv2=_conv(channels, channels)))


def resnet9(spec: Model, num_classes: int, *, squeeze: bool = False) -> ResNet9:
    """ResNet-9 of `spec.width` channels (64 where it says none); with gates if `squeeze`."""
    return ResNet9(num_classes, spec.width or WIDTH, squeeze=squeeze)
