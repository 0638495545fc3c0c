"""summary.json: a run in numbers, small enough to read for a thousand runs at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tracker.errors import Damaged, printable
from tracker.store.shape import (
    COUNT,
    NONE,
    NUMBER,
    SCHEMA_VERSION,
    TEXT,
    Shape,
    fields,
    read_document,
)
from tracker.tags import Goal


class Improvement(NamedTuple):
    """A new best value: at which step, and after how many seconds of training."""

    step: int
    seconds: float
    value: float


@dataclass(frozen=True)
class Metric:
    """A series so far. A value that is not finite can be the last one but never the best.

    Read back, such a `last` is None: JSON has no NaN. `improvements` are the evaluations that were
    better than all before them: from these few points one can tell when any value was reached,
    without reading an event file.
    """

    goal: Goal
    last: float | None
    last_step: int
    best: float | None
    best_step: int | None
    improvements: tuple[Improvement, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Price:
    """What the run cost. `flops`: one picture forward, a multiply and an add counted as two.

    `images_per_second` and `seconds` are training alone; `peak_memory_bytes` is None where the
    device does not say.
    """

    parameters: int
    flops: int
    images_per_second: float | None
    seconds: float
    peak_memory_bytes: int | None


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """Which pictures were learned from: `digest` is equal where they are equal."""

    name: str
    digest: str
    train_size: int
    val_size: int
    classes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What is known so far; nothing at first. `metrics` goes by tag."""

    metrics: Mapping[str, Metric] = field(default_factory=dict)
    price: Price | None = None
    data: DataFacts | None = None
    machine: Mapping[str, Any] | None = None  # what every "auto" became: device, precision, …
    input: Mapping[str, Any] | None = None  # which pictures the network takes: size, mean, std
    weights: Mapping[str, Any] | None = None  # what training started from: source and sha256
    features: Mapping[str, Any] | None = None  # of what is frozen: whether kept, or why not

    def to_document(self, step: int, epoch: float) -> dict[str, Any]:
        """The JSON object of summary.json as of `step`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "step": step,
            "epoch": epoch,
            "metrics": {tag: asdict(self.metrics[tag]) for tag in sorted(self.metrics)},
            "price": self.price and asdict(self.price),
            "data": self.data and asdict(self.data),
            "machine": self.machine and dict(self.machine),
            "input": self.input and dict(self.input),
            "weights": self.weights and dict(self.weights),
            "features": self.features and dict(self.features),
        }


_SUMMARY: Shape = {"metrics": (dict,), "price": (dict, NONE), "data": (dict, NONE)}
# Runs made before these were kept have none.
_LATER: Shape = dict.fromkeys(("machine", "input", "weights", "features"), (dict, NONE))
_METRIC: Shape = {
    "goal": TEXT,
    "last": (int, float, NONE),
    "last_step": COUNT,
    "best": (int, float, NONE),
    "best_step": (int, NONE),
}
_PRICE: Shape = {
    "parameters": COUNT,
    "flops": COUNT,
    "images_per_second": (int, float, NONE),
    "seconds": NUMBER,
    "peak_memory_bytes": (int, NONE),
}
_DATA: Shape = {
    "name": TEXT,
    "digest": TEXT,
    "train_size": COUNT,
    "val_size": COUNT,
    "classes": (list,),
}


def read_summary(path: Path) -> Summary:
    """The Summary in `path`; an empty one where the run has not written any yet.

    Raises Damaged where the file is torn, of another shape or from a newer tracker, and
    Unavailable where it may not be read.
    """
    if not os.path.lexists(path):
        return Summary()
    document, where = read_document(path, _SUMMARY, _LATER), printable(str(path))
    price, data = document["price"], document["data"]
    return Summary(
        metrics={
            tag: _metric(value, f"{where}: metrics/{printable(tag)}")
            for tag, value in document["metrics"].items()
        },
        price=None if price is None else Price(**fields(price, _PRICE, f"{where}: price")),
        data=None if data is None else _data_facts(data, f"{where}: data"),
        machine=document.get("machine"),
        input=document.get("input"),
        weights=document.get("weights"),
        features=document.get("features"),
    )


def _metric(value: Any, where: str) -> Metric:
    found = fields(value, _METRIC, where)
    if found["goal"] not in ("max", "min"):
        raise Damaged(f"{where}: goal is neither max nor min")
    return Metric(**found, improvements=_improvements(value.get("improvements", []), where))


def _improvements(value: Any, where: str) -> tuple[Improvement, ...]:
    try:
        found = tuple(Improvement(*each) for each in value)
    except TypeError as error:
        raise Damaged(f"{where}: improvements are no list of step, seconds and value") from error
    for each in found:
        if type(each.step) is not int or not {type(each.seconds), type(each.value)} <= {int, float}:
            raise Damaged(f"{where}: an improvement is not of numbers")
    return found


def _data_facts(value: Any, where: str) -> DataFacts:
    facts = fields(value, _DATA, where)
    if not all(isinstance(name, str) for name in facts["classes"]):
        raise Damaged(f"{where}: classes are not all strings")
    return DataFacts(**{**facts, "classes": tuple(facts["classes"])})
