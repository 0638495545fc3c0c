"""The Text page: what was asked, where it ran, and what the code had that its commit has not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

# Markdown's and HTML's own characters, as entities, which no reader of Markdown interprets.
_LITERAL = str.maketrans({letter: f"&#{ord(letter)};" for letter in "\\`*_{}[]()<>|#&!~$"})
DIFF_LIMIT = 100_000  # characters shown; code.patch in the run directory holds all of it


def table(facts: Mapping[str, Any], titles: tuple[str, str]) -> str:
    """Return nested `facts` as a Markdown table of dotted names and their values."""
    rows = [f"| {_cell(name)} | {_cell(value)} |" for name, value in flat(facts)]
    return "\n".join([f"| {titles[0]} | {titles[1]} |", "|---|---|", *rows])


def json_block(document: Mapping[str, Any]) -> str:
    """Return `document` as a fenced block of indented JSON."""
    return fence(json.dumps(document, indent=2, ensure_ascii=False), "json")


def diff_block(patch: str) -> str:
    """Return a git diff as a fenced block, cut at `DIFF_LIMIT` characters with a line saying so."""
    left_out = len(patch) - DIFF_LIMIT
    if left_out <= 0:
        return fence(patch, "diff")
    note = f"\n\n… {left_out:,} more characters in `code.patch` of the run directory"
    return fence(patch[:DIFF_LIMIT], "diff") + note


def fence(text: str, language: str) -> str:
    """Return `text` as a fenced block that nothing in it can close early."""
    ticks = "```"
    while ticks in text:
        ticks += "`"
    return f"{ticks}{language}\n{text}\n{ticks}"


def flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted names and values of a nested mapping, in its order."""
    for key, value in document.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _cell(value: Any) -> str:
    """Return `value` so that it stays within its cell and is shown, not interpreted."""
    if value is None:
        return "–"
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return " ".join(text.split()).translate(_LITERAL)
