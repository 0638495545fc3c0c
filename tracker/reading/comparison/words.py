"""A comparison in words: the question, and a sentence for each verdict."""

from __future__ import annotations

import math

from tracker import tags
from tracker.reading.comparison.groups import IMPORTED_AS
from tracker.reading.comparison.result import Compared, Comparison, Value, Verdict
from tracker.reading.comparison.stats import LEVEL, Difference

_SHARES = (tags.ACCURACY_TRAIN, tags.ACCURACY_VAL)  # from 0 to 1, told in percent


def scale(tag: str) -> float:
    """What values of `tag` are multiplied with to be shown: 100 where they are shares."""
    return 100.0 if tag in _SHARES else 1.0


def unit(tag: str) -> str:
    """What a difference in `tag` counts, as shown: "points" are of a hundred."""
    return "points" if tag in _SHARES else ""


def amount(
    value: float | None, tag: str, *, signed: bool = False, within: float | None = None
) -> str:
    """A value or a difference of `tag` as it is shown: shares in percent.

    It has as many decimals as two digits of `within` ask for, how far it may be off, and two
    decimals (a share) or three digits after a leading zero at least.
    """
    if value is None:
        return "–"
    shown = value * scale(tag)
    if not math.isfinite(shown):
        return str(shown)
    decimals = _decimals(shown, None if within is None else within * scale(tag), tag)
    if decimals is None:
        return f"{shown:{'+' if signed else ''}.2e}"
    rounded = round(shown, decimals) + 0.0  # no minus before a zero
    return f"{rounded:{'+' if signed else ''}.{decimals}f}"


def _decimals(shown: float, within: float | None, tag: str) -> int | None:
    """How many, or None where powers of ten are needed."""
    asked = 1 - math.floor(math.log10(float(f"{within:.1e}"))) if within else 0
    if tag in _SHARES:
        return min(max(2, asked), 6)
    size = abs(shown)
    if size >= 1e9 or asked > 8 or (0 < size < 1e-2 and not within):
        return None
    usual = 3 if size < 100 else 1 if size < 1e4 else 0
    return max(usual, asked)


def spread(mean: float | None, std: float | None, tag: str, *, signed: bool = False) -> str:
    """ "73.50 ± 1.20": a mean and the standard deviation it has, if it has one."""
    if std is None or mean is None:
        return amount(mean, tag, signed=signed)
    told = amount(mean, tag, signed=signed, within=std)
    decimals = _decimals(mean * scale(tag), std * scale(tag), tag)
    off = f"{std * scale(tag):.2e}" if decimals is None else f"{std * scale(tag):.{decimals}f}"
    return f"{told} ± {off}"


def interval(low: float | None, high: float | None, tag: str, between: str = " to ") -> str:
    """ "72.30 to 74.70": the 95 % interval; a dash where there is none."""
    if low is None or high is None:
        return "–"
    within = (high - low) / 2
    return f"{amount(low, tag, within=within)}{between}{amount(high, tag, within=within)}"


def chance(p: float | None) -> str:
    """A p-value in two digits, three near the level, "<0.0001" below; a dash for none."""
    if p is None:
        return "–"
    if p < 1e-4:
        return "<0.0001"
    return "1" if p >= 0.995 else f"{p:.{3 if abs(p - LEVEL) < 0.005 else 2}g}"


def question(comparison: Comparison) -> str:
    """What was asked, as a question; of a single group, how it does."""
    called = {"name": "experiment", IMPORTED_AS: "variant"}
    asked = ", ".join(called.get(path, path) for path in comparison.grouping.by) or "group"
    high = "higher" if comparison.metrics[comparison.metric] == "max" else "lower"
    which = value_of(comparison, comparison.value, comparison.metric)
    if len(comparison.groups) == 1:
        return f"How does {comparison.reference} do by {which} ({high} is better)?"
    return f"Which {asked} is best by {which} ({high} is better)?"


def value_of(comparison: Comparison, value: Value, tag: str) -> str:
    """Which value is meant: "the last accuracy/val", "the best loss/val up to step 50"."""
    if comparison.step is None:
        return f"the {value} {tag}"
    when = "at" if value == "last" else "up to"
    return f"the {value} {tag} {when} step {comparison.step:,}"


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
        ours = all("model" in run.asked for run in each.group.members.values())
        how = " (`tracker run SPEC --seeds 0,1,2,3,4 --skip-finished`)" if ours else ""
        return f"{name} is {_gap(difference, tag)} {base}, but {verdict.why}: run more seeds{how}"
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
        same = "identical" if difference.mean == 0 else "identical but for rounding"
        return f"at n = {difference.n}: they are {same}"
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
    """ "p = 0.02"; of several tests also what it is corrected for them."""
    assert verdict.difference is not None
    if verdict.tests < 2:
        return _equals(verdict.p)
    return (
        f"{_equals(verdict.difference.p)}, {chance(verdict.p)} by Holm over {verdict.tests} tests"
    )


def _equals(p: float | None) -> str:
    told = chance(p)
    return f"p {told}" if told.startswith("<") else f"p = {told}"
