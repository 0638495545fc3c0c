"""What was asked of each group, and what of all of them alike."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracker.reading.comparison.groups import differing, settings
from tracker.reading.comparison.result import Comparison
from tracker.spec.differences import MISSING


@dataclass(frozen=True)
class Asked:
    """The spec in two parts: `paths` that differ, with a row of values per group, and the rest.

    `groups` are (name, values in the order of `paths`); a value that varies within its group is
    "varies". `common` goes by path.
    """

    paths: tuple[str, ...]
    groups: tuple[tuple[str, tuple[str, ...]], ...]
    common: Mapping[str, str]


def asked(comparison: Comparison) -> Asked:
    """Sort the settings of all members by whether they are the same in all of them."""
    groups = [each.group for each in comparison.groups]
    of_groups = [
        # Of a group whose every run was left out, no more is known than what it is called by.
        (group.name, [settings(run) for run in group.members.values()] or [dict(group.settings)])
        for group in groups
    ]
    every = [settings(run) for group in groups for run in group.members.values()]
    paths = differing(every)
    return Asked(
        paths=tuple(paths),
        groups=tuple(
            (name, tuple(_value(known, path) for path in paths)) for name, known in of_groups
        ),
        common={
            path: in_words(value)
            for path, value in (every[0] if every else {}).items()
            if path not in paths
        },
    )


def in_words(value: Any) -> str:
    """A value of a spec as one would write it in JSON, words without their quotes."""
    if value is MISSING:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _value(known: Sequence[Mapping[str, Any]], path: str) -> str:
    values = dict.fromkeys(in_words(one.get(path, MISSING)) for one in known)
    return next(iter(values), "–") if len(values) < 2 else "varies"
