"""The ten outlines of `shapes`, as signed distances: below 0 inside, 0 on the edge, 1 = the radius.

Each takes x and y ([n, H, W], centred, already turned, in units of the shape's radius) and gives
planes of the same size. Away from the edge only the sign is right, which is all that is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def _circle(x: Tensor, y: Tensor) -> Tensor:
    return _disc(x, y, 0.85)


def _crescent(x: Tensor, y: Tensor) -> Tensor:
    return torch.maximum(_disc(x, y, 0.95), -_disc(x - 0.5, y, 0.75))


def _cross(x: Tensor, y: Tensor) -> Tensor:
    across, down = torch.abs(x), torch.abs(y)
    longer, shorter = torch.maximum(across, down), torch.minimum(across, down)
    return torch.maximum(longer - 0.95, shorter - 0.28)


def _half(x: Tensor, y: Tensor) -> Tensor:
    """Half a disc."""
    down = y + 0.4
    return torch.maximum(_disc(x, down, 1), -down)


def _heart(x: Tensor, y: Tensor) -> Tensor:
    """A square on its corner with a disc on each of two sides."""
    side = 0.55
    u, v = (x + y) * math.sqrt(0.5), (x - y) * math.sqrt(0.5)
    square = torch.maximum(torch.abs(u), torch.abs(v)) - side
    discs = torch.minimum(_disc(u + side, v, side), _disc(u, v - side, side))
    return torch.minimum(square, discs)


def _pentagon(x: Tensor, y: Tensor) -> Tensor:
    return _polygon(x, y, 5)


def _ring(x: Tensor, y: Tensor) -> Tensor:
    return torch.maximum(_disc(x, y, 0.9), -_disc(x, y, 0.5))


def _square(x: Tensor, y: Tensor) -> Tensor:
    return torch.maximum(torch.abs(x), torch.abs(y)) - 0.72


def _star(x: Tensor, y: Tensor) -> Tensor:
    """Five points: inside is what lies beyond at most one of five lines."""
    first = second = torch.full_like(x, -9)
    for distance in _sides(x, y, 5):
        second = torch.maximum(second, torch.minimum(first, distance))
        first = torch.maximum(first, distance)
    return second - math.cos(2 * math.pi / 5)


def _triangle(x: Tensor, y: Tensor) -> Tensor:
    return _polygon(x, y, 3)


OUTLINES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "circle": _circle,
    "crescent": _crescent,
    "cross": _cross,
    "half": _half,
    "heart": _heart,
    "pentagon": _pentagon,
    "ring": _ring,
    "square": _square,
    "star": _star,
    "triangle": _triangle,
}


def _disc(x: Tensor, y: Tensor, radius: float) -> Tensor:
    """Exact at the edge only, and without the square root that a distance would take."""
    return (x * x + y * y - radius * radius) / (2 * radius)


def _polygon(x: Tensor, y: Tensor, corners: int) -> Tensor:
    furthest, *others = _sides(x, y, corners)
    for distance in others:
        furthest = torch.maximum(furthest, distance)
    return furthest - math.cos(math.pi / corners)


def _sides(x: Tensor, y: Tensor, corners: int) -> list[Tensor]:
    """How far a point lies towards each side of a regular polygon around the centre."""
    angles = [2 * math.pi * k / corners for k in range(corners)]
    return [x * math.cos(a) + y * math.sin(a) for a in angles]
