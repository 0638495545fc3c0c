"""Random changes to whole batches of uint8 pictures, drawn from a seed and nothing else.

The draws are a few numbers per picture, made on the CPU; what they do to pixels is integer
arithmetic and copying. So a batch comes out the same, byte for byte, on a CPU and on a GPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from tracker.data import seeding
from tracker.data.dataset import Channels
from tracker.spec import experiment

MIRROR: experiment.Augmentation = "horizontal_flip"

# How torchvision's RandomResizedCrop draws by default: share of the area, and width by height.
_AREA = (0.08, 1.0)
_RATIO = (3 / 4, 4 / 3)


@dataclass(frozen=True)
class Recipe:
    """Which changes are made, in which order, and how large.

    `padding` is in pixels, reflected; `cutout` is the side in pixels of the square that is
    painted over with `fill` (red, green, blue, 0 to 255).
    """

    names: tuple[experiment.Augmentation, ...] = ()
    padding: int = 4
    cutout: int = 8
    fill: tuple[int, int, int] = (0, 0, 0)

    @property
    def views(self) -> int | None:
        """In how many ways a picture can come out: as it is, mirrored too, or too many to tell."""
        return {(): 1, (MIRROR,): 2}.get(self.names)

    @classmethod
    def of(cls, data: experiment.Data, mean: Channels) -> Recipe:
        """What `data` asks for; cutout paints with the mean colour, which normalises to zero."""
        red, green, blue = (round(255 * channel) for channel in mean)
        return cls(data.augment, data.crop_padding, data.cutout_size, (red, green, blue))


def augment(images: Tensor, recipe: Recipe, seed: int) -> Tensor:
    """`images` (uint8 [B, 3, H, W]) changed as `recipe` says, same shape, type and device.

    What happens to picture b depends on `seed`, b and the change alone: leaving one change out
    of the recipe does not alter what the others draw.
    """
    for name in recipe.names:
        number, change = AUGMENTATIONS[name]
        images = change(images, recipe, seeding.fold(seed, number))
    return images


def mirrored(count: int, recipe: Recipe, seed: int) -> Tensor:
    """Which of `count` pictures `augment` mirrors with this `seed`: bool [count].

    Only where nothing but mirroring is in the recipe, or nothing at all.
    """
    if not recipe.names:
        return torch.zeros(count, dtype=torch.bool)
    number, _ = AUGMENTATIONS[MIRROR]
    return _are_mirrored(count, seeding.fold(seed, number))


def mirror(images: Tensor, which: Tensor) -> Tensor:
    """`images` (uint8 [B, 3, H, W]) with left and right exchanged in those `which` (bool [B])."""
    return _where(_sent(which.view(-1, 1, 1, 1), images.device), images.flip(3), images)


def normalise(
    images: Tensor,
    mean: Channels,
    std: Channels,
    *,
    dtype: torch.dtype = torch.float32,
    memory_format: torch.memory_format = torch.contiguous_format,
) -> Tensor:
    """uint8 [B, 3, H, W] to (images / 255 - mean) / std in `dtype`, laid out as asked.

    Computed in float32 whatever `dtype` is: multiplied, then added, each rounded, on any device.
    """
    scale, shift = _affine(mean, std, images.device)
    floats = images.to(torch.float32).mul_(scale).add_(shift)
    # One thing after the other: together, converting costs twice as much.
    return floats.contiguous(memory_format=memory_format).to(dtype)


def denormalise(images: Tensor, mean: Channels, std: Channels) -> Tensor:
    """What `normalise` was given, from what it gave: uint8 on the CPU, whatever the layout was."""
    scale, shift = _affine(mean, std, torch.device("cpu"))
    return ((images.float().cpu() - shift) / scale).round().clamp(0, 255).to(torch.uint8)


@lru_cache(maxsize=16)  # made anew for each batch, they would make a GPU wait for the CPU
def _affine(mean: Channels, std: Channels, device: torch.device) -> tuple[Tensor, Tensor]:
    """What bytes are multiplied by, then what is added, each [1, 3, 1, 1]."""
    scale = torch.tensor([1 / (255 * s) for s in std], device=device)
    shift = torch.tensor([-m / s for m, s in zip(mean, std, strict=True)], device=device)
    return scale.view(1, 3, 1, 1), shift.view(1, 3, 1, 1)


def _random_crop(images: Tensor, recipe: Recipe, seed: int) -> Tensor:
    """Pad each side by reflection, then cut the original size out at a random place."""
    count, _, height, width = images.shape
    device = images.device
    offsets = _sent((_draws(images, seed, 2) * (2 * recipe.padding + 1)).long(), device)
    rows = _reflected(height, recipe.padding, device)[
        offsets[:, :1] + torch.arange(height, device=device)
    ]
    columns = _reflected(width, recipe.padding, device)[
        offsets[:, 1:] + torch.arange(width, device=device)
    ]
    # One gather of single bytes, without a padded copy, is the fastest of five ways tried.
    source = (rows[:, :, None] * width + columns[:, None, :]).view(count, 1, -1)
    return images.flatten(2).gather(2, source.expand(-1, 3, -1)).view(images.shape)


def _horizontal_flip(images: Tensor, recipe: Recipe, seed: int) -> Tensor:  # noqa: ARG001
    """Mirror left and right with probability one half."""
    return mirror(images, _are_mirrored(len(images), seed))


def _are_mirrored(count: int, seed: int) -> Tensor:
    return seeding.uniform(seed, torch.arange(count), 1)[:, 0] < 0.5


def _random_resized_crop(images: Tensor, recipe: Recipe, seed: int) -> Tensor:  # noqa: ARG001
    """Cut out a random box and stretch it, bilinearly, to the picture's size.

    The box is at least 8 % of the area, its ratio 3:4 to 4:3 (Szegedy et al., 2015), and lies
    inside the picture. It is never larger than the picture, so nothing needs smoothing.
    """
    _, _, height, width = images.shape
    area, shape, down, across = _draws(images, seed, 4).unbind(1)
    area = (_AREA[0] + area * (_AREA[1] - _AREA[0])) * height * width
    ratio = _RATIO[0] * torch.exp(shape * math.log(_RATIO[1] / _RATIO[0]))
    box_height = (area / ratio).sqrt().round().clamp(1, height)
    box_width = (area * ratio).sqrt().round().clamp(1, width)
    top = (down * (height - box_height + 1)).floor()
    left = (across * (width - box_width + 1)).floor()
    return _stretched(_stretched(images, 2, top, box_height), 3, left, box_width)


def _cutout(images: Tensor, recipe: Recipe, seed: int) -> Tensor:
    """Paint a square around a random pixel; it may reach over the edge (arXiv 1708.04552)."""
    _, _, height, width = images.shape
    centres = (_draws(images, seed, 2) * torch.tensor([height, width])).long()
    first = _sent(centres - recipe.cutout // 2, images.device)
    in_rows = _within(first[:, :1], recipe.cutout, height)
    in_columns = _within(first[:, 1:], recipe.cutout, width)
    square = in_rows[:, None, :, None] & in_columns[:, None, None, :]
    fill = torch.tensor(recipe.fill, dtype=torch.uint8).view(1, 3, 1, 1)
    fill = _sent(fill, images.device)
    return _where(square, fill, images)


Change = Callable[[Tensor, Recipe, int], Tensor]
# The number is part of what a change draws from: it must never be given to another.
AUGMENTATIONS: dict[str, tuple[int, Change]] = {
    "random_crop": (1, _random_crop),
    "horizontal_flip": (2, _horizontal_flip),
    "random_resized_crop": (3, _random_resized_crop),
    "cutout": (4, _cutout),
}


def _draws(images: Tensor, seed: int, columns: int) -> Tensor:
    """float64 [B, columns] in [0, 1), on the CPU."""
    return seeding.uniform(seed, torch.arange(len(images)), columns)


def _sent(numbers: Tensor, device: torch.device) -> Tensor:
    """`numbers` on `device`, without waiting for what that device is still computing."""
    return numbers.to(device, non_blocking=True)


def _reflected(size: int, padding: int, device: torch.device) -> Tensor:
    """Where each of `size` + 2 × `padding` positions is read from, reflected as often as needed."""
    period = max(2 * (size - 1), 1)
    positions = torch.arange(-padding, size + padding, device=device) % period
    return torch.minimum(positions, period - positions) if size > 1 else positions


def _within(first: Tensor, length: int, size: int) -> Tensor:
    """[B, size], True from `first` ([B, 1]) for `length` positions."""
    positions = torch.arange(size, device=first.device)
    return (positions >= first) & (positions < first + length)


def _where(mask: Tensor, chosen: Tensor, images: Tensor) -> Tensor:
    """`torch.where` on bytes, which is not vectorised: this takes a fifth of its time."""
    return images ^ ((images ^ chosen) & mask.to(torch.uint8).neg())


def _stretched(images: Tensor, dim: int, start: Tensor, length: Tensor) -> Tensor:
    """Stretch `start` to `start + length` of `dim` (each [B]) over its whole size, bilinearly.

    Weights are whole 128ths and sums fit int16, so the result is exact on every device.
    """
    size = images.shape[dim]
    first, last = start[:, None], (start + length - 1)[:, None]
    places = (torch.arange(size) + 0.5) * (length / size)[:, None] - 0.5 + first
    places = torch.minimum(torch.maximum(places, first), last)
    low = places.floor()
    high = torch.minimum(low + 1, last)
    shape = (-1, 1, size, 1) if dim == 2 else (-1, 1, 1, size)

    def at(where: Tensor) -> Tensor:
        source = _sent(where.long().view(shape), images.device).expand(images.shape)
        return images.gather(dim, source).short()

    weight = _sent(((places - low) * 128).round().short().view(shape), images.device)
    below, above = at(low), at(high)
    mixed = above.sub_(below).mul_(weight).add_(64).bitwise_right_shift_(7).add_(below)
    return mixed.to(torch.uint8)
