"""Runs as rows: the columns that `ls` and the table at the end of `run` are made of."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tracker import tags
from tracker.reading.table import NOTHING, Table, count, duration, number
from tracker.store.index import RunRecord


@dataclass(frozen=True)
class Column:
    """One fact of a run, as a cell."""

    title: str
    cell: Callable[[RunRecord], str]
    is_number: bool = True


def last(tag: str) -> Column:
    """The last value of a series."""
    return Column(tag, lambda run: number(run.metrics[tag].last) if tag in run.metrics else NOTHING)


def best(tag: str) -> Column:
    """Its best value, best as the series' own goal has it."""
    return Column(
        "best", lambda run: number(run.metrics[tag].best) if tag in run.metrics else NOTHING
    )


def age(now: datetime) -> Column:
    """How long ago the run started."""

    def cell(run: RunRecord) -> str:
        if run.started is None:
            return NOTHING
        return duration((now - datetime.fromisoformat(run.started)).total_seconds())

    return Column("age", cell)


def _done(run: RunRecord) -> str:
    return f"{run.step / run.total_steps:.0%}" if run.total_steps else str(run.step)


RUN = Column("run", lambda run: run.id, is_number=False)
VARIANT = Column("variant", lambda run: run.variant, is_number=False)
STATE = Column("state", lambda run: run.state, is_number=False)
SEED = Column("seed", lambda run: run.run.path.name.removeprefix("s"))  # 0.2: the second attempt
STEPS = Column("steps", lambda run: str(run.step))
DONE = Column("done", _done)
PARAMETERS = Column("params", lambda run: count(run.price.parameters if run.price else None))
FLOPS = Column("flops", lambda run: count(run.price.flops if run.price else None))
SPEED = Column("images/s", lambda run: count(run.price.images_per_second if run.price else None))
TIME = Column("time", lambda run: duration(run.seconds))


def just_made(records: Sequence[RunRecord]) -> Table:
    """The table at the end of `tracker run`: what came out, and what it cost."""
    names = [VARIANT, SEED] if len({run.experiment for run in records}) == 1 else [RUN]
    if any(run.state != "finished" for run in records):
        names.append(STATE)
    names.sort(key=lambda column: column.is_number)
    score = [last(tags.ACCURACY_VAL), best(tags.ACCURACY_VAL), last(tags.LOSS_VAL)]
    return runs_table(records, [*names, STEPS, *score, PARAMETERS, FLOPS, SPEED, TIME])


def listed(records: Sequence[RunRecord], now: datetime) -> Table:
    """The table of `tracker ls`; the metric is each run's own, named in the title if all agree."""
    metrics = {run.metric for run in records if run.metric is not None}
    title = metrics.pop() if len(metrics) == 1 else "last"
    own_last = Column(title, lambda run: last(run.metric or "").cell(run))
    own_best = Column("best", lambda run: best(run.metric or "").cell(run))
    named = [] if title != "last" else [Column("metric", lambda run: run.metric or NOTHING, False)]
    return runs_table(
        records, [RUN, STATE, *named, DONE, own_last, own_best, PARAMETERS, FLOPS, age(now)]
    )


def remark(run: RunRecord, now: datetime) -> str | None:
    """What a row has no room for: who writes a run, and when it last said so; or why it ended."""
    if run.state != "running" or run.started is None or run.seconds is None:
        return run.cause if run.state in ("failed", "damaged") else None
    spoke = datetime.fromisoformat(run.started) + timedelta(seconds=run.seconds)
    place = "" if run.host == socket.gethostname() else f" on {run.host}"
    steps = f"step {run.step}" + (f" of {run.total_steps}" if run.total_steps else "")
    ago = duration((now - spoke).total_seconds())
    return f"process {run.pid}{place}, {steps}, last sign of life {ago} ago"


def runs_table(records: Sequence[RunRecord], columns: Sequence[Column]) -> Table:
    """One row per run. Columns of words come before those of numbers."""
    return Table(
        titles=[column.title for column in columns],
        rows=[[column.cell(record) for column in columns] for record in records],
        words=sum(not column.is_number for column in columns),
    )


def document(record: RunRecord) -> dict[str, Any]:
    """A run's line for `--json`: the fields of RunRecord, with the directory as `path`."""
    fields = dict(vars(record))
    del fields["run"], fields["asked"]
    # Not asdict, which copies each number: that takes longer than reading the run.
    fields["metrics"] = {tag: dict(vars(metric)) for tag, metric in record.metrics.items()}
    fields["price"] = record.price and dict(vars(record.price))
    fields["data"] = record.data and dict(vars(record.data))
    return {**fields, "path": str(record.run.path)}
