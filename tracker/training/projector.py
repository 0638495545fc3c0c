"""What the trained network sees in some validation pictures, laid out for the Projector page."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from tracker.data.dataset import reference_pictures
from tracker.errors import printable
from tracker.record import projector
from tracker.store.files import write_atomic
from tracker.training.evaluate import Evaluation
from tracker.training.state import Task

PICTURES = 300  # as many points as one still tells apart
COLUMNS = ("class", "predicted", "verdict", "confidence", "index")


def shown(task: Task) -> Tensor:
    """Which validation pictures are on the page: the same in every run on the same data."""
    return reference_pictures(task.dataset.val.labels, PICTURES)


def write(task: Task, result: Evaluation, features: Tensor | None) -> None:
    """Write the page's files into the run directory, the one that leads to the others last.

    `features` floating [N, D] are what entered the last linear layer for those `shown`, and
    `result` what was made of them. Without features there is no page; the run's log says so, as of
    whatever else is in the way but the disk.
    """
    indices = shown(task)
    if not len(indices):
        return
    if features is None:
        task.say("no projector page: the network has no linear layer to look at")
        return
    try:
        images = task.dataset.val.fetch(indices).cpu()
        files = projector.files(features, images, COLUMNS, _rows(task, indices, result))
    except (ValueError, RuntimeError) as error:  # no run ends for a picture
        task.say(f"no projector page: {printable(str(error).strip())[:200]}")
        return
    for name, content in files.items():
        write_atomic(task.run.run.path / name, content)


def _rows(task: Task, indices: Tensor, result: Evaluation) -> Iterator[tuple[str, ...]]:
    classes = task.dataset.classes
    told = zip(
        result.labels[indices].tolist(),
        result.predicted[indices].tolist(),
        result.confidence[indices].tolist(),
        indices.tolist(),
        strict=True,
    )
    for label, called, sure, index in told:
        verdict = "right" if label == called else "wrong"
        yield classes[label], classes[called], verdict, f"{sure:.2f}", str(index)
