"""Observed runs without training them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tracker.events.reader import Series
from tracker.reading.gate.curve import Curve, curve_of
from tracker.reading.gate.observed import Environment, Network, Observed

MACHINE = {
    "device": "cpu",
    "precision": "float32",
    "channels_last": False,
    "threads": 1,
    "isa": "AVX2",
}
HERE = Environment(machine=MACHINE, cpu="a cpu", packages={"torch": "2.15"})
DATA = {"name": "shapes", "digest": "d", "train_size": 100, "val_size": 50}
NETWORK = Network(parameters=10, flops=20, graph="g")


def curve(values: Sequence[float], steps: Sequence[int] | None = None) -> Curve:
    """A curve of float32 values at steps 1, 2, …"""
    at = np.array(steps or range(1, len(values) + 1), np.int64)
    return curve_of(Series(at, np.zeros(len(at)), np.array(values, np.float32).astype(np.float64)))


def observed(
    seed: int = 0, curves: Mapping[str, Sequence[float]] | None = None, **changes: Any
) -> Observed:
    """A run of three steps; what is named in `curves` comes on top."""
    usual: dict[str, Sequence[float]] = {
        "accuracy/val": (0.2, 0.4, 0.6 + seed / 100),
        "loss/train": (2.0, 1.5, 1.0 - seed / 50),
        "optim/lr": (0.1, 0.2, 0.1),
    }
    given = {
        "name": f"x/y/s{seed}",
        "step": 3,
        "seed": seed,
        "environment": HERE,
        "data": DATA,
        "network": NETWORK,
        "curves": {tag: curve(values) for tag, values in {**usual, **(curves or {})}.items()},
    }
    return Observed(**{**given, **changes})
