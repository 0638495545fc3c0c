"""The curves of runs as text for other programs, point by point, one run in memory at a time.

Numbers are written as Python's repr writes them: read back they are the same 64 bits. A value was
stored as float32 as a rule, so 0.1 comes out as 0.10000000149011612, which is what is in the file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from tracker.errors import UsageError, printable
from tracker.events.reader import Series, read_scalars
from tracker.events.record import Report
from tracker.store.files import explain_os_error
from tracker.store.index import RunRecord
from tracker.store.run import Run

SCHEMA_VERSION = 1
COLUMNS = ("run", "experiment", "variant", "seed", "tag", "step", "wall_time", "value")
_ROWS = 10_000  # in a piece of text
_SPECIAL = set(',"\r\n')

Told = Callable[[RunRecord, Report], None]


def csv_of(
    records: Sequence[RunRecord],
    tags: Collection[str],
    told: Told,
    clean: Callable[[str], str] = str,
) -> Iterator[str]:
    """`COLUMNS`, then a row per point: by run, tag, and as written. In pieces of whole lines.

    Only of `tags`, unless there are none. A run without a seed has an empty cell; values that are
    not finite are nan, inf and -inf. `told` hears of every file that is damaged; `clean` is applied
    to names. Raises Unavailable where a run can't be read.
    """
    yield _line(COLUMNS)
    for record in records:
        for tag, series in _series(record, tags, told):
            seed = "" if record.seed is None else str(record.seed)
            names = (record.id, record.experiment, record.variant, seed, tag)
            start = _line([*map(clean, names), ""]).rstrip("\n")
            for first in range(0, len(series), _ROWS):
                piece = slice(first, first + _ROWS)
                columns = (series.steps, series.wall_times, series.values)
                rows = zip(*(column[piece].tolist() for column in columns), strict=True)
                yield start + f"\n{start}".join(map("%d,%r,%r".__mod__, rows)) + "\n"


def json_of(records: Sequence[RunRecord], tags: Collection[str], told: Told) -> Iterator[str]:
    """One JSON object: `schema_version`, and `runs`, each with its names and `series` by tag.

    A series is three lists of one length, `step`, `wall_time` (seconds since the epoch) and
    `value`. JSON has no NaN: values that are not finite are the strings "NaN", "Infinity" and
    "-Infinity", which float() and Number() read; as null they would all be the same. The rest is as
    in `csv_of`.
    """
    yield f'{{"schema_version": {SCHEMA_VERSION}, "runs": ['
    for number, record in enumerate(records):
        head = {
            "id": record.id,
            "experiment": record.experiment,
            "variant": record.variant,
            "seed": record.seed,
            "attempt": record.attempt,
            "state": record.state,
        }
        yield ("," if number else "") + "\n" + json.dumps(head)[:-1] + ', "series": {'
        for place, (tag, series) in enumerate(_series(record, tags, told)):
            curve = {
                "step": series.steps.tolist(),
                "wall_time": _numbers(series.wall_times),
                "value": _numbers(series.values),
            }
            yield ("," if place else "") + f"\n{json.dumps(tag)}: {json.dumps(curve)}"
        yield "}}"
    yield "\n]}\n"


def require(records: Sequence[RunRecord], tags: Collection[str]) -> None:
    """Raise UsageError, naming the nearest, where no run has a series of one of `tags`.

    Summaries are asked first; event files are read only for a tag that these don't know.
    """
    known = {tag for record in records for tag in record.metrics}
    runs = [record.run for record in records]
    while runs and not known.issuperset(tags):
        known |= _read(runs.pop()).keys()
    for tag in tags:
        if tag not in known:
            near = get_close_matches(tag, known, 3, 0.4) or sorted(known)[:5]
            hint = f"there are {', '.join(map(printable, near))}" if near else "they have none"
            raise UsageError(f"none of these runs has a series {ascii(tag)[:100]}; {hint}")


def _series(record: RunRecord, tags: Collection[str], told: Told) -> Iterator[tuple[str, Series]]:
    found = _read(record.run, lambda report: told(record, report))
    for tag, series in found.items():
        if not tags or tag in tags:
            yield tag, series


def _read(run: Run, told: Callable[[Report], None] = lambda _: None) -> dict[str, Series]:
    with explain_os_error("read", run.path):
        scalars = read_scalars(run.path)
    for report in scalars.reports:
        if report.damage:
            told(report)
    return scalars.series


def _numbers(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float | str]:
    numbers: list[float | str] = values.tolist()
    for index in np.flatnonzero(~np.isfinite(values)).tolist():
        value = float(values[index])
        numbers[index] = "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return numbers


def _line(cells: Sequence[str]) -> str:
    """The cells by RFC 4180; the csv module would leave a lone carriage return unquoted."""
    doubled = (cell.replace('"', '""') for cell in cells)
    return ",".join(f'"{cell}"' if _SPECIAL & {*cell} else cell for cell in doubled) + "\n"
