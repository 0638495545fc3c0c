"""Where two documents differ, path by path: of specs, and of anything else that is JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


class Missing(Enum):
    """The type of `MISSING`: what stands at a path that a document does not have (not null)."""

    MISSING = "nothing"

    def __repr__(self) -> str:
        return self.value


MISSING: Final = Missing.MISSING


@dataclass(frozen=True)
class Difference:
    """What stands at a dotted path in the one document and in the other; `MISSING` for nothing."""

    path: str
    before: Any
    after: Any


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Every path at which the two differ, in the order of `before`, then what only `after` has.

    Only objects are entered: lists are compared whole, and where one side has no object the other's
    is named whole. Numbers are equal by value (1 and 1.0), but true is no 1, NaN is equal to NaN,
    and null is not the same as nothing.
    """
    return _below(before, after, "")


def _below(before: Mapping[str, Any], after: Mapping[str, Any], prefix: str) -> list[Difference]:
    found = []
    for key in {**before, **after}:
        old, new = before.get(key, MISSING), after.get(key, MISSING)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += _below(old, new, f"{prefix}{key}.")
        elif not _same(old, new):
            found.append(Difference(f"{prefix}{key}", old, new))
    return found


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        return len(old) == len(new) and all(map(_same, old, new))
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return not _below(old, new, "")
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    return bool(old == new) or (old != old and new != new)  # NaN
