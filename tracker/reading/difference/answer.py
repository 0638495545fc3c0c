"""Why two runs differ, in one sentence: the likely causes first, then what is the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tracker.reading.difference.causes import Change, Section
from tracker.reading.difference.code import CodeDiff
from tracker.reading.difference.curves import MetricDiff
from tracker.spec.differences import MISSING

NOTHING = "–"
_ASKED = ("spec", "seed", "code", "data")  # who changes one of these expects another result
_NAMED = ("spec", "seed", "code", "packages", "data", "machine")
_ITEMS = 3  # differences of a section named in the sentence
_SHORT = 24  # characters of a value in it


def brief(value: Any, limit: int) -> str:
    """Return `value` as at most `limit` characters of text: a string bare, all else as JSON."""
    if value is MISSING:
        return NOTHING
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def answer(sections: Mapping[str, Section], code: CodeDiff, metrics: Sequence[MetricDiff]) -> str:
    """Say what differs that can change results, what doesn't, and how the curves compare."""
    causes = [section for section in sections.values() if section.causes]
    curves, part = _curves([metric for metric in metrics if not metric.is_timing])
    asked_alike = all(sections[name].is_same for name in _ASKED)
    unknown = [name for name in _NAMED if sections[name].unknown is not None]
    shared = any(metric.before and metric.after for metric in metrics)
    if not causes and metrics and not shared:
        said = "they share no series, so nothing says whether their results are the same"
    elif not causes:
        looked_at = any(section.changes for section in sections.values())
        what = (
            "that is known" if unknown else "that can change results" if looked_at else "looked at"
        )
        said = f"the same in everything {what}" + (f", yet {curves}" if part else f"; {curves}")
    elif part and asked_alike:
        why = ", ".join(_inside(section, code) for section in causes)
        said = f"the same {_list(_same(sections))}, yet {curves}: {why}"
    else:
        differ = ", ".join(_part(section, code) for section in causes)
        same = ", ".join(f"same {name}" for name in _same(sections))
        said = "; ".join(filter(None, (f"differ in {differ}", same, curves)))
    return said + (f"; not known in full: {', '.join(unknown)}" if unknown else "")


def _same(sections: Mapping[str, Section]) -> list[str]:
    return [name for name in _NAMED if sections[name].is_same]


def _list(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _part(section: Section, code: CodeDiff) -> str:
    inside = _inside(section, code)
    return inside if section.name == "seed" else f"{section.name} ({inside})"


def _inside(section: Section, code: CodeDiff) -> str:
    say: Callable[[Change], str] = _change
    if section.name == "code":
        return _code(code)
    if section.name == "spec" and len(section.causes) > 1:
        say = _name  # several settings with their values would be a page, not a sentence
    said = [say(change) for change in section.causes[:_ITEMS]]
    more = len(section.causes) - _ITEMS
    return ", ".join(said) + (f" and {more} more" if more > 0 else "")


def _name(change: Change) -> str:
    return change.path


def _change(change: Change) -> str:
    if change.before is MISSING or change.after is MISSING:
        which, value = ("B", change.after) if change.before is MISSING else ("A", change.before)
        return f"{change.path} {brief(value, _SHORT)} only in {which}"
    return f"{change.path} {brief(change.before, _SHORT)} → {brief(change.after, _SHORT)}"


def _code(code: CodeDiff) -> str:
    if code.changed is None:
        return "another commit"
    files = len(code.changed)
    return "1 file" if files == 1 else f"{files} files"


def _curves(metrics: Sequence[MetricDiff]) -> tuple[str, bool]:
    """Say how the curves compare, and whether they are not the same."""
    partings = [metric.parting.step for metric in metrics if metric.parting]
    common = max((metric.common for metric in metrics), default=0)
    if partings:
        return f"the curves part at step {min(partings)}", True
    differs = any(metric.differs for metric in metrics)
    if not common:
        return ("no common steps" if differs else "no curves to compare"), differs
    steps = "1 step" if common == 1 else f"{common} steps"
    if differs:
        return f"the curves are bit-identical only over the {steps} they share", True
    return f"curves bit-identical over {steps}", False
