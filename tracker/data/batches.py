"""Batches in an order and with changes that follow from (seed, epoch, batch) alone.

So an epoch can be begun anywhere, and neither resuming, nor threads, nor the device can
change what a network sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from tracker.data import seeding
from tracker.data.augment import Recipe, augment, mirror, mirrored, normalise
from tracker.data.dataset import Channels, Split
from tracker.data.scaling import scaled

_ORDER, _CHANGES = 1, 2  # what is drawn, folded into the seed so that the two share nothing
_DEVICE_SHARE = 0.5  # of a GPU's free memory that a data set may take; the rest is the network's


class Batch(NamedTuple):
    """Normalised pictures [B, 3, H, W] and their labels int64 [B], both on the run's device."""

    images: Tensor
    labels: Tensor


class Loader:
    """How the batches of one split reach the network: where, how large, in which type and layout.

    A split in memory is moved to the device once if it takes no more than half of what is free
    there; a larger one stays and is copied batch by batch.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        *,
        mean: Channels,
        std: Channels,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        memory_format: torch.memory_format = torch.contiguous_format,
    ) -> None:
        self.split = _on_device(split, device)
        self.batch_size = batch_size
        self._labels = split.labels.to(device)
        self._mean, self._std = mean, std
        self._device, self._dtype, self._memory_format = device, dtype, memory_format

    def pictures(self, plan: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """For each entry of `plan` (indices, int64): uint8 pictures and labels on the device.

        The pictures are as large as they are kept: what is done to small ones costs little.
        """
        images = self.split.images
        fetched = (
            (self.split.fetch(indices) for indices in plan)
            if isinstance(images, Tensor)
            else images.stream(plan)
        )
        for indices, batch in zip(plan, fetched, strict=True):
            yield _to_device(batch, self._device), self.labels(indices)

    def labels(self, indices: Tensor) -> Tensor:
        """The labels at `indices`, on the device."""
        return self._labels.index_select(0, indices.to(self._device, non_blocking=True))

    def normalise(self, images: Tensor) -> Tensor:
        """uint8 pictures to what the network takes, scaled as the split says."""
        if self.split.scaling is not None:
            images = scaled(images, self.split.scaling)
        return normalise(
            images, self._mean, self._std, dtype=self._dtype, memory_format=self._memory_format
        )


class TrainBatches:
    """The training batches of a run. `len()` is the number of batches in an epoch.

    Every epoch goes once through the whole split in an order of its own. A last batch that is not
    full is dropped (those pictures differ from epoch to epoch), unless it is the only one.
    """

    def __init__(self, loader: Loader, recipe: Recipe, *, seed: int) -> None:
        self._loader = loader
        self._recipe = recipe
        self._seed = seed

    def __len__(self) -> int:
        return max(len(self._loader.split) // self._loader.batch_size, 1)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of `epoch` (from 0), the first `start` of them left out.

        What batch t holds does not depend on `start`.
        """
        plan = self._plan(epoch, start)
        for step, (images, labels) in enumerate(self._loader.pictures(plan), start):
            changed = augment(images, self._recipe, self._seed_of(epoch, step))
            yield Batch(self._loader.normalise(changed), labels)

    @property
    def views(self) -> int | None:
        """In how many ways a picture can come out; None: too many to tell one from another."""
        return self._recipe.views

    def rows(self, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Which pictures the batches of `epoch` hold, and their labels, without making them.

        A picture has its place in the split, int64; mirrored, that and the length of the split.
        Only where `views` are known.
        """
        count = len(self._loader.split)
        for step, indices in enumerate(self._plan(epoch, start), start):
            flipped = mirrored(len(indices), self._recipe, self._seed_of(epoch, step))
            yield indices + count * flipped, self._loader.labels(indices)

    def pictures(self, rows: Sequence[Tensor]) -> Iterator[Tensor]:
        """What the network takes of each entry of `rows`, told as `rows` tells them."""
        count = len(self._loader.split)
        plan = [each % count for each in rows]
        for each, (images, _) in zip(rows, self._loader.pictures(plan), strict=True):
            yield self._loader.normalise(mirror(images, each >= count))

    def _plan(self, epoch: int, start: int) -> Sequence[Tensor]:
        """The indices of each batch."""
        order = seeding.permutation(
            seeding.fold(self._seed, _ORDER, epoch), len(self._loader.split)
        )
        return torch.split(order, self._loader.batch_size)[: len(self)][start:]

    def _seed_of(self, epoch: int, step: int) -> int:
        return seeding.fold(self._seed, _CHANGES, epoch, step)


def eval_batches(loader: Loader) -> Iterator[Batch]:
    """Every picture of the split once, in order, unchanged; the last batch may be smaller."""
    plan = torch.split(torch.arange(len(loader.split)), loader.batch_size)
    for images, labels in loader.pictures(plan):
        yield Batch(loader.normalise(images), labels)


def _on_device(split: Split, device: torch.device) -> Split:
    images = split.images
    if not isinstance(images, Tensor) or device.type == "cpu":
        return split
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if images.nbytes > free * _DEVICE_SHARE:
            return split
    return replace(split, images=images.to(device))


def _to_device(images: Tensor, device: torch.device) -> Tensor:
    if device.type == "cpu" or not images.is_cpu:  # it is where it should be
        return images
    if device.type == "cuda":  # from pinned memory, the copy runs beside the step before
        return images.pin_memory().to(device, non_blocking=True)
    return images.to(device)
