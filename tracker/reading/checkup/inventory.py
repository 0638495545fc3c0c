"""What lies under the runs folder that a person should know of: runs, leftovers, servers."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from tracker.errors import printable
from tracker.reading.checkup.finding import Finding, damaged, fine, warning
from tracker.reading.serving import dashboard
from tracker.store import garbage, trash
from tracker.store.index import RunRecord, list_runs


def check(root: Path, now: datetime) -> Iterator[Finding]:
    """Look at every run's state, at what can be deleted, and at the servers noted down."""
    records = list_runs(root)
    yield from _runs(records)
    yield from _future(records, now)
    yield from _leftovers(root, now)
    yield from _servers(root)


def _runs(records: list[RunRecord]) -> Iterator[Finding]:
    states = Counter(record.state for record in records)
    words = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    yield fine("runs", words or "none yet")
    for record in records:
        if record.state == "damaged":
            yield damaged(
                record.id,
                str(record.cause),
                f"`tracker doctor {record.id}` looks at each file; restore it from a copy, or "
                "`tracker rm` it",
            )
        elif record.state == "crashed":
            yield warning(
                record.id,
                f"crashed at step {record.step}: its process is gone without a word",
                f"`tracker run --resume {record.id}` goes on",
            )
        elif record.state == "running" and record.host != socket.gethostname():
            yield from _elsewhere(record)


def _elsewhere(record: RunRecord) -> Iterator[Finding]:
    """Where no lock can tell, a process of another computer is believed to live for ever."""
    status = record.run.status()
    if not status.kernel_lock:
        yield warning(
            record.id,
            f"running as process {record.pid} of {printable(status.host)}, it says; its last sign "
            f"of life is from {status.updated}, and this file system has no locks to ask",
            "look there; if that computer is gone for good, let status.json say "
            '"state": "stopped", and --resume goes on',
        )


def _future(records: list[RunRecord], now: datetime) -> Iterator[Finding]:
    begun = [record for record in records if record.started]
    latest = max(begun, key=lambda record: record.started or "", default=None)
    if latest and latest.started:
        ahead = (datetime.fromisoformat(latest.started) - now).total_seconds()
        if ahead > 60:
            yield warning(
                "clock",
                f"{latest.id} started {ahead:.0f} s from now: a clock here or there is wrong",
                "let NTP set it: TensorBoard sorts files and points by time",
            )


def _leftovers(root: Path, now: datetime) -> Iterator[Finding]:
    found = garbage.find(root, now - timedelta(days=garbage.KEPT_DAYS))
    if found:
        size = sum(one.size for one in found)
        yield warning(
            "leftovers",
            f"{size / 1e6:,.1f} MB that nobody needs",
            "`tracker gc --dry-run` lists, `tracker gc` deletes them",
        )
    removed = trash.trashed(root)
    if removed:
        yield fine("trash", f"runs that `tracker restore` can bring back: {len(removed)}")


def _servers(root: Path) -> Iterator[Finding]:
    remedies = {
        "gone": "nothing to do: the next `tracker tensorboard` forgets it",
        "silent": "wake it (`kill -CONT PID`), or end it (`kill PID`)",
    }
    for found in dashboard.find(root):
        words = f"{found.server.url} {dashboard.describe(found)}"
        if remedy := remedies.get(found.standing):
            yield warning("tensorboard", words, remedy)
        else:
            yield fine("tensorboard", words)
