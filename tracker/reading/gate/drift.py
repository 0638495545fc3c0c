"""How far rounding alone carries a run away from itself: measured, for it differs by orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from tracker import tags
from tracker.events.reader import Series
from tracker.reading.gate.curve import Curve, curve_of
from tracker.reading.gate.observed import Observed

# By tag, how far a value has been seen to be off by a step at most, in its own units.
Drift: TypeAlias = Mapping[str, Curve]

EVALUATED = (tags.LOSS_VAL, tags.ACCURACY_VAL)
FOLLOWED = (tags.LOSS_TRAIN, tags.GRAD_NORM, *EVALUATED)


def points(early: Curve | None, whole: Curve | None) -> dict[int, float]:
    """A series by step: its first evaluation, brought forward, and the run itself."""
    return {
        step: value
        for curve in (early, whole)
        if curve is not None
        for step, value in zip(curve.steps, curve.values, strict=True)
    }


def drift_of(runs: Sequence[Observed], repeats: Sequence[Observed]) -> Drift:
    """What `repeats` of `runs`, each of the seed of one, show: the furthest up to each step.

    What has once been off by so much may be so again, so it never falls.
    """
    by_seed = {run.seed: run for run in runs}
    found = {}
    for tag in FOLLOWED:
        furthest: dict[int, float] = {}
        for repeat in repeats:
            recorded = _points(by_seed[repeat.seed], tag)
            for step, value in _points(repeat, tag).items():
                if step in recorded:
                    far = abs(value - recorded[step])
                    furthest[step] = max(far, furthest.get(step, 0.0))
        if furthest:
            found[tag] = _rising(furthest)
    return found


def _points(run: Observed, tag: str) -> dict[int, float]:
    return points(run.early.get(tag), run.curves.get(tag))


def _rising(furthest: Mapping[int, float]) -> Curve:
    """Two digits are enough."""
    steps = np.array(sorted(furthest))
    values = np.maximum.accumulate([furthest[step] for step in steps.tolist()])
    short = np.array([float(f"{value:.1e}") for value in values.tolist()], np.float32)
    return curve_of(Series(steps, np.zeros(len(steps)), short.astype(np.float64)))
