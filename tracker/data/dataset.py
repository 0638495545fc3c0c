"""The words of this room: a Split is pictures with labels, a Dataset is a training and a
validation split of one set of classes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tracker.data import seeding
from tracker.data.scaling import Scaling
from tracker.errors import UsageError
from tracker.spec.words import listed, nearest

Channels: TypeAlias = tuple[float, float, float]  # red, green, blue

# Which pictures a smaller set keeps is fixed for good: no seed of an experiment reaches it.
_SUBSET_SEED = 0

# Counting makes 8 bytes of each; as many as stay in the processor's cache count 5 times faster.
_COUNTED_AT_ONCE = 16


class Source(Protocol):
    """Pictures too many for memory: decoded when asked for, always to the same bytes."""

    def __len__(self) -> int: ...

    def fetch(self, indices: Tensor) -> Tensor:
        """The pictures at `indices` (int64 [B]), uint8 [B, 3, H, W] on the CPU."""

    def stream(self, plan: Sequence[Tensor]) -> Iterator[Tensor]:
        """One `fetch` per entry of `plan`, in order, read ahead."""


@dataclass(frozen=True, eq=False)
class Split:
    """Pictures and their labels.

    `images` is uint8 [N, 3, H, W], RGB, in memory, memory-mapped or on a device, or a `Source`.
    `labels` is int64 [N] on the CPU, each below the number of classes. `scaling` is how a network
    gets the pictures, if not as large as they are kept: `batches.Loader` sees to it.
    """

    images: Tensor | Source
    labels: Tensor
    scaling: Scaling | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def fetch(self, indices: Tensor) -> Tensor:
        """The pictures at `indices` (int64 [B], on the CPU) as a new uint8 tensor [B, 3, H, W].

        It is on the device where the pictures are. Repeated indices repeat pictures.
        """
        if isinstance(self.images, Tensor):
            return self.images.index_select(0, indices.to(self.images.device))
        return self.images.fetch(indices)


@dataclass(frozen=True, eq=False)
class Dataset:
    """What a run learns from and is judged on.

    `mean` and `std` are per channel (red, green, blue) over the training pictures, in units where
    white is 1. `image_size` is the side, in pixels, of what a network is given, and
    `scaled_from`, where that is not the same, the side of what is kept. `digest` is the
    hexadecimal sha256 of every picture and label of both splits as decoded: equal digests mean that
    two runs learned from the same pixels, whatever the files were.
    `reference` holds the indices into `val` of the pictures shown in every run and epoch, and where
    only some of them fit, the first.
    """

    name: str
    train: Split
    val: Split
    classes: tuple[str, ...]
    mean: Channels
    std: Channels
    image_size: int
    digest: str
    reference: Tensor
    scaled_from: int | None = None


def in_memory(name: str, train: Split, val: Split, classes: tuple[str, ...]) -> Dataset:
    """The data set of two splits whose pictures are tensors, with all that follows from them."""
    assert isinstance(train.images, Tensor)
    mean, std = channel_statistics([train.images])
    return Dataset(
        name=name,
        train=train,
        val=val,
        classes=classes,
        mean=mean,
        std=std,
        image_size=train.images.shape[-1],
        digest=digest_of(train, val),
        reference=reference_pictures(val.labels),
    )


def of_classes(
    labels: Tensor, classes: Sequence[str], wanted: Collection[str] | None
) -> tuple[Tensor, Tensor, tuple[str, ...]]:
    """What is left of pictures with `labels` (int64 [N], into `classes`) where some classes go.

    Indices of the pictures that stay, rising; their labels among the classes that stay; these, in
    the order that they had. None keeps all. Raises UsageError for a class that isn't there.
    """
    if wanted is None:
        return torch.arange(len(labels)), labels, tuple(classes)
    for name in wanted:
        if name not in classes:
            near = nearest(name, classes)
            hint = f"did you mean {near!a}?" if near else f"there is {listed(classes)}"
            raise UsageError(f"data.classes names {name!a}, and no class is called so; {hint}")
    left = [number for number, name in enumerate(classes) if name in wanted]
    among = torch.full((len(classes),), -1)
    among[left] = torch.arange(len(left))
    places = (among[labels] >= 0).nonzero()[:, 0]
    return places, among[labels[places]], tuple(classes[number] for number in left)


def balanced_subset(labels: Tensor, size: int | None) -> Tensor:
    """Which `size` of the pictures a smaller set keeps: indices into `labels` (int64 [N]), rising.

    Classes are filled evenly as far as each lasts; a larger `size` keeps all that a smaller one
    does; the choice is the same for every seed. None, or a size not below the whole, keeps all.
    """
    count = len(labels)
    if size is None or size >= count:
        return torch.arange(count)
    shuffled = seeding.permutation(_SUBSET_SEED, count)
    rank = torch.empty_like(shuffled)  # how many of its class come before it
    for label in range(int(labels.max()) + 1):
        members = (labels[shuffled] == label).nonzero()[:, 0]
        rank[members] = torch.arange(len(members))
    return shuffled[rank.argsort(stable=True)[:size]].sort().values


def reference_pictures(labels: Tensor, count: int = 40) -> Tensor:
    """Indices (int64) of at most `count` pictures to show of a split with `labels` (int64 [N]).

    The first picture of each class, by class, then the second of each, and so on: the same for
    every run on the same data, and as balanced over the classes as the split allows.
    """
    by_class = labels.argsort(stable=True)
    ordered = labels[by_class]
    rank = torch.arange(len(labels)) - torch.searchsorted(ordered, ordered)
    return by_class[rank.argsort(stable=True)[:count]]


def channel_statistics(chunks: Iterable[Tensor]) -> tuple[Channels, Channels]:
    """Mean and standard deviation per channel of uint8 pictures [n, 3, H, W], white being 1.

    Exact: how often each of the 256 values occurs is counted in integers, so the result does not
    depend on how the pictures are cut into chunks. A channel of one single value gets 1 as its
    deviation, for pictures are divided by it.
    """
    counts = np.zeros((3, 256), np.int64)
    for chunk in chunks:
        for few in chunk.split(_COUNTED_AT_ONCE):
            for channel in range(3):
                values = few[:, channel].numpy().reshape(-1)
                counts[channel] += np.bincount(values, minlength=256)
    levels = np.arange(256) / 255
    shares = counts / counts.sum(1, keepdims=True)
    mean = shares @ levels
    deviation = np.sqrt((shares * (levels - mean[:, None]) ** 2).sum(1))
    deviation[deviation == 0] = 1
    return _channels(mean), _channels(deviation)


def digest_of(*splits: Split) -> str:
    """The hexadecimal sha256 over the shape, pixels and labels of splits in memory, in order."""
    digest = hashlib.sha256()
    for split in splits:
        assert isinstance(split.images, Tensor)
        for _ in hashed(digest, split.images.shape, [split.images], split.labels):
            pass
    return digest.hexdigest()


def hashed(
    digest: hashlib._Hash, shape: Sequence[int], chunks: Iterable[Tensor], labels: Tensor
) -> Iterator[Tensor]:
    """Hand on `chunks`, which make up the pictures of one split, and add the split to `digest`.

    `shape` is that of all pictures. How they are cut into chunks makes no difference.
    """
    digest.update(repr(tuple(shape)).encode())
    for chunk in chunks:
        digest.update(chunk.contiguous().numpy().data)
        yield chunk
    digest.update(labels.numpy().astype("<i8").data)


def _channels(values: npt.NDArray[np.float64]) -> Channels:
    red, green, blue = values.tolist()
    return red, green, blue
