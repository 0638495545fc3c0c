"""The CIFAR ResNets of He et al. (arXiv 1512.03385, §4.2) and their SE twins."""

from __future__ import annotations

from typing import cast

import torch.nn.functional as F  # noqa: N812 - as everyone writes it
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

from tracker.models.squeeze import add_gates
from tracker.spec.experiment import Model

WIDTHS = (16, 32, 64)


class Shortcut(nn.Module):
    """Option A of the paper: every second pixel, and zeros for the new channels; no parameters."""

    def __init__(self, new_channels: int) -> None:
        super().__init__()
        self.before = new_channels // 2
        self.after = new_channels - self.before

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, C + new_channels, ⌈H/2⌉, ⌈W/2⌉]."""
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.before, self.after))


class CifarResNet(nn.Module):
    """Three stages of `depth` blocks each, of 16, 32 and 64 channels: 6·depth + 2 layers.

    Takes [N, 3, H, W] to [N, num_classes]; meant for 32×32, works for any H and W. Convolutions
    start as He et al. start them (arXiv 1502.01852, fan out, as in torchvision's ResNet), the
    final layer as torch does.
    """

    def __init__(self, depth: int, num_classes: int, block: type[BasicBlock]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = _stage(block, WIDTHS[0], WIDTHS[0], depth)
        self.layer2 = _stage(block, WIDTHS[0], WIDTHS[1], depth)
        self.layer3 = _stage(block, WIDTHS[1], WIDTHS[2], depth)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(WIDTHS[2], num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, H, W] → [N, num_classes]."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return cast("Tensor", self.fc(self.avgpool(x).flatten(1)))


def _stage(block: type[BasicBlock], inputs: int, outputs: int, depth: int) -> nn.Sequential:
    """`depth` blocks; where the width grows, the first one halves the picture."""
    if inputs == outputs:
        first = block(inputs, outputs)
    else:
        first = block(inputs, outputs, stride=2, downsample=Shortcut(outputs - inputs))
    return nn.Sequential(first, *(block(outputs, outputs) for _ in range(depth - 1)))


def cifar_resnet(
    _spec: Model, num_classes: int, *, depth: int, block: type[BasicBlock] = BasicBlock
) -> CifarResNet:
    """The net of 6·`depth` + 2 layers: 3, 5, 7, 9 and 18 are the paper's 20 to 110."""
    model = CifarResNet(depth, num_classes, block)
    add_gates(model)
    return model
