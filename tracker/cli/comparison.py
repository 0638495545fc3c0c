"""A comparison in tables: for a terminal, a pull request, a spreadsheet."""

from __future__ import annotations

import csv
import io
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from tracker.cli.render import NOTHING, Table, count, duration, plain, show_table
from tracker.cli.terminal import is_terminal, out
from tracker.errors import printable
from tracker.reading.comparison.price import Reach
from tracker.reading.comparison.result import Compared, Comparison, Value
from tracker.reading.comparison.stats import Difference, Estimate
from tracker.reading.comparison.words import (
    amount,
    chance,
    interval,
    question,
    scale,
    sentences,
    spread,
)

_VALUES: tuple[Value, ...] = ("last", "best")


def show_comparison(comparison: Comparison) -> None:
    """Print the question, the answer, the numbers, the price, and what limits them."""
    _tell(question(comparison))
    for line in sentences(comparison):
        _tell(f"{line}.", indent="  ")
    for title, table in tables(comparison):
        out(f"\n{title}")
        show_table(table)
    out("")
    for line in notes(comparison):
        _tell(line)


def plain_text(comparison: Comparison) -> str:
    """The same as text that is not cut to any width."""
    lines = [question(comparison), *(f"  {line}." for line in sentences(comparison))]
    for title, table in tables(comparison):
        lines += ["", title, *plain(table)]
    return "\n".join([*lines, "", *notes(comparison)]).rstrip()


def markdown(comparison: Comparison) -> str:
    """The same as Markdown, for a pull request."""
    lines = [f"**{escaped(question(comparison))}**", ""]
    lines += [f"- {escaped(line)}." for line in sentences(comparison)]
    for title, table in tables(comparison):
        lines += ["", f"{escaped(title)}:", "", *markdown_table(table)]
    return "\n".join([*lines, "", *(f"- {escaped(one)}" for one in notes(comparison))]).rstrip()


def tables(comparison: Comparison) -> Iterator[tuple[str, Table]]:
    """Each table with its title: of the metric asked about the deciding value and the other one,
    of further metrics the deciding one, then the price.
    """
    deciding, other = _deciding_first(comparison)
    for tag in comparison.metrics:
        percent = ", %" if scale(tag) != 1 else ""
        for value in (deciding, other) if tag == comparison.metric else (deciding,):
            yield f"{value} {tag}{percent}", scores_table(comparison, tag, value)
    yield "price", price_table(comparison)


def notes(comparison: Comparison) -> list[str]:
    """How soon each group gets to where another ends; then what the averages leave out or mix."""
    return [
        *reaches(comparison),
        *(f"note: {remark}" for remark in comparison.remarks),
        *(f"left out: {one.run} ({one.reason})" for one in comparison.left_out),
    ]


def as_csv(comparison: Comparison) -> str:
    """One row per metric, value (last, best) and group; numbers unrounded, shares from 0 to 1."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _CSV, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_csv_rows(comparison))
    return text.getvalue().rstrip("\n")


def scores_table(comparison: Comparison, tag: str, value: Value) -> Table:
    """A row per group: n, mean ± std, its 95 % interval, the difference to the reference."""
    titles = ["group", "n", "mean ± std", "95 %", "difference (95 %)", "p"]
    rows = [_row(each, tag, value) for each in comparison.groups]
    return Table(titles, rows)


def price_table(comparison: Comparison) -> Table:
    """A row per group: size, speed and time."""
    titles = ["group", "params", "FLOPs", "images/s", "per epoch", "training", "memory"]
    rows = []
    for each in comparison.groups:
        price = each.price
        memory = price.peak_memory_bytes
        rows.append(
            (
                each.group.name,
                count(price.parameters),
                count(price.flops),
                _about(price.images_per_second, count),
                _about(price.seconds_per_epoch, _span),
                _about(price.seconds, _span),
                NOTHING if memory is None else f"{count(memory)}B",
            )
        )
    return Table(titles, rows)


def reaches(comparison: Comparison) -> Iterator[str]:
    """A sentence per group: how soon it gets to where another ends."""
    for each in comparison.groups:
        reach = each.price.reach
        if reach:
            goal = f"the final {amount(reach.target, comparison.metric)} of {reach.other}"
            yield f"{each.group.name} {_reached(reach, goal)}"


def _tell(text: str, indent: str = "") -> None:
    """Print a sentence, on a terminal in lines that fit it."""
    if is_terminal():
        room = max(shutil.get_terminal_size().columns, 40)
        text = textwrap.fill(text, room, initial_indent=indent, subsequent_indent=indent + "  ")
        out(text)
    else:
        out(indent + text)


def _deciding_first(comparison: Comparison) -> tuple[Value, ...]:
    return _VALUES if comparison.value == "last" else _VALUES[::-1]


def _row(each: Compared, tag: str, value: Value) -> Sequence[str]:
    score = each.scores[tag]
    estimate: Estimate | None = getattr(score, value)
    if estimate is None:
        return (each.group.name, "0", *[NOTHING] * 4)
    difference = score.differences.get(value)
    return (
        each.group.name,
        str(estimate.n),
        spread(estimate.mean, estimate.std, tag),
        interval(estimate.low, estimate.high, tag, "…"),
        "reference" if score.verdict is None else _gap(difference, tag),
        chance(score.p.get(value)),
    )


def _gap(difference: Difference | None, tag: str) -> str:
    if difference is None:
        return NOTHING
    mean = amount(difference.mean, tag, signed=True)
    if difference.low is None:
        return mean
    return f"{mean} ({interval(difference.low, difference.high, tag, '…')})"


def _span(seconds: float) -> str:
    return f"{seconds:.1f}s" if seconds < 9.95 else duration(seconds)


def _about(estimate: Estimate | None, form: Any) -> str:
    return NOTHING if estimate is None else str(form(estimate.mean))


def _reached(reach: Reach, goal: str) -> str:
    if reach.steps is None or reach.seconds is None:
        return f"never reaches {goal}"
    if reach.reached < reach.n:
        some = f" in {reach.reached} of {reach.n} runs"
    else:
        some = " in its one run" if reach.n == 1 else f" in all {reach.n} runs"
    steps = f"{reach.steps.mean:,.0f} steps"
    return f"reaches {goal} after {steps}, {duration(reach.seconds.mean)} of training,{some}"


def markdown_table(table: Table) -> Iterator[str]:
    """The lines of `table` as GitHub's Markdown draws it, its cells escaped."""
    yield "| " + " | ".join(map(escaped, table.titles)) + " |"
    yield (
        "|"
        + "|".join(
            "---:" if table.is_number(column) else "---" for column in range(len(table.titles))
        )
        + "|"
    )
    for row in table.rows:
        yield "| " + " | ".join(map(escaped, row)) + " |"


def escaped(text: str) -> str:
    """`text` so that Markdown and HTML leave it as it is."""
    text = printable(text).replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"\\{one}" if one in "\\`*[]|~" else one for one in text)


_CSV = (
    *("metric", "goal", "value", "group", "reference", "n", "mean", "std", "low", "high"),
    *("test", "pairs", "difference", "difference_std", "difference_low", "difference_high"),
    *("p", "p_holm", "outcome", "parameters", "flops", "images_per_second", "seconds_per_epoch"),
)


def _csv_rows(comparison: Comparison) -> Iterator[dict[str, Any]]:
    for tag, goal in comparison.metrics.items():
        for value in _deciding_first(comparison):
            for each in comparison.groups:
                score, price = each.scores[tag], each.price
                decides = value == comparison.value and score.verdict is not None
                yield {
                    "metric": tag,
                    "goal": goal,
                    "value": value,
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
