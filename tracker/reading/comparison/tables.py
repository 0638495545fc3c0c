"""A comparison in tables and notes, as a terminal, a page and a pull request all show them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

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
    value_of,
)
from tracker.reading.markdown import escaped, markdown_table
from tracker.reading.table import NOTHING, Table, count, duration, plain

_WIDTH = 80  # columns a table may have before what is not needed in it is left out
_WIDE = 0.1  # of a mean: a larger spread is told whatever room it takes


def deciding_first(comparison: Comparison) -> tuple[Value, Value]:
    """The value that decides, and the other one."""
    return ("last", "best") if comparison.value == "last" else ("best", "last")


def tables(comparison: Comparison) -> Iterator[tuple[str, Table]]:
    """Each table with its title: of the metric asked about the deciding value and the other one,
    of further metrics the deciding one, then the price.
    """
    deciding, other = deciding_first(comparison)
    for tag in comparison.metrics:
        percent = ", %" if scale(tag) != 1 else ""
        for value in (deciding, other) if tag == comparison.metric else (deciding,):
            title = value_of(comparison, value, tag).removeprefix("the ")
            yield f"{title}{percent}", scores_table(comparison, tag, value)
    yield price_title(comparison), price_table(comparison)


def scores_table(comparison: Comparison, tag: str, value: Value) -> Table:
    """A row per group: n, mean ± std, its 95 % interval, the difference to the reference."""
    titles = ["group", "n", "mean ± std", "95 %", "difference (95 %)", "p"]
    return Table(titles, [_row(each, tag, value) for each in comparison.groups])


def price_title(comparison: Comparison) -> str:
    """What the prices are of: with a step too, of the runs from beginning to end."""
    return "price" if comparison.step is None else "price of the runs as far as they went"


def price_table(comparison: Comparison) -> Table:
    """A row per group: size, speed and time, these with ± std where there is room for it."""
    whole = _price_table(comparison, told=0.0)
    return whole if len(plain(whole)[0]) <= _WIDTH else _price_table(comparison, told=_WIDE)


def reaches(comparison: Comparison) -> Iterator[str]:
    """A sentence per group: how soon it gets to where another ends."""
    for each in comparison.groups:
        reach = each.price.reach
        if reach:
            goal = f"the final {amount(reach.target, comparison.metric)} of {reach.other}"
            yield f"{each.group.name} {_reached(reach, goal)}"


def notes(comparison: Comparison) -> list[str]:
    """How soon each group gets to where another ends; then what the averages leave out or mix."""
    return [
        *reaches(comparison),
        *(f"note: {remark}" for remark in comparison.remarks),
        *(f"left out: {one.run} ({one.reason})" for one in comparison.left_out),
    ]


def gap(difference: Difference | None, tag: str, between: str = " to ") -> str:
    """ "+1.20 (0.30 to 2.10)": a difference and its 95 % interval, if it has one."""
    if difference is None:
        return NOTHING
    mean = amount(difference.mean, tag, signed=True, within=difference.std)
    if difference.low is None:
        return mean
    return f"{mean} ({interval(difference.low, difference.high, tag, between)})"


def plain_text(comparison: Comparison) -> str:
    """All of it as text that is not cut to any width, each sentence on a line of its own."""
    lines = [question(comparison), *(f"  {line}." for line in sentences(comparison))]
    for title, table in tables(comparison):
        lines += ["", title, *plain(table)]
    return "\n".join(map(printable, [*lines, "", *notes(comparison)])).rstrip()


def markdown(comparison: Comparison) -> str:
    """All of it as Markdown, for a pull request; no string of a file is markup in it."""
    lines = [f"**{escaped(question(comparison))}**", ""]
    lines += [f"- {escaped(line)}." for line in sentences(comparison)]
    for title, table in tables(comparison):
        lines += ["", f"{escaped(title)}:", "", *markdown_table(table)]
    return "\n".join([*lines, "", *(f"- {escaped(one)}" for one in notes(comparison))]).rstrip()


def _row(each: Compared, tag: str, value: Value) -> Sequence[str]:
    score = each.scores[tag]
    estimate: Estimate | None = getattr(score, value)
    if estimate is None:
        return (each.group.name, "0", *[NOTHING] * 4)
    return (
        each.group.name,
        str(estimate.n),
        spread(estimate.mean, estimate.std, tag),
        interval(estimate.low, estimate.high, tag, "…"),
        "reference" if score.verdict is None else gap(score.differences.get(value), tag, "…"),
        chance(score.p.get(value)),
    )


def _price_table(comparison: Comparison, told: float) -> Table:
    """The table with the spreads that are at least this share of their mean."""
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
                _about(price.images_per_second, count, told),
                _about(price.seconds_per_epoch, _span, told),
                NOTHING if price.seconds is None else _span(price.seconds.mean),
                NOTHING if memory is None else f"{count(memory)}B",
            )
        )
    return Table(titles, rows)


def _about(estimate: Estimate | None, form: Callable[[float], str], told: float) -> str:
    if estimate is None:
        return NOTHING
    if estimate.std is None or estimate.std < told * estimate.mean:
        return form(estimate.mean)
    return f"{form(estimate.mean)} ± {form(float(f'{estimate.std:.2g}'))}"


def _span(seconds: float) -> str:
    return f"{seconds:.1f}s" if seconds < 9.95 else duration(seconds)


def _reached(reach: Reach, goal: str) -> str:
    if reach.steps is None or reach.seconds is None:
        return f"never reaches {goal}"
    if reach.reached < reach.n:
        some = f" in {reach.reached} of {reach.n} runs"
    else:
        some = " in its one run" if reach.n == 1 else f" in all {reach.n} runs"
    steps = f"{reach.steps.mean:,.0f} steps"
    return f"reaches {goal} after {steps}, {duration(reach.seconds.mean)} of training,{some}"
