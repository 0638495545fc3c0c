"""A check as it is shown: a table with the curves in it, or Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tracker.cli.render import show_table
from tracker.cli.terminal import out, say
from tracker.errors import printable
from tracker.reading.gate.circumstances import in_words
from tracker.reading.gate.curve import Curve
from tracker.reading.gate.verdict import Check, Verdict
from tracker.reading.table import NOTHING, Table, plain

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 12  # bars of a curve
_TITLES = (
    "metric",
    "verdict",
    "baseline",
    "now",
    "change",
    "tolerance",
    "since",
    "curve then",
    "now",
)
_MARKS = {"pass": "✅", "note": "💬", "warning": "⚠️", "fail": "❌", "unknown": "❔"}


def show_check(check: Check) -> None:
    """Print the table; say what it comes to, and why, line by line."""
    show_table(verdict_table(check))
    for line in reasons(check):
        out(line)
    say(f"\n{check.answer}")


def verdict_table(check: Check) -> Table:
    """A row per verdict: what moved, by how much, against what, since when, and how it went."""
    return Table(_TITLES, [_row(one, check) for one in check.verdicts], words=2, tail=4)


def reasons(check: Check) -> list[str]:
    """How it was judged, what is otherwise, and a line for each verdict that did not pass."""
    lines = [f"judged {check.mode}: {check.why_mode}"]
    lines += [f"differs in {name}: {in_words(change)}" for name, change in check.changes]
    lines += [
        f"{one.status}: {one.metric}: {one.words}"
        for one in check.verdicts
        if one.status != "pass" or "--update" in one.words
    ]
    failed = [one for one in check.verdicts if one.status == "fail" and one.since is not None]
    if failed:
        first = min(one.since or 0 for one in failed)
        which = ", ".join(one.metric for one in failed if one.since == first)
        lines.append(f"first to differ, at step {first}: {which}")
    if check.exit_code and check.aside:
        lines.append(check.aside)
    return [printable(line) for line in lines]


def markdown(check: Check) -> str:
    """The same for a comment on a pull request."""
    table = verdict_table(check)
    head = "| " + " | ".join(table.titles) + " |"
    rule = "|" + "|".join("---:" if table.is_number(at) else "---" for at in range(len(_TITLES)))
    rows = [
        "| "
        + " | ".join(_escaped(cell) for cell in [row[0], f"{_MARKS[row[1]]} {row[1]}", *row[2:]])
        for row in table.rows
    ]
    told = [f"- {_escaped(line)}" for line in reasons(check)]
    mark = _MARKS["pass"] if check.exit_code == 0 else _MARKS["fail"]
    lines = [f"### {mark} {_escaped(check.answer)}", "", head, f"{rule}|"]
    return "\n".join([*lines, *(f"{row} |" for row in rows), "", *told]) + "\n"


def text(check: Check) -> str:
    """The whole as plain lines, for the message of a failed test."""
    return "\n".join([check.answer, *plain(verdict_table(check)), *reasons(check)])


def sparklines(before: Curve, after: Curve) -> tuple[str, str]:
    """Two curves as bars, on one scale: of values, and of steps."""
    finite = [value for value in (*before.values, *after.values) if np.isfinite(value)]
    if not finite:
        return "", ""
    low, high = min(finite), max(finite)
    first = min(before.steps[0], after.steps[0])
    last = max(before.steps[-1], after.steps[-1])
    at = np.linspace(first, last, _WIDTH)
    return _bars(before, at, low, high), _bars(after, at, low, high)


def _bars(
    curve: Curve,
    at: Sequence[float] | np.ndarray[tuple[int], np.dtype[np.float64]],
    low: float,
    high: float,
) -> str:
    text = ""
    for step in at:
        value = curve.up_to(int(step))
        if value is None or not np.isfinite(value) or step > curve.steps[-1] + 0.5:
            text += " "
        else:
            share = 0.0 if high == low else (value - low) / (high - low)
            text += _BARS[min(int(share * len(_BARS)), len(_BARS) - 1)]
    return text.rstrip()


def _row(verdict: Verdict, check: Check) -> tuple[str, ...]:
    tag = verdict.metric.partition("@")[0]
    curves = sparklines(*check.curves[tag]) if tag in check.curves else ("", "")
    since = NOTHING if verdict.since is None else f"step {verdict.since}"
    return (
        verdict.metric,
        verdict.status,
        _number(verdict.before),
        _number(verdict.after),
        _number(verdict.change, "+"),
        verdict.tolerance or NOTHING,
        since if verdict.status == "fail" else NOTHING,
        *curves,
    )


def _number(value: float | None, sign: str = "") -> str:
    if value is None:
        return NOTHING
    return f"{value:{sign},}" if isinstance(value, int) else f"{value:{sign}.5g}"


def _escaped(cell: str) -> str:
    return printable(cell).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
