"""What is otherwise than when the baseline was recorded, and what that lets one ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

from tracker.errors import SpecError, printable
from tracker.reading.difference.causes import Change, section
from tracker.reading.gate.baseline import Baseline
from tracker.reading.gate.observed import Observed
from tracker.reading.gate.verdict import Mode, Verdict
from tracker.spec.convert import to_document
from tracker.spec.differences import differences
from tracker.spec.load import from_document

Changes: TypeAlias = Sequence[tuple[str, Change]]

_SHOWN = 3  # changes named in a sentence
_CHOSEN = ("precision", "channels_last")  # by the code, from what was asked and what there is
_POINTS = ("scalars_every", "eval_every")
_ASKED = tuple(f"training.{choice}" for choice in _CHOSEN)


def changes_of(baseline: Baseline, run: Observed) -> list[tuple[str, Change]]:
    """Whatever can change results and is known of both, by the section of `tracker diff`."""
    before, after = asdict(baseline.environment), asdict(run.environment)
    pairs: dict[str, tuple[Any, Any]] = {
        "spec": (_filled(baseline.experiment), run.experiment),
        "machine": (before["machine"], after["machine"]),
        "host": ({"cpu": before["cpu"]}, {"cpu": after["cpu"]}),
        "packages": (before["packages"], after["packages"]),
    }
    found = []
    for name, (old, new) in pairs.items():
        if old is not None and new is not None:
            found += [(name, change) for change in section(name, differences(old, new)).causes]
    return found


def _filled(experiment: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """What was asked then with the defaults of fields that came since; as it is where it can't."""
    if experiment is None:
        return None
    try:
        filled = to_document(from_document(experiment))
    except SpecError:
        return experiment
    return {key: value for key, value in filled.items() if key != "seed"}


def choose_mode(
    baseline: Baseline, run: Observed, changes: Changes, *, is_common: bool, wanted: Mode | None
) -> tuple[Mode, str]:
    """Exact or statistical, and why. `is_common`: whether a seed was recorded that now ran."""
    if wanted is not None:
        return wanted, "asked for"
    environments = (asdict(baseline.environment), asdict(run.environment))
    unknown = [part for part in environments[0] if any(one[part] is None for one in environments)]
    elsewhere = [change for name, change in changes if name != "spec"]
    if unknown:
        return "statistical", f"it is not known of both which {' and '.join(unknown)} they had"
    if elsewhere:
        named = ", ".join(in_words(change) for change in elsewhere[:_SHOWN])
        more = f" and {len(elsewhere) - _SHOWN} more" if len(elsewhere) > _SHOWN else ""
        return "statistical", f"run under other circumstances: {named}{more}"
    if not is_common:
        return "statistical", "none of these seeds was recorded"
    return "exact", "same machine, versions and seed"


def in_words(change: Change) -> str:
    """ "threads 4 → 2"."""
    return printable(f"{change.path} {change.before!r} → {change.after!r}")


def other_data(baseline: Baseline, runs: Sequence[Observed]) -> list[Verdict]:
    """A verdict, `unknown`, if a run learned from other data than was recorded; else none."""
    for run in runs:
        found = differences(baseline.data or {}, run.data or {})
        if found and (baseline.data is None or run.data is None):
            which = "the baseline" if baseline.data is None else run.name
            return [_not_comparable("data", f"nothing says what {which} learned from")]
        if found:
            named = ", ".join(f"{one.path} {one.before!r} → {one.after!r}" for one in found)
            return [
                _not_comparable("data", f"{run.name} learned from other data: {printable(named)}")
            ]
    return []


def other_points(baseline: Baseline, run: Observed) -> list[Verdict]:
    """A verdict, `unknown`, if `run` was asked to write its points at other steps; else none.

    A point of the training loss is a mean over the steps since the last one.
    """
    before, after = _filled(baseline.experiment) or {}, run.experiment or {}
    old, new = (
        {key: one.get("logging", {}).get(key) for key in _POINTS} for one in (before, after)
    )
    changed = differences(old, new) if before and after else []
    named = ", ".join(f"logging.{one.path} {one.before!r} → {one.after!r}" for one in changed)
    words = f"{run.name} has its points at other steps: {printable(named)}"
    return [_not_comparable("points", words)] if named else []


def choices(baseline: Baseline, changes: Changes) -> list[Verdict]:
    """A failure for each choice that came out otherwise on hardware and spec that are the same.

    Such a change of circumstances is of the code's own making.
    """
    before = baseline.environment.machine or {}
    made = [change for name, change in changes if name == "machine" and change.path in _CHOSEN]
    elsewhere = any(
        name in ("host", "packages") or change.path in ("device", "isa", "gpu", *_ASKED)
        for name, change in changes
    )
    if elsewhere or not before:
        return []
    return [
        Verdict(
            metric=f"machine/{change.path}",
            kind="quality",
            status="fail",
            words=f"chosen otherwise on the same machine: {in_words(change)}",
            tolerance="none",
        )
        for change in made
    ]


def _not_comparable(metric: str, words: str) -> Verdict:
    return Verdict(metric=metric, kind="network", status="unknown", words=words)


def network(baseline: Baseline, run: Observed, changes: Changes) -> list[Verdict]:
    """Verdicts on what was trained: its size, and how it is built.

    Another version of torch may draw the same network otherwise: then that is a note.
    """
    before, after = baseline.network, run.network
    if before is None or after is None:
        return []
    size = Verdict(
        metric="network/parameters",
        kind="network",
        status="pass" if before.parameters == after.parameters else "fail",
        words="the same" if before.parameters == after.parameters else "another network",
        before=before.parameters,
        after=after.parameters,
        tolerance="none",
    )
    if before.graph is None or after.graph is None:
        return [size]
    drawn_otherwise = any(name == "packages" for name, _ in changes)
    is_same = before.graph == after.graph
    graph = Verdict(
        metric="network/graph",
        kind="network",
        status="pass" if is_same else "note" if drawn_otherwise else "fail",
        words="the same" if is_same else "other operations, settings or shapes",
        tolerance="none",
    )
    return [size, graph]
