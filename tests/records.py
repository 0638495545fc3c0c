"""Runs as the reading wing sees them, made without a file: for tests of what it concludes."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tracker.spec.convert import to_document
from tracker.spec.load import from_document
from tracker.store.index import RunRecord
from tracker.store.run import Run
from tracker.store.summary import DataFacts, Improvement, Metric, Price
from tracker.tags import GOALS

DATA = DataFacts(name="shapes", digest="d" * 64, train_size=600, val_size=1000, classes=("a", "b"))
PRICE = Price(
    parameters=1000, flops=2000, images_per_second=500.0, seconds=30.0, peak_memory_bytes=None
)

_DOCUMENTS: dict[str, dict[str, Any]] = {}  # made once: a simulation asks for thousands
_CLOCK = itertools.count()


def record(
    backbone: str = "resnet50",
    seed: int = 0,
    values: Mapping[str, float | None] | float | None = 0.5,
    *,
    spec: Mapping[str, Any] | None = None,
    **changes: Any,
) -> RunRecord:
    """A finished run of 300 steps and 3 epochs, whose last value of each tag is also its best.

    A single value is of accuracy/val. `spec` is merged into the experiment, `changes` are fields of
    RunRecord.
    """
    asked = {"name": "first", "model": {"backbone": backbone}, **(spec or {})}
    document = _DOCUMENTS.setdefault(repr(asked), to_document(from_document(asked))) | {
        "seed": seed
    }
    scored = values if isinstance(values, Mapping) else {"accuracy/val": values}
    metrics = {
        tag: Metric(
            GOALS[tag],
            value,
            300,
            value,
            None if value is None else 300,
            () if value is None else (Improvement(300, 30.0, value),),
        )
        for tag, value in scored.items()
    }
    name, variant = document["name"], document["variant"]
    run = Run(Path("/nowhere", name, variant, f"s{seed}"))
    fields: dict[str, Any] = {
        "id": run.id,
        "run": run,
        "experiment": name,
        "variant": variant,
        "seed": seed,
        "attempt": 1,
        "state": "finished",
        # the first group that is made is the first that ran
        "started": f"2026-01-01T00:00:00.{next(_CLOCK):06d}+00:00",
        "seconds": 40.0,
        "step": 300,
        "epoch": 3.0,
        "total_steps": 300,
        "metric": "accuracy/val",
        "metrics": metrics,
        "price": PRICE,
        "data": DATA,
        "asked": document,
        "host": "here",
    }
    return RunRecord(**{**fields, **changes})


def damage(path: Path) -> None:
    """Flip a bit in the middle of an event file, where a reader stops from then on."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
