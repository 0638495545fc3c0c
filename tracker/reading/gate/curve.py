"""A series as a baseline keeps it: few enough points to read in a review, and exact to the bit."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracker.errors import Damaged, printable
from tracker.events.reader import Series
from tracker.store.shape import COUNT, TEXT, fields

MOST_POINTS = 200
_SHAPE = {"steps": (list,), "values": (list,)}
_OF_LONGER = {"points": COUNT, "digest": TEXT}
_DOUBLE = "float64"


@dataclass(frozen=True)
class Curve:
    """The points kept of a series: its steps, rising, and the values there.

    `points` is how many the series has, `digest` tells any two series apart, kept points or not.
    """

    steps: tuple[int, ...]
    values: tuple[float, ...]
    points: int
    digest: str

    def at(self, step: int | None) -> float | None:
        """The value at `step`, or at the end for None; None where there is no such point."""
        if step is None:
            return self.values[-1] if self.values else None
        return self.values[self.steps.index(step)] if step in self.steps else None

    def up_to(self, step: int | None) -> float | None:
        """The value of the last point up to `step`, or at the end for None; None without one."""
        known = [v for s, v in zip(self.steps, self.values, strict=True) if not step or s <= step]
        return known[-1] if known else None

    @property
    def is_finite(self) -> bool:
        """Whether every value is a number."""
        return bool(np.isfinite(self.values).all())

    def to_document(self) -> dict[str, Any]:
        """As JSON values. A float32 is written in as few digits as tell it from its neighbours.

        Points that were not kept are known by number and digest alone.
        """
        single = _single(self.values)
        short = [float(str(value)) for value in single]
        is_single = [float(value) for value in single] == list(self.values)
        longer = {"points": self.points, "digest": self.digest}
        return {
            "steps": list(self.steps),
            "values": short if is_single else list(self.values),
            **({} if is_single else {"type": _DOUBLE}),
            **(longer if self.points > len(self.steps) else {}),
        }

    @classmethod
    def from_document(cls, document: Any, where: str) -> Curve:
        """The curve that `to_document` gave; raises Damaged, naming `where`, for anything else."""
        found = fields(document, _SHAPE, where)
        steps, values = found["steps"], found["values"]
        if not all(type(step) is int for step in steps) or steps != sorted(set(steps)):
            raise Damaged(f"{where}: steps must be whole numbers that rise")
        if not all(type(value) in (int, float) for value in values) or len(values) != len(steps):
            raise Damaged(f"{where}: values must be numbers, one for each step")
        if document.get("type") != _DOUBLE:
            values = [float(value) for value in _single(values)]
        kept = tuple(map(float, values))
        if "points" in document:
            longer = fields(document, _OF_LONGER, where)
            return cls(tuple(steps), kept, longer["points"], longer["digest"])
        return cls(tuple(steps), kept, len(steps), _digest(np.array(steps), np.array(kept)))


def curve_of(series: Series, keep: Collection[int] = ()) -> Curve:
    """`series` as a Curve of at most `MOST_POINTS`, spread evenly.

    Besides these, for each step of `keep` the last point up to there is kept. Of a
    step that was written twice the later value counts.
    """
    steps, at = np.unique(series.steps[::-1], return_index=True)
    values = series.values[::-1][at]
    kept = np.arange(len(steps))
    if len(steps) > MOST_POINTS:
        spread = np.linspace(0, len(steps) - 1, MOST_POINTS).round().astype(np.int64)
        wanted = np.searchsorted(steps, sorted(keep), side="right") - 1
        kept = np.union1d(spread, wanted[wanted >= 0]).astype(np.int64)
    return Curve(
        tuple(steps[kept].tolist()),
        tuple(values[kept].tolist()),
        len(steps),
        _digest(steps, values),
    )


def first_difference(before: Curve, after: Curve) -> int | None:
    """The first step kept of both at which they differ in any bit; None where there is none."""
    known = dict(zip(after.steps, after.values, strict=True))
    for step, value in zip(before.steps, before.values, strict=True):
        if step in known and known[step].hex() != value.hex():
            return step
    return None


def in_words(tag: str, step: int | None) -> str:
    """How a series at a step is named, "loss/train@30"; just the series for its end."""
    return printable(tag) if step is None else f"{printable(tag)}@{step}"


def shown(value: float) -> str:
    """A value in as few digits as tell it from its neighbours, those of float32 if it is one."""
    [single] = _single([value])
    return str(single) if float(single) == value else repr(value)


def _digest(steps: NDArray[np.int64], values: NDArray[np.float64]) -> str:
    data = steps.astype("<i8").tobytes() + values.astype("<f8").tobytes()
    return hashlib.sha256(data).hexdigest()


def _single(values: Collection[float]) -> list[np.float32]:
    with np.errstate(over="ignore"):
        return [np.float32(value) for value in values]
