"""A comparison for a terminal, and for a spreadsheet."""

from __future__ import annotations

import csv
import io
import shutil
import textwrap
from collections.abc import Iterator
from typing import Any

from tracker.cli.render import show_table
from tracker.cli.terminal import is_terminal, out
from tracker.errors import printable
from tracker.reading.comparison.result import Comparison
from tracker.reading.comparison.stats import Difference, Estimate
from tracker.reading.comparison.tables import deciding_first, notes, tables
from tracker.reading.comparison.words import question, sentences


def show_comparison(comparison: Comparison) -> None:
    """Print the question, the answer, the numbers, the price, and what limits them."""
    _tell(question(comparison))
    for line in sentences(comparison):
        _tell(f"{line}.", indent="  ")
    for title, table in tables(comparison):
        out("")
        _tell(title)
        show_table(table)
    out("")
    for line in notes(comparison):
        _tell(line)


def as_csv(comparison: Comparison) -> str:
    """One row per metric, value (last, best) and group; numbers unrounded, shares from 0 to 1."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _CSV, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_csv_rows(comparison))
    return text.getvalue().rstrip("\n")


def _tell(text: str, indent: str = "") -> None:
    """Print a sentence, on a terminal in lines that fit it: no name in it can begin another."""
    text = printable(text)
    if is_terminal():
        room = max(shutil.get_terminal_size().columns, 40)
        text = textwrap.fill(text, room, initial_indent=indent, subsequent_indent=indent + "  ")
        out(text)
    else:
        out(indent + text)


_CSV = (
    *("metric", "goal", "value", "step", "group", "reference", "n", "mean", "std", "low", "high"),
    *("test", "pairs", "difference", "difference_std", "difference_low", "difference_high"),
    *("p", "p_holm", "outcome", "parameters", "flops", "images_per_second", "seconds_per_epoch"),
)


def _csv_rows(comparison: Comparison) -> Iterator[dict[str, Any]]:
    for tag, goal in comparison.metrics.items():
        for value in deciding_first(comparison):
            for each in comparison.groups:
                score, price = each.scores[tag], each.price
                decides = value == comparison.value and score.verdict is not None
                yield {
                    "metric": tag,
                    "goal": goal,
                    "value": value,
                    "step": comparison.step,
                    "group": printable(each.group.name),
                    "reference": printable(comparison.reference),
                    **_estimate_cells(getattr(score, value)),
                    **_difference_cells(score.differences.get(value)),
                    "p_holm": score.p.get(value),
                    "outcome": score.verdict.outcome if decides and score.verdict else None,
                    "parameters": price.parameters,
                    "flops": price.flops,
                    "images_per_second": price.images_per_second and price.images_per_second.mean,
                    "seconds_per_epoch": price.seconds_per_epoch and price.seconds_per_epoch.mean,
                }


def _estimate_cells(estimate: Estimate | None) -> dict[str, Any]:
    names = ("n", "mean", "std", "low", "high")
    return {name: estimate and getattr(estimate, name) for name in names}


def _difference_cells(difference: Difference | None) -> dict[str, Any]:
    if difference is None:
        return {}
    return {
        "test": difference.kind,
        "pairs": difference.n,
        "difference": difference.mean,
        "difference_std": difference.std,
        "difference_low": difference.low,
        "difference_high": difference.high,
        "p": difference.p,
    }
