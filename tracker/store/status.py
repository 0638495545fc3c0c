"""status.json: what the run's own process last said about itself, and what may be believed of it.

A process killed by a signal it cannot catch, or by a power cut, leaves "running" behind, so that
word alone is never believed: `RunState` is derived, with the kernel's lock as the witness.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from tracker.errors import Damaged, printable
from tracker.store.lock import is_held
from tracker.store.process import ProcessId, is_alive, this_process
from tracker.store.shape import COUNT, NONE, NUMBER, SCHEMA_VERSION, TEXT, Shape, read_document

Said: TypeAlias = Literal["running", "finished", "stopped", "failed"]
RunState: TypeAlias = Literal["running", "finished", "stopped", "failed", "crashed", "damaged"]


@dataclass(frozen=True, kw_only=True)
class Status:
    """One state of a run. Times are ISO 8601, UTC; `step` counts optimizer steps taken.

    `cause` is one line, given when the run failed or was stopped; `signal` is the number of the
    signal that stopped it; `kernel_lock` says whether the file system has locks to ask.
    """

    state: Said
    pid: int
    host: str
    boot_id: str
    process_start: str
    kernel_lock: bool
    started: str
    updated: str
    ended: str | None = None
    step: int = 0
    epoch: float = 0.0
    total_steps: int | None = None
    cause: str | None = None
    signal: int | None = None

    @property
    def process(self) -> ProcessId:
        """The process that wrote this."""
        return ProcessId(self.pid, self.host, self.boot_id, self.process_start)

    def to_document(self) -> dict[str, Any]:
        """The JSON object of status.json."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}


_SHAPE: Shape = {
    "state": TEXT,
    "pid": COUNT,
    "host": TEXT,
    "boot_id": TEXT,
    "process_start": TEXT,
    "kernel_lock": (bool,),
    "started": TEXT,
    "updated": TEXT,
    "ended": (str, NONE),
    "step": COUNT,
    "epoch": NUMBER,
    "total_steps": (int, NONE),
    "cause": (str, NONE),
    "signal": (int, NONE),
}


def first_status(now: str, *, kernel_lock: bool) -> Status:
    """The Status with which this process begins a run."""
    me = this_process()
    return Status(
        state="running",
        pid=me.pid,
        host=me.host,
        boot_id=me.boot_id,
        process_start=me.start,
        kernel_lock=kernel_lock,
        started=now,
        updated=now,
    )


def read_status(path: Path) -> Status:
    """The Status in `path`.

    Raises Damaged where the file is missing, torn, of another shape or from a newer tracker, and
    Unavailable where it may not be read.
    """
    status = Status(**read_document(path, _SHAPE))
    if status.state not in get_args(Said):
        raise Damaged(f"{printable(str(path))}: no such state: {printable(status.state)[:40]}")
    for moment in (status.started, status.updated, status.ended):
        if moment is not None:
            _check_moment(moment, path)
    return status


def is_written(status: Status, lock_file: Path) -> bool:
    """Whether some process is writing the run now: the kernel says so.

    A file system without locks leaves only the recorded process to ask for.
    """
    return is_held(lock_file) or (not status.kernel_lock and is_alive(status.process))


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(timezone.utc)


def stamp(moment: datetime) -> str:
    """`moment` as text: ISO 8601, UTC, to the millisecond, so that text sorts as time does."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")


def _check_moment(moment: str, path: Path) -> None:
    try:
        when = datetime.fromisoformat(moment)
    except ValueError as error:
        raise Damaged(f"{printable(str(path))}: no time: {printable(moment)[:40]}") from error
    if when.tzinfo is None:
        raise Damaged(f"{printable(str(path))}: a time without its zone: {moment}")
