"""What a network makes of pictures nobody has labelled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from tracker.trained.network import Network
from tracker.trained.pictures import decoded


@dataclass(frozen=True)
class Guess:
    """A class, its place among the run's classes, and the probability (softmax) given to it."""

    name: str
    index: int
    probability: float

    def to_document(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {"class": self.name, "index": self.index, "probability": self.probability}


@dataclass(frozen=True)
class Prediction:
    """What the picture at `path` was taken for, the likeliest first."""

    path: Path
    guesses: tuple[Guess, ...]

    def to_document(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {"path": str(self.path), "guesses": [one.to_document() for one in self.guesses]}


@dataclass(frozen=True, eq=False)
class Predictions:
    """What became of all pictures. `faults`: those that could not be read, and why.

    `images` is what the network saw of the first ones of `pictures`, uint8 [3, H, W] each.
    """

    pictures: Sequence[Prediction]
    faults: Sequence[tuple[Path, str]]
    images: Sequence[Tensor]

    def to_document(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "pictures": [one.to_document() for one in self.pictures],
            "faults": [{"path": str(path), "reason": why} for path, why in self.faults],
        }


def predict(
    network: Network,
    paths: Sequence[Path],
    *,
    topk: int,
    batch_size: int,
    keep: int = 0,
    faulty: Callable[[Path, str], None] = lambda *_: None,
    advance: Callable[[int], None] = lambda _: None,
) -> Predictions:
    """The `topk` likeliest classes (all, where there are fewer) of each picture, in order.

    Computed as the run's evaluation computed them, `batch_size` pictures at a time. The first
    `keep` are kept to be shown. `faulty` is told of each picture that cannot be read when that is
    found; the rest is done all the same. `advance` is told how many are done, with each batch.
    """
    pictures: list[Prediction] = []
    images: list[Tensor] = []
    faults: list[tuple[Path, str]] = []

    def note(path: Path, why: str) -> None:
        faults.append((path, why))
        faulty(path, why)

    def guess(index: int, probability: float) -> Guess:
        return Guess(network.classes[index], index, probability)

    for batch in decoded(paths, network.decode, batch_size, note):
        scores = network.logits(batch.images).softmax(1).cpu()
        shares, places = (one[:, :topk] for one in scores.sort(dim=1, descending=True, stable=True))
        for path, row, at in zip(batch.paths, shares.tolist(), places.tolist(), strict=True):
            pictures.append(Prediction(path, tuple(map(guess, at, row))))
        advance(len(batch.paths))
        images += batch.images[: max(keep - len(images), 0)].clone()
    return Predictions(pictures, faults, images)
