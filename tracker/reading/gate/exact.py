"""Same machine, same versions, same seed: the same bits, or something has changed."""

from __future__ import annotations

from collections.abc import Mapping

from tracker.errors import printable
from tracker.reading.gate.baseline import Baseline
from tracker.reading.gate.curve import Curve, first_difference, shown
from tracker.reading.gate.observed import Observed
from tracker.reading.gate.verdict import Verdict

_ALLOWED = "no bit"


def exact(baseline: Baseline, runs: Mapping[int, Observed]) -> list[Verdict]:
    """A verdict for each series recorded, over all of `runs` (by seed, each one recorded)."""
    if not runs:
        return []
    return [
        _series(tag, {seed: (by_seed[seed], run) for seed, run in runs.items()})
        for tag, by_seed in baseline.curves.items()
    ]


def _series(tag: str, pairs: Mapping[int, tuple[Curve, Observed]]) -> Verdict:
    """Of several seeds the one that parts first is told."""
    found = [_pair(tag, seed, before, run.curves.get(tag)) for seed, (before, run) in pairs.items()]
    return min(found, key=_gravest)


def _gravest(verdict: Verdict) -> tuple[int, float]:
    rank = ("fail", "unknown", "pass").index(verdict.status)
    return rank, float("inf") if verdict.since is None else verdict.since


def _pair(tag: str, seed: int, before: Curve, after: Curve | None) -> Verdict:
    def verdict(status: str, words: str, since: int | None = None) -> Verdict:
        return Verdict(
            metric=printable(tag),
            kind="quality",
            status=status,  # type: ignore[arg-type]
            words=words,
            before=before.at(None),
            after=None if after is None else after.at(None),
            tolerance=_ALLOWED,
            since=since,
        )

    if after is None:
        return verdict("unknown", f"seed {seed} has no such series any more")
    if not after.is_finite:
        return verdict("unknown", f"seed {seed} is not finite everywhere")
    step = first_difference(before, after)
    if step is not None:
        then, now = shown(before.up_to(step) or 0.0), shown(after.up_to(step) or 0.0)
        return verdict("fail", f"seed {seed}, step {step}: {then} became {now}", step)
    if before.steps[-1] not in after.steps or not set(before.steps) <= set(after.steps):
        missing = min(set(before.steps) - set(after.steps))
        return verdict("unknown", f"seed {seed} has no point at step {missing} any more")
    if before.points != after.points:
        return verdict("unknown", f"seed {seed} has {after.points} points, not {before.points}")
    if before.digest != after.digest:
        return verdict("fail", f"seed {seed} differs between the steps that the baseline keeps")
    return verdict("pass", "bit-identical")
