"""Another machine, the same seed: as recorded, but for what rounding makes of it.

Of one seed every machine starts from the same weights and sees the same pictures. Rounding differs
with threads, instructions and layout, and training makes such differences larger with every step.
How large is recorded with the baseline (`drift`); a change of the code mostly shows earlier.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from tracker import tags
from tracker.reading.gate.baseline import Baseline
from tracker.reading.gate.circumstances import Changes
from tracker.reading.gate.curve import shown
from tracker.reading.gate.drift import points
from tracker.reading.gate.observed import Observed
from tracker.reading.gate.verdict import Verdict

# Times what was seen; `python -m tests.gate.drift` finds no more than half of this anywhere.
FACTOR = 5.0
_LAST_PLACES = 2e-6  # of the value: what summing it up and writing it as float32 may cost
_NEVER_ZERO = 1e-300


class Point(NamedTuple):
    """A value recorded of a seed at a step, what it is now, and how far apart they may be."""

    step: int
    seed: int
    then: float
    now: float
    allowed: float

    @property
    def share(self) -> float:
        """Of what is allowed, what is needed; NaN needs more than there is."""
        share = abs(self.now - self.then) / self.allowed
        return math.inf if math.isnan(share) else share


def rounding(baseline: Baseline, runs: Mapping[int, Observed], changes: Changes) -> list[Verdict]:
    """A verdict on each series whose drift was measured; `runs` go by seeds recorded.

    None where device or precision are others or not known. Where packages differ, which may draw
    other random numbers, what is off is a note.
    """
    machine = baseline.environment.machine or {}
    for run in runs.values():
        other = run.environment.machine or {}
        if any(other.get(key) != machine.get(key) for key in ("device", "precision")):
            return []
    if not baseline.drift and baseline.experiment is not None and runs:
        return [_unmeasured()]
    binding = not any(name == "packages" for name, _ in changes)
    return [
        _verdict(tag, found, binding=binding)
        for tag in baseline.drift
        if (found := compared(tag, baseline, runs))
    ]


def compared(tag: str, baseline: Baseline, runs: Mapping[int, Observed]) -> list[Point]:
    """The values of a series wherever they are known of then and now and their drift is, too."""
    drift, grain = baseline.drift[tag], 2 * baseline.grain(tag)
    found = []
    for seed, run in runs.items():
        recorded = points(
            baseline.early.get(tag, {}).get(seed), baseline.curves.get(tag, {}).get(seed)
        )
        known = points(run.early.get(tag), run.curves.get(tag))
        for step, far in zip(drift.steps, drift.values, strict=True):
            if step in recorded and step in known:
                then = recorded[step]
                allowed = FACTOR * far + max(_LAST_PLACES * abs(then), grain, _NEVER_ZERO)
                found.append(Point(step, seed, then, known[step], allowed))
    return sorted(found)


def _verdict(tag: str, found: list[Point], *, binding: bool) -> Verdict:
    off = [point for point in found if point.share > 1]
    told = off[0] if off else max(found, key=lambda point: point.share)
    words = f"as recorded, but for rounding, up to step {found[-1].step}"
    if off:
        change = f"{shown(told.then)} became {shown(told.now)}"
        words = f"seed {told.seed}, step {told.step}: {change}, which is more than rounding does"
    return Verdict(
        metric=f"{tag} (same seed)",
        kind="quality",
        status="pass" if not off else "fail" if binding else "note",
        words=words,
        before=told.then,
        after=told.now,
        tolerance=f"±{told.allowed:.2g} at step {told.step}",
        since=told.step if off else None,
    )


def _unmeasured() -> Verdict:
    return Verdict(
        metric=f"{tags.LOSS_TRAIN} (same seed)",
        kind="quality",
        status="note",
        words="the baseline does not say how far rounding carries it: record it from a SPEC",
    )
