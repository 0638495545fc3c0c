"""Curves of somebody else's training code as something the gate can look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from tracker.errors import UsageError, printable
from tracker.events.reader import Series
from tracker.reading.gate.curve import curve_of
from tracker.reading.gate.observed import Environment, Observed, packages_of
from tracker.spec.experiment import Expectation
from tracker.store import provenance

# Values of steps 1, 2, …; or (step, value) pairs.
Points: TypeAlias = Sequence[float] | Sequence[tuple[int, float]]


def observe_curves(
    name: str,
    curves: Mapping[str, Points | Series],
    *,
    machine: Mapping[str, Any] | None = None,
    seed: int | None = None,
    expect: Sequence[Expectation] = (),
) -> Observed:
    """Take `curves`, by tag, for a run called `name`, made just now on this computer.

    `machine` is whatever else decides the last bit of them; None: not known, and then no bits can
    be asked for. Raises UsageError for a curve without points or whose steps do not rise.
    """
    series = {tag: _series(tag, points) for tag, points in curves.items()}
    here = provenance.collect(None, (), patch=False)
    return Observed(
        name=name,
        step=max((int(one.steps[-1]) for one in series.values()), default=0),
        seed=seed,
        environment=Environment(
            machine=machine,
            cpu=here.host.cpu,
            packages=packages_of({"packages": here.packages}),
        ),
        curves={tag: curve_of(one) for tag, one in series.items()},
        expect=tuple(expect),
    )


def _series(tag: str, points: Points | Series) -> Series:
    if isinstance(points, Series):
        found = points
    else:
        rows = np.asarray(points, dtype=np.float64)
        if rows.ndim == 1:
            rows = np.stack([np.arange(1, len(rows) + 1), rows], axis=1)
        if rows.ndim != 2 or rows.shape[1] != 2:
            raise UsageError(f"{printable(tag)} must be values, or pairs of a step and a value")
        steps = rows[:, 0].astype(np.int64)
        found = Series(steps, np.zeros(len(steps)), rows[:, 1])
    if not len(found) or not found.is_increasing:
        raise UsageError(f"{printable(tag)} must have points, at steps that rise")
    return found
