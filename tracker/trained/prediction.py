"""What a network makes of pictures nobody has labelled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the picture at `path` was taken for, the likeliest first.

    `image` is what of it the network saw: uint8 [3, H, W].
    """

    path: Path
    guesses: tuple[Guess, ...]
    image: Tensor

    def to_document(self) -> dict[str, Any]:
        """The same as JSON values, without the picture."""
        return {"path": str(self.path), "guesses": [one.to_document() for one in self.guesses]}


def predict(
    network: Network,
    paths: Sequence[Path],
    *,
    topk: int,
    batch_size: int,
    faulty: Callable[[Path, str], None],
) -> Iterator[Prediction]:
    """The `topk` likeliest classes (all, where there are fewer) of each picture, in order.

    Computed as the run's evaluation computed them, `batch_size` pictures at a time. `faulty` is
    told of each picture that cannot be read, and why; those are left out.
    """
    for paths_read, images in decoded(paths, network.decode, batch_size, faulty):
        scores = network.logits(images).softmax(1).cpu()
        likeliest, places = (
            one[:, :topk] for one in scores.sort(dim=1, descending=True, stable=True)
        )
        rows = zip(paths_read, likeliest.tolist(), places.tolist(), images, strict=True)
        for path, probabilities, indices, image in rows:
            pairs = zip(indices, probabilities, strict=True)
            guesses = tuple(Guess(network.classes[at], at, share) for at, share in pairs)
            yield Prediction(path, guesses, image)
