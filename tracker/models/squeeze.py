"""Squeeze-and-excitation gates for residual blocks (Hu et al., arXiv 1709.01507).

A gate weighs each channel of a residual branch by what the whole picture says about it:
x · σ(W₂ δ(W₁ mean(x))), with W₁ narrowing the channels `REDUCTION` times (§3, eq. 2 to 4).
It stands after the last norm of the branch, before the shortcut is added (the paper's figure 3).
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.ops import SqueezeExcitation

REDUCTION = 16  # the paper's r, on ImageNet and on CIFAR (§6.1, §4 "CIFAR")


def gate(channels: int) -> SqueezeExcitation:
    """A gate over [N, `channels`, H, W], as torch initialises it: every channel starts near ½.

    Adds 2·C·C/16 + C/16 + C parameters for C channels.
    """
    return SqueezeExcitation(channels, channels // REDUCTION)


class SEBasicBlock(BasicBlock):  # type: ignore[misc] # torchvision has no types
    """torchvision's BasicBlock with a gate on its residual branch; `add_gates` sets `se`."""

    se: SqueezeExcitation

    def forward(self, x: Tensor) -> Tensor:
        """[N, inplanes, H, W] → [N, planes, H/stride, W/stride]."""
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.se(self.bn2(self.conv2(out)))
        return cast("Tensor", self.relu(out + identity))


class SEBottleneck(Bottleneck):  # type: ignore[misc]
    """torchvision's Bottleneck with a gate on its residual branch; `add_gates` sets `se`."""

    se: SqueezeExcitation

    def forward(self, x: Tensor) -> Tensor:
        """[N, inplanes, H, W] → [N, 4·planes, H/stride, W/stride]."""
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.se(self.bn3(self.conv3(out)))
        return cast("Tensor", self.relu(out + identity))


def add_gates(model: nn.Module) -> None:
    """Give every SE block of `model` its gate; a model without SE blocks is left as it is.

    Apart from the blocks' constructors for two reasons. The gates are drawn after all other
    weights, so a net and its SE twin of one seed share every weight they have in common; and
    torchvision's ResNet, which redraws every convolution it finds, does not find theirs.
    """
    for block in model.modules():
        if isinstance(block, SEBasicBlock):
            block.se = gate(block.bn2.num_features)
        elif isinstance(block, SEBottleneck):
            block.se = gate(block.bn3.num_features)
