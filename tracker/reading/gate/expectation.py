"""Whether a run came to what its own spec expects."""

from __future__ import annotations

from tracker import tags
from tracker.reading.gate.curve import in_words
from tracker.reading.gate.observed import Observed
from tracker.reading.gate.resources import Usage
from tracker.reading.gate.verdict import Kind, Status, Verdict
from tracker.spec.experiment import Expectation


def expected(run: Observed) -> list[Verdict]:
    """A verdict for each expectation that `run` alone can be judged by, in the order of tags.

    What a run has not reached, it has not met.
    """
    return [_judged(run, one) for one in run.expect if one.min is not None or one.max is not None]


def expected_ratio(run: Observed, before: Usage | None, now: Usage | None) -> Verdict | None:
    """The verdict on the share of the baseline's speed that `run` expects; None if on none."""
    least = next((one.min_ratio for one in run.expect if one.min_ratio is not None), None)
    if least is None:
        return None
    name, tolerance = f"{tags.IMAGES_PER_SECOND} (expect)", f"at least {least:g} of it"
    if before is None or now is None:
        which = "the baseline" if before is None else "this check"
        words = f"{which} has no speed with a calibration beside it"
        return Verdict(
            metric=name, kind="speed", status="unknown", words=words, tolerance=tolerance
        )
    share = now.ratio / before.ratio
    return Verdict(
        metric=name,
        kind="speed",
        status="pass" if share >= least else "fail",
        words=f"{share:.2f} of the baseline's, each against its kernel",
        before=before.ratio,
        after=now.ratio,
        tolerance=tolerance,
    )


def _judged(run: Observed, one: Expectation) -> Verdict:
    value, reached = _value(run, one)
    bounds = [
        f"{word} {bound:g}"
        for word, bound in (("at least", one.min), ("at most", one.max))
        if bound is not None
    ]
    status: Status = "pass"
    words = "as expected"
    if not reached:
        status, words = "fail", f"{run.name} ended at step {run.step}"
    elif value is None:
        status, words = "fail", f"{run.name} has no point of it to judge"
    elif not _holds(value, one):
        status, words = "fail", f"{run.name} came to {value:.6g}"
    kind: Kind = "speed" if one.tag == tags.IMAGES_PER_SECOND else "quality"
    return Verdict(
        metric=f"{in_words(one.tag, one.at_step)} (expect)",
        kind=kind,
        status=status,
        words=words,
        after=value,
        tolerance=" and ".join(bounds),
    )


def _value(run: Observed, one: Expectation) -> tuple[float | None, bool]:
    """What to judge, and whether the run came that far."""
    if one.tag == tags.IMAGES_PER_SECOND:
        return run.images_per_second, True
    curve = run.curves.get(one.tag)
    reached = one.at_step is None or run.step >= one.at_step
    return None if curve is None else curve.up_to(one.at_step), reached


def _holds(value: float, one: Expectation) -> bool:
    """NaN keeps no bound."""
    above = one.min is None or value >= one.min
    return above and (one.max is None or value <= one.max)
