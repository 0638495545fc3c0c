"""Squeeze-and-excitation gates for residual blocks (Hu et al., arXiv 1709.01507).

A gate weighs each channel of a residual branch by what the whole picture says about it:
x · σ(W₂ relu(W₁ mean(x))), where W₁ narrows the channels `REDUCTION` times (eq. 2 to 4). It stands
after the last norm of the branch, before the shortcut is added (figure 3).
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.ops import SqueezeExcitation

REDUCTION = 16  # the paper's r, which it used for all its experiments (§6.1)


class Gate(SqueezeExcitation):  # type: ignore[misc] # torchvision has no types
    """torchvision's gate over [N, `channels`, H, W], its two layers as the linear ones they are.

    torchvision writes them as 1×1 convolutions of a 1×1 picture, which does the same sums but
    costs a CPU more to call: see docs/models.md. Adds 2·C·S + S + C parameters for C channels and
    S = max(1, C // REDUCTION); starts as torch starts linear layers, every weight near ½.
    """

    def __init__(self, channels: int) -> None:
        squeezed = max(1, channels // REDUCTION)
        super().__init__(channels, squeezed)
        self.fc1 = nn.Linear(channels, squeezed)
        self.fc2 = nn.Linear(squeezed, channels)

    def _scale(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, C, 1, 1], each in 0..1."""
        scale = self.activation(self.fc1(self.avgpool(x).flatten(1)))
        return cast("Tensor", self.scale_activation(self.fc2(scale))[:, :, None, None])


class SEBasicBlock(BasicBlock):  # type: ignore[misc]
    """torchvision's BasicBlock with a gate on its residual branch; `add_gates` sets `se`."""

    se: Gate

    def forward(self, x: Tensor) -> Tensor:
        """[N, inplanes, H, W] → [N, planes, ⌈H/stride⌉, ⌈W/stride⌉]."""
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.se(self.bn2(self.conv2(out)))
        out += identity
        return cast("Tensor", self.relu(out))


class SEBottleneck(Bottleneck):  # type: ignore[misc]
    """torchvision's Bottleneck with a gate on its residual branch; `add_gates` sets `se`."""

    se: Gate

    def forward(self, x: Tensor) -> Tensor:
        """[N, inplanes, H, W] → [N, 4·planes, ⌈H/stride⌉, ⌈W/stride⌉]."""
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.se(self.bn3(self.conv3(out)))
        out += identity
        return cast("Tensor", self.relu(out))


def add_gates(model: nn.Module) -> None:
    """Give every SE block of `model` its gate; a model without SE blocks is left as it is.

    Apart from the blocks' constructors so that the gates are drawn after all other weights: a net
    and its SE twin of one seed then start from the same weights wherever both have them.
    """
    for block in model.modules():
        if isinstance(block, SEBasicBlock):
            block.se = Gate(block.bn2.num_features)
        elif isinstance(block, SEBottleneck):
            block.se = Gate(block.bn3.num_features)
