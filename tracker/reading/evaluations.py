"""What a network made of the validation pictures, as numbers: to lay runs side by side.

A run's event file holds them under the tags `evaluation/…` (see docs/tensorboard.md). They say of
the same pictures in every run on the same data which class each was taken for and how surely, and
of all validation pictures how often each class was taken for each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracker import tags
from tracker.errors import TrackerError
from tracker.events.array import Value
from tracker.events.tensors import TensorPoint, read_tensors
from tracker.store.run import Run

_TAGS = (
    tags.EVALUATED_CONFUSION,
    tags.EVALUATED_PREDICTIONS,
    tags.EVALUATED_REFERENCE,
    tags.EVALUATED_PICTURES,
)


@dataclass(frozen=True, eq=False)
class Predictions:
    """Of each reference picture, the class it was taken for, int64 [N], and how surely it was:
    the softmax of that class, float32 [N]."""

    classes: NDArray[np.int64]
    confidence: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Evaluations:
    """What was noted of the N reference pictures, and of C classes; empty where nothing was.

    `pictures`: a PNG of each, no side above 96 pixels. `indices`, int64 [N]: where they are in the
    validation split; `labels`, int64 [N]: what they show. `predictions` and `confusion` (int64
    [C, C], rows true, columns predicted) go by step; `steps` are those of either, rising. `classes`
    are the names, empty where the run has no summary yet. A run with more than 200 classes has no
    confusion.
    """

    classes: tuple[str, ...]
    pictures: tuple[bytes, ...]
    indices: NDArray[np.int64]
    labels: NDArray[np.int64]
    steps: tuple[int, ...]
    confusion: Mapping[int, NDArray[np.int64]]
    predictions: Mapping[int, Predictions]


def evaluations(run: Run) -> Evaluations:
    """Read what `run` has noted so far, by tracker or not; what does not fit together is left out.

    Raises only what opening the directory raises (`OSError`); damaged files count up to the damage.
    """
    found = read_tensors(run.path, _TAGS)
    classes = _classes(run)
    where = _reference(found[tags.EVALUATED_REFERENCE], len(classes))
    predictions = {
        point.step: told
        for point in found[tags.EVALUATED_PREDICTIONS]
        if (told := _predictions(point.value, len(where), len(classes))) is not None
    }
    confusion = {
        point.step: counts
        for point in found[tags.EVALUATED_CONFUSION]
        if (counts := _confusion(point.value, len(classes))) is not None
    }
    return Evaluations(
        classes=classes,
        pictures=_pictures(found[tags.EVALUATED_PICTURES], len(where)),
        indices=where[:, 0],
        labels=where[:, 1],
        steps=tuple(sorted({*predictions, *confusion})),
        confusion=confusion,
        predictions=predictions,
    )


def _classes(run: Run) -> tuple[str, ...]:
    try:
        data = run.summary().data
    except TrackerError:  # damaged, or not ours to read: `tracker doctor` tells
        return ()
    return data.classes if data else ()


def _reference(points: list[TensorPoint], classes: int) -> NDArray[np.int64]:
    """Return index and label, int64 [N, 2]."""
    for point in points[-1:]:
        if (table := _table(point.value)) is not None and table.dtype.kind == "i":
            where = table.astype(np.int64)
            if where.shape[1] == 2 and where.min(initial=0) >= 0 and _known(where[:, 1], classes):
                return where
    return np.zeros((0, 2), np.int64)


def _pictures(points: list[TensorPoint], count: int) -> tuple[bytes, ...]:
    for point in points[-1:]:
        if isinstance(point.value, tuple) and len(point.value) == count:
            return point.value
    return ()


def _predictions(value: Value, count: int, classes: int) -> Predictions | None:
    table = _table(value)
    if table is None or table.shape != (count, 2) or not np.isfinite(table).all():
        return None
    taken_for = table[:, 0].astype(np.int64)
    if not _known(taken_for, classes):
        return None
    return Predictions(taken_for, table[:, 1].astype(np.float32))


def _confusion(value: Value, classes: int) -> NDArray[np.int64] | None:
    table = _table(value)
    if table is None or table.dtype.kind != "i" or table.min(initial=0) < 0:
        return None
    rows, columns = table.shape
    return table.astype(np.int64) if rows == columns and classes in (0, rows) else None


def _table(value: Value) -> NDArray[Any] | None:
    return value if isinstance(value, np.ndarray) and value.ndim == 2 else None


def _known(numbers: NDArray[np.int64], classes: int) -> bool:
    """Tell whether all are numbers of classes, as far as one knows how many there are."""
    return bool((numbers >= 0).all() and (not classes or (numbers < classes).all()))
