"""Results as data come in; a table for a person, lines for a pipe, or JSON for a program go out.

On a terminal a table is drawn by rich, coloured and cut to the width; anywhere else it is plain
columns, whole, for grep and awk. rich is imported only where it draws: it costs more time than
everything else a listing needs.
"""

from __future__ import annotations

import json
import math
import shutil
import textwrap
from collections.abc import Mapping
from typing import Any

from tracker.cli.terminal import colours, is_terminal, out
from tracker.errors import printable
from tracker.reading.table import Table, plain

SCHEMA_VERSION = 1
NARROWEST = 20  # columns: text is not wrapped into less
STYLES = {
    "running": "cyan",
    "finished": "green",
    "stopped": "yellow",
    "failed": "red",
    "crashed": "red",
    "damaged": "red",
    "ok": "green",
    "warning": "yellow",
    "problem": "red",
}


def show_json(**content: Any) -> None:
    """Print one JSON object: `schema_version`, then `content`. NaN and ±inf become null."""
    out(json.dumps(_document(content), indent=2, default=str))


def show_json_line(**content: Any) -> None:
    """`show_json` on one line, for a reader of what goes on talking."""
    out(json.dumps(_document(content), default=str))


def show_table(table: Table) -> None:
    """Print a table, in the way that fits what stdout is."""
    if is_terminal():
        _draw(table)
    else:
        out("\n".join(plain(table)))


def show_facts(facts: Mapping[str, str]) -> None:
    """Print names and what they are; further lines of a fact stand under its first."""
    indent = max(map(len, facts), default=0) + 2
    room = shutil.get_terminal_size().columns - indent if is_terminal() else 0
    for name, fact in facts.items():
        lines = printable(fact, keep="\n").split("\n")
        if room >= NARROWEST:
            lines = [part for line in lines for part in textwrap.wrap(line, room) or [""]]
        out(f"{name:{indent}}" + f"\n{'':{indent}}".join(lines))


def _draw(table: Table) -> None:
    """The table as rich draws it: cells that do not fit are folded, none is lost."""
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    room = shutil.get_terminal_size().columns + len(table.titles) - 1  # plain has a space more
    is_wide = max(map(len, plain(table))) > room
    drawn = RichTable(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for column, title in enumerate(table.titles):
        number_here = table.is_number(column)
        name = printable(title)
        drawn.add_column(
            Text(name.replace("/", "/\n") if is_wide else name),  # a tag is wider than its values
            justify="right" if number_here else "left",
            overflow="fold",
            no_wrap=number_here,
        )
    for row in table.rows:
        drawn.add_row(*(Text(printable(cell), style=STYLES.get(cell, "")) for cell in row))
    Console(highlight=False, color_system=colours()).print(drawn)


def _document(content: Mapping[str, Any]) -> Any:
    return _finite({"schema_version": SCHEMA_VERSION, **content})


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
