"""Two runs side by side: the page that `tracker diff` prints."""

from __future__ import annotations

import math
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tracker.cli.render import show_facts, show_table
from tracker.cli.terminal import is_terminal, out
from tracker.errors import printable
from tracker.reading.difference.answer import brief
from tracker.reading.difference.causes import Change
from tracker.reading.difference.code import CodeDiff
from tracker.reading.difference.curves import End, MetricDiff
from tracker.reading.difference.diff import RunDiff, Side
from tracker.reading.table import NOTHING, Table, count, duration, number

_WIDTH = 80  # columns, where nobody's terminal says otherwise
_NARROWEST = 12  # columns a value is given, however long its path
_WHOLE = 1 << 20  # characters: longer than any value worth a look
_LISTED = 20  # differences that cannot matter, and files, shown at most
_COMMIT = 12  # characters of a commit's name
# How numbers of the price read best.
_WAYS: Mapping[str, Callable[[float], str]] = {
    "parameters": count,
    "flops": count,
    "images_per_second": count,
    "seconds": duration,
    "peak_memory_bytes": lambda size: f"{size / 2**30:.3f} GiB",
}
_DIGITS = range(4, 18)  # 17 tell any two numbers apart


def show_diff(found: RunDiff) -> None:
    """Print the answer, then what it rests on, the likeliest causes first."""
    out(printable(found.answer))
    out("")
    show_facts({"A": _side(found.before), "B": _side(found.after)})
    for section in found.sections.values():
        _show_changes(section.name, section.causes)
        if section.name == "code":
            _show_commits(found.code)
    _show_changes("harmless", _harmless(found))
    _show_metrics(found.metrics)
    _show_changes("price", found.price.changes)
    _show_unknown(found)


def unified(code: CodeDiff) -> str:
    """Return how the saved patches differ: a patch that one run alone has as it is, else a diff."""
    return "\n".join(line for file in code.patched for line in file.lines())


def _side(side: Side) -> str:
    state = side.state or "state unknown"
    return f"{printable(side.id)}  ({state}" + (
        ")" if side.step is None else f", {side.step} steps)"
    )


def _show_changes(name: str, changes: Sequence[Change]) -> None:
    if not changes:
        return
    shown = changes[:_LISTED]
    width = max(len(name), *(len(change.path) for change in shown))
    columns = shutil.get_terminal_size().columns if is_terminal() else _WIDTH
    room = max(_NARROWEST, (columns - width - 4) // 2)
    rows = [(change.path, *_values(change, room)) for change in shown]
    out("")
    show_table(Table((name, "A", "B"), rows, words=3))
    _say_more(len(changes) - len(shown))


def _values(change: Change, room: int) -> tuple[str, str]:
    """Return both values cut to `room`, in such a way that they still look different."""
    before, after = (_text(change.path, value) for value in (change.before, change.after))
    pairs = enumerate(zip(before, after, strict=False))
    shorter = min(len(before), len(after))
    alike = next((at for at, (one, other) in pairs if one != other), shorter)
    if max(len(before), len(after)) > room and alike > room // 2:
        skipped = alike - room // 4
        before, after = f"…{before[skipped:]}", f"…{after[skipped:]}"
    return brief(before, room), brief(after, room)


def _text(path: str, value: Any) -> str:
    """Return `value` in the way that suits what stands at `path`."""
    name = path.rpartition(".")[2]
    if name in _WAYS and isinstance(value, int | float):
        return _WAYS[name](value)
    if name == "command" and isinstance(value, list):
        return shlex.join(map(str, value))
    text = brief(value, _WHOLE)
    return text[:_COMMIT] if name == "commit" else text


def _show_commits(code: CodeDiff) -> None:
    if code.commits is None:
        return
    out("")
    if code.between is None:
        out(f"what lies between the commits is not known here: {code.between_missing}")
    else:
        rows = [
            (one.path, _lines("+", one.added), _lines("−", one.removed)) for one in code.between
        ]
        if rows:
            show_table(Table(("between the commits", "", ""), rows[:_LISTED]))
            _say_more(len(rows) - _LISTED)
        else:
            out("the commits hold the same files")
    names = " ".join(commit[:_COMMIT] for commit in code.commits)
    out(printable(f"all of it: git diff {names}"))


def _lines(sign: str, lines: int | None) -> str:
    return "binary" if lines is None else f"{sign}{lines}"


def _harmless(found: RunDiff) -> list[Change]:
    """Return what differs and can't matter, each under its section's name."""
    return [
        Change(f"{name}.{change.path}", change.before, change.after, matters=False)
        for name, section in found.sections.items()
        for change in section.changes
        if not change.matters
    ]


def _show_metrics(metrics: Sequence[MetricDiff]) -> None:
    rows = [row for metric in metrics if metric.differs for row in _ends(metric)]
    if rows:
        out("")
        show_table(Table(("series", "", "A", "B", "B − A", "better"), rows, words=2, tail=1))
    if metrics:
        out("")
        show_facts({printable(metric.tag): _parting(metric) for metric in metrics})


def _ends(metric: MetricDiff) -> Iterator[tuple[str, ...]]:
    kinds = ["last"] if metric.goal is None else ["last", "best"]
    for kind in kinds:
        (one, step), (other, at) = (_end(side, kind) for side in (metric.before, metric.after))
        digits = _apart(one, other)
        cells = (_at(one, step, digits), _at(other, at, digits))
        yield (metric.tag, kind, *cells, _gap(one, other), _better(metric, one, other))


def _end(side: End | None, kind: str) -> tuple[float | None, int | None]:
    if side is None:
        return None, None
    return (side.last, side.last_step) if kind == "last" else (side.best, side.best_step)


def _at(value: float | None, step: int | None, digits: int) -> str:
    if value is None:
        return NOTHING
    text = number(value, digits)
    return f"{value:.{digits}g} @{step}" if "e" in text else f"{text} @{step}"


def _gap(one: float | None, other: float | None) -> str:
    if one is None or other is None or not math.isfinite(other - one):
        return NOTHING
    gap = number(other - one)
    return gap if gap.startswith("-") else f"+{gap}"


def _better(metric: MetricDiff, one: float | None, other: float | None) -> str:
    if metric.goal is None or one is None or other is None or math.isnan(other - one):
        return NOTHING
    if one == other:
        return "same"
    return "B" if (other > one) == (metric.goal == "max") else "A"


def _parting(metric: MetricDiff) -> str:
    """Say where the curves of a tag part, and which points only one of them has."""
    if metric.before is None or metric.after is None:
        return f"only in {'A' if metric.after is None else 'B'}"
    if not metric.common:
        return "no common steps"
    split = metric.parting
    if split is None:
        points = {metric.before.points, metric.after.points}
        ends = "" if points == {metric.common} else _beyond(metric)
        steps = "the one common step" if metric.common == 1 else f"all {metric.common} common steps"
        return f"identical at {steps}{ends}"
    digits = _apart(split.before, split.after)
    values = f"{split.before:.{digits}g} / {split.after:.{digits}g}"
    if metric.same_up_to is None:
        return f"different from step {split.step}, the first: {values}"
    return f"identical up to step {metric.same_up_to}, not at {split.step}: {values}"


def _beyond(metric: MetricDiff) -> str:
    assert metric.before is not None
    assert metric.after is not None
    more = [(side.points or 0) - metric.common for side in (metric.before, metric.after)]
    words = [f"{points} more in {name}" for name, points in zip("AB", more, strict=True) if points]
    return f", {', '.join(words)}"


def _apart(one: float | None, other: float | None) -> int:
    """Return the fewest digits, four at least, with which two unlike numbers look unlike."""
    if one is None or other is None or one == other:
        return _DIGITS[0]
    ways = (digits for digits in _DIGITS if f"{one:.{digits}g}" != f"{other:.{digits}g}")
    return next(ways, _DIGITS[-1])


def _show_unknown(found: RunDiff) -> None:
    whys: dict[str, list[str]] = {}
    for name, section in found.sections.items():
        if section.unknown is not None:
            whys.setdefault(section.unknown, []).append(name)
    if whys or found.notes:
        out("")
    for why, names in whys.items():
        out(printable(f"not known: {', '.join(names)} ({why})"))
    for note in found.notes:
        out(printable(note))


def _say_more(count_left: int) -> None:
    if count_left > 0:
        out(f"… and {count_left} more: --json has all")
