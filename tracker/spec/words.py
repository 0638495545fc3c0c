"""How a problem is worded: values quoted safely, paths spelled out, the nearest valid name found.

What a file holds may be hostile: control characters, terminal escapes and text that reads from
right to left are written as escapes, and nothing longer than a line is repeated.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Collection, Sequence
from typing import Any, TypeAlias

from tracker.errors import printable

Path: TypeAlias = tuple[str | int, ...]  # keys and indices from the top of the document

_LONGEST = 60  # characters of a value or name that a message repeats
_NAMED = 12  # choices that a message lists
_DEEPEST = 6  # parts of a path that a message repeats; the schema knows no deeper one
_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")


def shorten(text: str, longest: int = _LONGEST) -> str:
    """The first `longest` characters of `text`, made printable."""
    return printable(text) if len(text) <= longest else printable(text[:longest]) + "…"


def show(value: object) -> str:
    """A value as it would stand in the file, shortened; only the kind of a list or object."""
    if isinstance(value, str):
        return f"'{shorten(value)}'"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return shorten(repr(value)) if isinstance(value, (int, float)) else kind(value)


def kind(value: object) -> str:
    """What JSON calls a value of this type, with its article."""
    if isinstance(value, bool):
        return "a boolean"
    names = {dict: "an object", list: "an array", str: "a string", int: "an integer"}
    return "null" if value is None else names.get(type(value), "a number")


def dotted(path: Path) -> str:
    """`path` as `--set` takes it, `optimizer.lr`; indices and odd keys in brackets."""
    text = ""
    for part in path[:_DEEPEST]:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN.fullmatch(part) and len(part) <= _LONGEST:
            text += f".{part}" if text else part
        else:
            text += f"['{shorten(part)}']"
    return text if len(path) <= _DEEPEST else f"{text}…"


def nearest(name: object, choices: Collection[str]) -> str | None:
    """The choice most like `name`, or None where none is much like it."""
    if not isinstance(name, str) or len(name) > _LONGEST:
        return None
    return _closest(name.lower(), tuple(choices))


@functools.lru_cache(maxsize=1024)  # the runs of a matrix make the same mistakes
def _closest(name: str, choices: tuple[str, ...]) -> str | None:
    found = difflib.get_close_matches(name, choices, n=1, cutoff=0.6)
    return found[0] if found else None


def listed(choices: Sequence[Any], last: str = "and") -> str:
    """`a, b and c`; of a long list the first few and how many are left."""
    words = [c if isinstance(c, str) else show(c) for c in choices]
    if len(words) > _NAMED:
        return f"{', '.join(words[:_NAMED])} {last} {len(words) - _NAMED} more"
    return (
        f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else "nothing"
    )
