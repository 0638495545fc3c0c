"""The answer an experiment was run for: which group is better, by how much, and is it real?

Runs are grouped by what was asked for (`groups`), their last and best values become means with
intervals, and each group is tested against the reference over the seeds both have (`stats`). What
does not belong into an average is left out and named, never averaged over. Only summary.json and
experiment.json are read.
"""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tracker import tags
from tracker.errors import NotComparable, UsageError, printable
from tracker.reading.comparison import fairness, stats
from tracker.reading.comparison.groups import Group, Grouping, LeftOut, group, readable, told
from tracker.reading.comparison.pairing import by_seed, may_pair, pairs
from tracker.reading.comparison.price import price_of
from tracker.reading.comparison.result import Compared, Comparison, Outcome, Score, Value, Verdict
from tracker.reading.comparison.stats import Difference, Estimate
from tracker.store.collector import resting
from tracker.store.index import RunRecord
from tracker.tags import Goal


@resting()  # of the garbage collector, for which thousands of records are much to walk
def compare(
    records: Sequence[RunRecord],
    *,
    by: Sequence[str] | None = None,
    metrics: Sequence[str] = (),
    value: Value = "last",
    reference: str | None = None,
    step: int | None = None,
    unfit: Callable[[RunRecord], str | None] = fairness.unfit,
    alone: bool = False,
) -> Comparison:
    """Compare the runs of `records`.

    `by` are dotted paths into the spec, or "name" for the experiment's; None groups by every
    setting that differs. `metrics` default to the one the runs were made to compare by, then
    accuracy and loss. `reference` is the group the others are held against, by default the one
    whose runs began first. `step` is said, not seen to: `as_of` gives the runs as they were there.
    `unfit` says why a run is to be left out. Raises UsageError for a path,
    metric or group that is not there, and NotComparable where nothing can be compared; with `alone`
    a single group is let be, as long as it has a run.
    """
    if value not in ("last", "best"):
        raise UsageError(f"a value is last or best, not {printable(str(value))}")
    sound, unread = readable(records, unfit)
    goals = _goals(sound, metrics)
    grouping = _grouped(sound, by, unfit)
    base = _reference(grouping.groups, reference)
    scores = {
        (each.name, tag): _score(each, base, tag, value)
        for each in grouping.groups
        for tag in goals
    }
    for tag, goal in goals.items():
        _correct(scores, base, tag, goal, value)
    metric = next(iter(goals))
    result = Comparison(
        grouping=grouping,
        metrics=goals,
        value=value,
        reference=base.name,
        groups=tuple(
            Compared(
                group=each,
                scores={tag: scores[each.name, tag] for tag in goals},
                price=price_of(each, metric, _target(each, base, scores, metric, goals[metric])),
            )
            for each in grouping.groups
        ),
        remarks=tuple(fairness.remarks(grouping, base, _axis(sound), metric, value)),
        unread=unread,
        step=step,
    )
    is_let_be = alone and len(result.groups) == 1 and result.groups[0].group.members
    if not is_let_be:
        _check(result)
    return result


def _goals(records: Sequence[RunRecord], wanted: Sequence[str]) -> dict[str, Goal]:
    """The metrics to compare, the deciding one first, and which way each is better."""
    known: dict[str, set[Goal]] = {}
    for record in records:
        for tag, metric in record.metrics.items():
            known.setdefault(tag, set()).add(metric.goal)
    if not wanted:
        asked = Counter(record.metric for record in records if record.metric in known)
        first = [tag for tag, _ in asked.most_common(1) if tag is not None]
        wanted = [*first, *(tag for tag in (tags.ACCURACY_VAL, tags.LOSS_VAL) if tag in known)]
    if not wanted:
        raise NotComparable(
            "none of these runs has a value yet: a metric is known after the first evaluation"
        )
    for tag in wanted:
        if tag not in known:
            near = difflib.get_close_matches(tag, known, n=3) or sorted(known)[:5]
            there = f"; there are {', '.join(map(printable, near))}" if near else ""
            raise UsageError(f"no run has a series {printable(tag)!r}{there}")
        if len(known[tag]) > 1:
            raise UsageError(
                f"some runs want {printable(tag)} high and some low; compare those that agree"
            )
    return {tag: next(iter(known[tag])) for tag in dict.fromkeys(wanted)}


def _grouped(
    records: Sequence[RunRecord],
    by: Sequence[str] | None,
    unfit: Callable[[RunRecord], str | None],
) -> Grouping:
    """Group `records`; where all ask for the same, it is the experiments that are compared."""
    grouping = group(records, by, unfit)
    if by is None and len(grouping.groups) == 1 and len({one.experiment for one in records}) > 1:
        grouping = group(records, ["name"], unfit)
    return replace(grouping, groups=fairness.of_one_data(grouping.groups))


def _reference(groups: Sequence[Group], name: str | None) -> Group:
    if name is None:
        return next((each for each in groups if each.members), groups[0])
    for each in groups:
        if each.name == name:
            return each
    raise UsageError(
        f"there is no group {printable(name)!r}; there are "
        + ", ".join(printable(each.name) for each in groups[:8])
    )


def _score(each: Group, base: Group, tag: str, value: Value) -> Score:
    of_value: dict[Value, dict[str, float]] = {
        "last": _values(each, tag, "last"),
        "best": _values(each, tag, "best"),
    }
    differences: dict[Value, Difference] = {}
    unfair = None if each is base else fairness.incomparable(each, base)
    if each is not base and not unfair:
        for which, values in of_value.items():
            before = _values(base, tag, which)
            if found := _difference(before, values, pair=may_pair(each, base)):
                differences[which] = found
    left_out = [
        LeftOut(run.id, f"its {tag} " + ("is not a number" if tag in run.metrics else "is missing"))
        for unit, run in each.members.items()
        if unit not in of_value["last"]
    ]
    return Score(
        last=_estimate(of_value["last"]),
        best=_estimate(of_value["best"]),
        values=of_value[value],
        left_out=tuple(left_out),
        differences=differences,
        p={},
        verdict=None if each is base else _verdict(unfair, differences.get(value)),
    )


def _estimate(values: Mapping[str, float]) -> Estimate | None:
    return stats.estimate(list(by_seed(values).values())) if values else None


def _values(each: Group, tag: str, value: Value) -> dict[str, float]:
    """The last or best value by unit, of runs that ended with a number."""
    found = {}
    for unit, run in each.members.items():
        metric = run.metrics.get(tag)
        if metric is not None and metric.last is not None and metric.best is not None:
            found[unit] = float(getattr(metric, value))
    return found


def _difference(
    before: Mapping[str, float], after: Mapping[str, float], *, pair: bool
) -> Difference | None:
    """Paired over the seeds both have, if these are most of them; else Welch's over all."""
    if not before or not after:
        return None
    if pair and (found := pairs(before, after)):
        return stats.paired(found)
    return stats.unpaired(list(by_seed(before).values()), list(by_seed(after).values()))


def _verdict(unfair: str | None, difference: Difference | None) -> Verdict:
    """The verdict before p is corrected; "better" is settled by `_correct`."""
    if unfair:
        return Verdict(outcome="incomparable", why=unfair)
    if difference is None:
        return Verdict(outcome="incomparable", why="one of them has no finished run with a value")
    if difference.p is not None:
        return Verdict(outcome="unknown", difference=difference, p=difference.p)
    if difference.n < 2:
        why = "one run can't tell a difference from chance"
        return Verdict(outcome="unknown", difference=difference, why=why)
    if difference.is_rounding:
        return Verdict(outcome="indistinguishable", difference=difference, why="identical")
    why = "the difference is the same in every seed, so chance can't be judged"
    return Verdict(outcome="unknown", difference=difference, why=why)


def _correct(
    scores: dict[tuple[str, str], Score], base: Group, tag: str, goal: Goal, decides: Value
) -> None:
    """Correct each p of a metric for all tests of it there are, and settle the outcomes.

    The last and the best values of each group are a test each, for both are there to be read.
    """
    tests = [
        (name, value, difference.p)
        for (name, of), score in scores.items()
        if of == tag
        for value, difference in score.differences.items()
        if difference.p is not None
    ]
    corrected = stats.holm([p for *_, p in tests])
    chances: dict[str, dict[Value, float]] = {}
    for (name, value, _), p in zip(tests, corrected, strict=True):
        chances.setdefault(name, {})[value] = p
    reference = _mean(scores[base.name, tag], decides)
    for name, p_of in chances.items():
        score = replace(scores[name, tag], p=p_of)
        if score.verdict and decides in p_of:
            gap = _mean(score, decides) - reference
            settled = _settled(score.verdict, p_of[decides], len(tests), goal, gap=gap)
            score = replace(score, verdict=settled)
        scores[name, tag] = score


def _mean(score: Score, value: Value) -> float:
    found: Estimate | None = getattr(score, value)
    return math.nan if found is None else found.mean


def _settled(verdict: Verdict, p: float, tests: int, goal: Goal, *, gap: float) -> Verdict:
    """The verdict with its outcome; `gap` is what the means of all runs differ by."""
    assert verdict.difference is not None
    mean = verdict.difference.mean
    outcome: Outcome = "indistinguishable"
    if p < stats.LEVEL and mean * gap < 0:
        why = "the seeds that both have say the opposite of all runs together"
        return replace(verdict, outcome="unknown", p=p, tests=tests, why=why)
    if p < stats.LEVEL:
        outcome = "better" if (mean > 0) == (goal == "max") else "worse"
    return replace(verdict, outcome=outcome, p=p, tests=tests)


def _target(
    each: Group, base: Group, scores: Mapping[tuple[str, str], Score], tag: str, goal: Goal
) -> tuple[str, float] | None:
    """Whose final mean the time to is told: the reference's; for that, the best other group's."""
    means = {
        name: score.last.mean
        for (name, of), score in scores.items()
        if of == tag and score.last and name != each.name
    }
    if each is not base:
        return (base.name, means[base.name]) if base.name in means else None
    sign = 1 if goal == "max" else -1
    return max(means.items(), key=lambda pair: sign * pair[1], default=None)


def _axis(records: Sequence[RunRecord]) -> str | None:
    """The setting that these runs were made to compare, if they agree."""
    asked = {str(record.asked.get("compare", {}).get("by")) for record in records if record.asked}
    return asked.pop() if len(asked) == 1 else None


def _check(result: Comparison) -> None:
    """Raise NotComparable where there is no group beside the reference that could be compared."""
    more = f" (left out: {told(result.left_out)})" if result.left_out else ""
    if len(result.groups) < 2:
        raise NotComparable(
            f"all of these runs are one group, {printable(result.reference)}: name runs that "
            f"differ in something{more}"
        )
    verdicts = [score.verdict for each in result.others for score in each.scores.values()]
    if all(verdict and verdict.outcome == "incomparable" for verdict in verdicts):
        whys = dict.fromkeys(verdict.why for verdict in verdicts if verdict)
        raise NotComparable(f"nothing here can be compared: {'; '.join(whys)}{more}")
