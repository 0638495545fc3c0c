"""The first steps of a run, which no machine has had the time to make its own.

Of one seed every machine starts from the same weights and pictures. Rounding differs with threads,
instructions and layout, and training makes such differences several times larger with every step:
in the first three they are still far below what most changes of the training do. So where bits
can't be asked for, this much can, and it needs no second seed. A first epoch of three steps brings
an evaluation into it. Measured: docs/gate.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tracker import tags
from tracker.reading.gate.baseline import Baseline
from tracker.reading.gate.circumstances import Changes
from tracker.reading.gate.curve import Curve, shown
from tracker.reading.gate.observed import Observed
from tracker.reading.gate.verdict import Verdict

STEPS = (1, 2, 3)


class Tolerance(NamedTuple):
    """The share by which a series may differ at the first step, and after it.

    At the first no weight has changed yet, so only the rounding of one pass is in it.
    """

    first: float
    later: float

    def at(self, step: int) -> float:
        """The share at `step`."""
        return self.first if step == 1 else self.later


# By precision. At least five times what `python -m tests.gate.drift` finds.
TOLERANCES: Mapping[str, Mapping[str, Tolerance]] = {
    "float32": {
        tags.LOSS_TRAIN: Tolerance(1e-5, 1e-3),
        tags.GRAD_NORM: Tolerance(1e-3, 0.1),
        tags.LOSS_VAL: Tolerance(1e-2, 1e-2),
    },
    "bfloat16": {
        tags.LOSS_TRAIN: Tolerance(1e-2, 1e-2),
        tags.GRAD_NORM: Tolerance(0.1, 0.2),
        tags.LOSS_VAL: Tolerance(1e-2, 1e-2),
    },
}


def opening(baseline: Baseline, runs: Mapping[int, Observed], changes: Changes) -> list[Verdict]:
    """Verdicts on losses and gradient norm of the first steps; `runs` go by seeds recorded.

    None where device or precision are others or not known. Where packages differ, which may draw
    other random numbers, what is off is a note.
    """
    machine = baseline.environment.machine or {}
    for run in runs.values():
        other = run.environment.machine or {}
        if any(other.get(key) != machine.get(key) for key in ("device", "precision")):
            return []
    tolerances = TOLERANCES.get(str(machine.get("precision")), {})
    binding = not any(name == "packages" for name, _ in changes)
    return [
        _verdict(tag, tolerance, pairs, binding=binding)
        for tag, tolerance in tolerances.items()
        if (pairs := _pairs(tag, baseline, runs))
    ]


def _pairs(
    tag: str, baseline: Baseline, runs: Mapping[int, Observed]
) -> list[tuple[int, float, float]]:
    """Step, what was recorded and what is now, wherever both have it."""
    empty = Curve((), (), 0, "")
    recorded = baseline.curves.get(tag, {})
    found = []
    for seed, run in runs.items():
        before, after = recorded.get(seed, empty), run.curves.get(tag, empty)
        for step in STEPS:
            then, now = before.at(step), after.at(step)
            if then is not None and now is not None:
                found.append((step, then, now))
    return sorted(found)


def _verdict(
    tag: str, tolerance: Tolerance, pairs: list[tuple[int, float, float]], *, binding: bool
) -> Verdict:
    off = [one for one in pairs if not abs(one[2] - one[1]) <= tolerance.at(one[0]) * abs(one[1])]
    step, then, now = off[0] if off else pairs[-1]
    words = "as recorded, but for rounding"
    if off:
        words = f"step {step}: {shown(then)} became {shown(now)}, which is no rounding"
    return Verdict(
        metric=f"{tag} (first steps)",
        kind="quality",
        status="pass" if not off else "fail" if binding else "note",
        words=words,
        before=then,
        after=now,
        tolerance=f"±{tolerance.at(step):g} of it",
        since=step if off else None,
    )
