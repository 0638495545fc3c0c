"""The verdicts where bits cannot be asked for: what the recorded seeds lead one to expect."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tracker import tags
from tracker.errors import printable
from tracker.reading.gate.baseline import Baseline, Judged
from tracker.reading.gate.chance import Prediction, levels, predict
from tracker.reading.gate.curve import Curve
from tracker.reading.gate.observed import Observed
from tracker.reading.gate.verdict import Status, Verdict

# Series that neither a seed nor a machine has a part in, and what may be lost in writing them.
_SETTLED, _ROUNDING = (tags.LR, tags.EPOCH), 1e-6


def statistical(baseline: Baseline, runs: Sequence[Observed], false_alarms: float) -> list[Verdict]:
    """A verdict for each series that is settled beforehand, and for each metric judged.

    Over all metrics together unchanged code fails in `false_alarms` of checks. With a single seed
    recorded no spread is known: a metric is then `unknown`, or a note where the runs' own specs
    say what to expect.
    """
    settled = [_settled(tag, baseline, runs) for tag in _SETTLED if tag in baseline.curves]
    found = [
        _predicted(judged, baseline, runs)
        for judged in baseline.judged
        if judged.tag not in _SETTLED
    ]
    tested = [one for one in found if not isinstance(one, Verdict)]
    held = iter(levels([prediction.p for _, prediction in tested], false_alarms))
    return settled + [
        one if isinstance(one, Verdict) else _verdict(*one, next(held), baseline, runs)
        for one in found
    ]


def _settled(tag: str, baseline: Baseline, runs: Sequence[Observed]) -> Verdict:
    recorded = next(iter(baseline.curves[tag].values()))
    status: Status = "pass"
    words = "the same all along"
    since: int | None = None
    after: float | None = None
    for run in runs:
        curve = run.curves.get(tag)
        after = None if curve is None else curve.at(None)
        if curve is None or not set(recorded.steps) <= set(curve.steps):
            status, words = "unknown", f"{run.name} has not all of its points"
            break
        since = _parting(recorded, curve)
        if since is not None:
            then, now = recorded.at(since), curve.at(since)
            status, words = "fail", f"step {since}: {then:.6g} became {now:.6g}"
            break
    return Verdict(
        metric=printable(tag),
        kind="quality",
        status=status,
        words=words,
        before=recorded.at(None),
        after=after,
        tolerance=f"{_ROUNDING:g} of it",
        since=since,
    )


def _parting(recorded: Curve, curve: Curve) -> int | None:
    for step, value in zip(recorded.steps, recorded.values, strict=True):
        now = curve.at(step)
        if now is None or not abs(now - value) <= _ROUNDING * max(abs(now), abs(value)):
            return step
    return None


def _predicted(
    judged: Judged, baseline: Baseline, runs: Sequence[Observed]
) -> Verdict | tuple[Judged, Prediction]:
    recorded = baseline.values(judged)
    new = [curve.at(judged.step) for run in runs if (curve := run.curves.get(judged.tag))]
    known = [value for value in new if value is not None]

    def told(status: Status, words: str) -> Verdict:
        return Verdict(
            metric=judged.name,
            kind="quality",
            status=status,
            words=words,
            before=sum(recorded) / len(recorded),
            after=sum(known) / len(known) if known else None,
        )

    if len(known) < len(runs):
        return told("unknown", "not every run has it" + (" at this step" if judged.step else ""))
    if not all(map(math.isfinite, known)):
        return told("unknown", "it is not finite")
    if len(recorded) < 2:
        expects = any(run.expect for run in runs)
        words = "one seed was recorded, so no tolerance is known: record more (--seeds 0,1,2,3,4)"
        return told("note" if expects else "unknown", words)
    return judged, predict(recorded, known, judged.goal, baseline.grain(judged.tag))


def _verdict(
    judged: Judged,
    prediction: Prediction,
    level: float,
    baseline: Baseline,
    runs: Sequence[Observed],
) -> Verdict:
    is_failed = prediction.p <= level
    words = "within the spread of the seeds"
    if is_failed:
        words = "worse than chance explains" if judged.goal else "further off than chance explains"
    elif prediction.p_better <= level:
        words = "better than chance explains: record it with `tracker baseline --update`"
    sign = {"max": "−", "min": "+", None: "±"}[judged.goal]
    return Verdict(
        metric=judged.name,
        kind="quality",
        status="fail" if is_failed else "pass",
        words=words,
        before=prediction.mean,
        after=prediction.now,
        tolerance=f"{sign}{prediction.reach(level):.3g} (n = {prediction.n})",
        since=_since(judged, level, baseline, runs) if is_failed else None,
        p=prediction.p,
    )


def _since(
    judged: Judged, level: float, baseline: Baseline, runs: Sequence[Observed]
) -> int | None:
    """The step from which on the series stays outside, each of its points judged alone."""
    since = None
    by_seed = baseline.curves[judged.tag].values()
    for step in sorted(baseline.steps, reverse=True):
        recorded = [value for curve in by_seed if (value := curve.at(step)) is not None]
        new = [value for run in runs if (value := run.curves[judged.tag].at(step)) is not None]
        if judged.step is not None and step > judged.step:
            continue
        if len(recorded) < 2 or len(new) < len(runs):
            continue
        if predict(recorded, new, judged.goal, baseline.grain(judged.tag)).p > level:
            break
        since = step
    return since
