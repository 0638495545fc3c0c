"""A comparison in words: the question, and a sentence for each verdict."""

from __future__ import annotations

import math

from tracker import tags
from tracker.reading.comparison.result import Compared, Comparison, Verdict
from tracker.reading.comparison.stats import Difference

_SHARES = (tags.ACCURACY_TRAIN, tags.ACCURACY_VAL)  # from 0 to 1, told in percent


def scale(tag: str) -> float:
    """What values of `tag` are multiplied with to be shown: 100 where they are shares."""
    return 100.0 if tag in _SHARES else 1.0


def unit(tag: str) -> str:
    """What a difference in `tag` counts, as shown: "points" are of a hundred."""
    return "points" if tag in _SHARES else ""


def amount(
    value: float | None, tag: str, *, signed: bool = False, beside: float | None = None
) -> str:
    """A value or a difference of `tag` as it is shown: shares in percent, with two decimals.

    Others have three decimals, or powers of ten where that would not fit them, or the larger value
    they are to stand `beside`.
    """
    if value is None:
        return "–"
    shown, sign = value * scale(tag), "+" if signed else ""
    if not math.isfinite(shown):
        return str(shown)
    if tag in _SHARES:
        return f"{shown:{sign}.2f}"
    size = max(abs(value), abs(beside or 0.0))
    return f"{shown:{sign}.3f}" if size == 0 or 1e-2 <= size < 1e4 else f"{shown:{sign}.2e}"


def spread(mean: float | None, std: float | None, tag: str, *, signed: bool = False) -> str:
    """ "73.50 ± 1.20": a mean and the standard deviation it has, if it has one."""
    told = amount(mean, tag, signed=signed)
    return told if std is None else f"{told} ± {amount(std, tag, beside=mean)}"


def interval(low: float | None, high: float | None, tag: str, between: str = " to ") -> str:
    """ "72.30 to 74.70": the 95 % interval; a dash where there is none."""
    if low is None or high is None:
        return "–"
    return f"{amount(low, tag, beside=high)}{between}{amount(high, tag, beside=low)}"


def chance(p: float | None) -> str:
    """A p-value in two digits, "<0.0001" below; a dash where there is none."""
    if p is None:
        return "–"
    return "<0.0001" if p < 1e-4 else f"{p:.2g}" if p < 0.995 else "1"


def question(comparison: Comparison) -> str:
    """What was asked, as a question; of a single group, how it does."""
    by = ["experiment" if path == "name" else path for path in comparison.grouping.by]
    asked = ", ".join(by) or "group"
    high = "higher" if comparison.metrics[comparison.metric] == "max" else "lower"
    which = f"the {comparison.value} {comparison.metric}"
    if len(comparison.groups) == 1:
        return f"How does {comparison.reference} do by {which} ({high} is better)?"
    return f"Which {asked} is best by {which} ({high} is better)?"


def sentences(comparison: Comparison, tag: str | None = None) -> list[str]:
    """The verdict on each group but the reference, about `tag` or the metric asked about.

    Of a single group, that nothing is compared.
    """
    tag = tag or comparison.metric
    if len(comparison.groups) == 1:
        return [_alone(comparison, tag)]
    return [sentence(comparison, each, tag) for each in comparison.others]


def sentence(comparison: Comparison, each: Compared, tag: str) -> str:
    """The verdict on one group, with all that is needed to doubt it."""
    verdict, name, base = each.scores[tag].verdict, each.group.name, comparison.reference
    if verdict is None:
        raise ValueError(f"{name} is the reference itself")
    if verdict.outcome == "incomparable" or verdict.difference is None:
        return f"{name} and {base} cannot be compared: {verdict.why}"
    if verdict.outcome in ("better", "worse"):
        return f"{name} is {verdict.outcome} than {base} by {_proof(verdict, tag)}"
    difference = verdict.difference
    if verdict.outcome == "indistinguishable":
        return f"{name} and {base} are indistinguishable " + _doubt(verdict, tag)
    if difference.n < 2:
        return (
            f"{name} is {_gap(difference, tag)} {base}, but {verdict.why}: run more seeds "
            "(`tracker run SPEC --seeds 0,1,2,3,4 --skip-finished`)"
        )
    return f"{name} is {_gap(difference, tag)} {base}, but {verdict.why}"


def _alone(comparison: Comparison, tag: str) -> str:
    [only] = comparison.groups
    estimate = getattr(only.scores[tag], comparison.value)
    if estimate is None:
        return f"{only.group.name} has no {tag} yet, and nothing to be compared with"
    runs = "in one run" if estimate.n == 1 else f"over {estimate.n} runs"
    told = f"{spread(estimate.mean, estimate.std, tag)}{' %' if scale(tag) == 100 else ''}"
    return (
        f"{only.group.name} has a {comparison.value} {tag} of {told} {runs}; nothing is "
        "compared, for it is the only group"
    )


def _proof(verdict: Verdict, tag: str) -> str:
    difference = verdict.difference
    assert difference is not None
    return (
        f"{spread(abs(difference.mean), difference.std, tag)} {_of(tag)} ({_seeds(difference)}, "
        f"95 % interval {_towards(difference, tag)}, {_p(verdict)})"
    )


def _doubt(verdict: Verdict, tag: str) -> str:
    difference = verdict.difference
    assert difference is not None
    least = difference.least(verdict.tests)
    if least is None:
        return f"at n = {difference.n}: they are identical in every seed"
    if least * scale(tag) > 100 and scale(tag) != 1:  # more than all there is
        hidden = "no difference at all would show, whatever its size: more seeds would"
    else:
        hidden = f"a difference under {amount(least, tag)} {_of(tag)} would not show"
    return (
        f"at n = {difference.n}: {hidden} "
        f"(seen: {spread(difference.mean, difference.std, tag, signed=True)}, "
        f"{_seeds(difference)}, {_p(verdict)})"
    )


def _towards(difference: Difference, tag: str) -> str:
    """The interval of a difference that has been given without its sign."""
    low, high = difference.low, difference.high
    if difference.mean < 0 and low is not None and high is not None:
        low, high = -high, -low
    return interval(low, high, tag)


def _gap(difference: Difference, tag: str) -> str:
    if difference.mean == 0:
        return "level with"
    side = "above" if difference.mean > 0 else "below"
    return f"{amount(abs(difference.mean), tag)} {_of(tag)} {side}"


def _of(tag: str) -> str:
    return f"{unit(tag)} of {tag}".strip() if unit(tag) else f"of {tag}"


def _seeds(difference: Difference) -> str:
    if difference.kind == "paired":
        return f"paired over {difference.n} seeds"
    return f"not paired, {difference.n} runs or more each"


def _p(verdict: Verdict) -> str:
    told = chance(verdict.p)
    p = f"p {told}" if told.startswith("<") else f"p = {told}"
    return p if verdict.tests < 2 else f"{p} by Holm over {verdict.tests} tests"
