"""A table as data, and how numbers are written in its cells: the same on a terminal and a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tracker.errors import printable

NOTHING = "–"


@dataclass(frozen=True)
class Table:
    """Rows of cells: `words` columns of words, then columns of numbers, then `tail` of words."""

    titles: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1
    tail: int = 0

    def is_number(self, column: int) -> bool:
        """Whether the cells of this column stand to the right."""
        return self.words <= column < len(self.titles) - self.tail


def plain(table: Table) -> list[str]:
    """The table as lines with two spaces between columns, nothing cut and nothing coloured."""
    rows = [[printable(cell) for cell in row] for row in (table.titles, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    form = "  ".join(
        f"{{:{'>' if table.is_number(column) else '<'}{width}}}"
        for column, width in enumerate(widths)
    )
    return [form.format(*row).rstrip() for row in rows]


def number(value: float | None, digits: int = 4) -> str:
    """`value` with so many decimals, in powers of ten where it would not fit; "–" for None."""
    if value is None:
        return NOTHING
    if not math.isfinite(value):
        return str(value)
    return f"{value:.{digits}f}" if 1e-3 <= abs(value) < 1e4 or value == 0 else f"{value:.2e}"


def count(value: float | None) -> str:
    """`value` to three digits with an SI letter: 25.6M; "–" for None."""
    if value is None:
        return NOTHING
    for letter in ("", "k", "M", "G", "T", "P"):
        if abs(value) < 999.5 or letter == "P":
            digits = 0 if abs(value) >= 99.95 or (not letter and float(value).is_integer()) else 1
            return f"{value:.{digits}f}{letter}"
        value /= 1000
    raise AssertionError("unreachable")


def duration(seconds: float | None) -> str:
    """A span of time in its two largest units: 45s, 3m05s, 2h10m, 4d07h; "–" for None."""
    if seconds is None:
        return NOTHING
    whole = max(0, round(seconds))
    for unit, below, size in (("d", "h", 86400), ("h", "m", 3600), ("m", "s", 60)):
        if whole >= size:
            smaller = {"h": 3600, "m": 60, "s": 1}[below]
            return f"{whole // size}{unit}{whole % size // smaller:02d}{below}"
    return f"{whole}s"
