"""The event files that a run's numbers rest on: taken whole, or not at all.

An average over what is left of a damaged run is quietly wrong. So whoever is to draw or average
curves asks here, and a run that has lost points is left out and named.
"""

from __future__ import annotations

from collections.abc import Iterable

from tracker.errors import Damaged, printable
from tracker.events.reader import Series, event_files, read_scalars
from tracker.events.record import Report
from tracker.store.index import RunRecord


def series_of(record: RunRecord, until: int | None = None) -> dict[str, Series]:
    """The series of a run by tag, of whose metrics no point is missing (up to the step `until`).

    Reads its event files. A record that a writer has not finished is no damage. Raises Damaged
    where a file is, or is gone: a clause that says why.
    """
    try:
        found = read_scalars(record.run.path)
    except OSError as error:
        raise Damaged(f"its event files cannot be read: {error.strerror}") from error
    if why := damage(found.reports):
        raise Damaged(why)
    if record.state != "running":  # of one that is, the summary may be the newer of the two
        _check_complete(record, found.series, until)
    return found.series


def damage(reports: Iterable[Report]) -> str | None:
    """What is wrong with the first of these files that is damaged, as a clause, or None."""
    for report in reports:
        if report.damage:
            offset, reason = report.damage
            return f"{printable(report.path.name)} is damaged at byte {offset:,} ({reason})"
    return None


def _check_complete(record: RunRecord, series: dict[str, Series], until: int | None) -> None:
    for tag, metric in record.metrics.items():
        due = metric.last_step if until is None else min(metric.last_step, until)
        line = series.get(tag)
        last = int(line.steps.max()) if line is not None else None
        if last is None and not event_files(record.run.path):
            raise Damaged("its event files are gone")
        if last is None:
            raise Damaged(f"its event files hold no {printable(tag)}")
        if last < due:
            raise Damaged(
                f"its event files hold {printable(tag)} up to step {last:,} alone, not to {due:,}"
            )
