"""How well a network does on labelled pictures: counted the way its run counted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from tracker.data.dataset import hashed
from tracker.trained.given import Given, matched
from tracker.trained.network import Network

TOP = 5


@dataclass(frozen=True, eq=False)
class Scored:
    """What came out. `confusion`: how often each true class (rows) was called each class (columns),
    int64 [C, C] over the run's classes.

    `in_top` is the share whose class was among the five likeliest; None with five classes or fewer.
    `loss` is the mean cross-entropy. `digest` is the sha256 of the pixels as decoded, and
    of the labels.
    """

    what: str
    classes: tuple[str, ...]
    confusion: Tensor
    accuracy: float
    in_top: float | None
    loss: float
    digest: str
    same_data: bool | None  # as the run was trained and judged on; None: not known

    @property
    def count(self) -> int:
        """How many pictures there were."""
        return int(self.confusion.sum())

    @property
    def right(self) -> int:
        """How many of them were taken for what they show."""
        return int(self.confusion.trace())

    def of_class(self, index: int) -> tuple[int, int]:
        """How many pictures of a class there were, and how many of them it got right."""
        return int(self.confusion[index].sum()), int(self.confusion[index, index])

    def taken_for(self, index: int) -> dict[str, int]:
        """What pictures of a class were taken for, and how often: the most frequent first."""
        row = self.confusion[index]
        order = torch.argsort(row, descending=True, stable=True).tolist()
        return {self.classes[at]: int(row[at]) for at in order if row[at]}

    def to_document(self) -> dict[str, Any]:
        """The same as JSON values; of classes without a picture nothing but their name."""
        shown = [(name, at, *self.of_class(at)) for at, name in enumerate(self.classes)]
        return {
            "data": {"what": self.what, "digest": self.digest, "same_as_run": self.same_data},
            "pictures": self.count,
            "accuracy": self.accuracy,
            "accuracy_top5": self.in_top,
            "loss": self.loss,
            "per_class": [
                {"class": name, "pictures": there, "right": right, "accuracy": right / there}
                for name, _, there, right in shown
                if there
            ],
            "confusion": {name: self.taken_for(at) for name, at, there, _ in shown if there},
        }


def evaluate(
    network: Network,
    data: Given,
    *,
    batch_size: int,
    advance: Callable[[int], None] = lambda _: None,
) -> Scored:
    """Score `network` on all of `data`, `batch_size` pictures at a time.

    With the batch size, the device and the pictures of its run's own evaluation this gives the same
    numbers, to the bit. `advance` is told how many are done, with each batch. Raises UsageError for
    a class that the run does not know, and what decoding raises.
    """
    labels = matched(data.classes, network.classes)[data.labels]
    digest = hashlib.sha256()
    shape = (len(labels), 3, data.side, data.side)
    batches = hashed(digest, shape, data.batches(batch_size), labels)
    columns: list[tuple[Tensor, ...]] = []
    done = 0
    for images in batches:
        logits = network.logits(images)
        truth = labels[done : done + len(images)].to(logits.device)
        done += len(images)
        advance(len(images))
        loss = functional.cross_entropy(logits, truth, reduction="none")
        scores = logits.softmax(1)
        likeliest = scores.topk(min(TOP, scores.shape[1])).indices
        columns.append((loss, scores.max(1).indices, (likeliest == truth[:, None]).any(1)))
    loss, predicted, among = (torch.cat(one).cpu() for one in zip(*columns, strict=True))
    size = len(network.classes)
    pairs = torch.bincount(labels * size + predicted, minlength=size * size)
    own = network.run.summary().data
    return Scored(
        what=data.what,
        classes=network.classes,
        confusion=pairs.view(size, size),
        accuracy=(predicted == labels).double().mean().item(),
        in_top=among.double().mean().item() if size > TOP else None,
        loss=loss.double().mean().item(),
        digest=digest.hexdigest(),
        same_data=data.digest == own.digest if data.digest and own else None,
    )
