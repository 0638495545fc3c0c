"""Pictures brought to another size on their way into the network, a batch at a time.

Small pictures stay small in memory; a network that was trained on large ones is given large ones.
Every weight is a whole number of 2048ths and every sum stays below 2 ** 24, so a product of
matrices is exact, in whatever order a device adds up: all devices give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from tracker.spec.experiment import Interpolation

_ONE = 2048  # what weights are counted in: as many bits as TF32 keeps, should it be on


@dataclass(frozen=True)
class Scaling:
    """To which side, in pixels, and how what lies between pixels is made up."""

    size: int
    interpolation: Interpolation


def scaled(images: Tensor, scaling: Scaling) -> Tensor:
    """`images` (uint8 [B, 3, H, W]) as uint8 [B, 3, size, size], on the same device.

    Rows first, then columns, rounded to bytes after each, as Pillow's `resize`: no byte differs
    from that by more than 2. Scaled down, each pixel averages all that it covers.
    """
    side, device = scaling.size, images.device
    if images.shape[2:] == (side, side):
        return images
    across = _matrix(images.shape[3], side, scaling.interpolation, device)
    down = _matrix(images.shape[2], side, scaling.interpolation, device)
    with torch.autocast(device.type, enabled=False):  # half of the bits would not be exact
        rows = _rounded(images.float() @ across.T)
        return _rounded(down @ rows).to(torch.uint8)


def _rounded(sums: Tensor) -> Tensor:
    return sums.add_(_ONE // 2).mul_(1 / _ONE).floor_().clamp_(0, 255)


@lru_cache(maxsize=16)  # made anew for each batch, they would make a GPU wait for the CPU
def _matrix(source: int, target: int, interpolation: Interpolation, device: torch.device) -> Tensor:
    """What each of `target` pixels takes of each of `source`, in 2048ths: float32 [target, source].

    Each row sums up to 2048, so that what is of one colour stays so.
    """
    kernel, reach = _KERNELS[interpolation]
    step = source / target
    stretch = max(step, 1.0)
    middles = (torch.arange(target, dtype=torch.float64) + 0.5) * step
    places = torch.arange(source, dtype=torch.float64) + 0.5
    distance = ((places - middles[:, None]) / stretch).abs()
    shares = torch.where(distance < reach, kernel(distance), 0.0)
    weights = (shares / shares.sum(1, keepdim=True) * _ONE).round()
    largest = weights.argmax(1, keepdim=True)
    weights.scatter_add_(1, largest, _ONE - weights.sum(1, keepdim=True))
    return weights.float().to(device)


def _triangle(distance: Tensor) -> Tensor:
    return 1 - distance


def _cubic(distance: Tensor, a: float = -0.5) -> Tensor:
    """Keys, "Cubic convolution interpolation for digital image processing", 1981, eq. 15."""
    near = ((a + 2) * distance - (a + 3)) * distance.square() + 1
    far = ((distance - 5) * distance + 8) * distance * a - 4 * a
    return torch.where(distance < 1, near, far)


# How what lies between pixels is made up, and from how far away.
_KERNELS: dict[Interpolation, tuple[Callable[[Tensor], Tensor], float]] = {
    "bilinear": (_triangle, 1.0),
    "bicubic": (_cubic, 2.0),
}
