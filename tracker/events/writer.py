"""Writes TensorBoard event files: one write per event, no queue, no thread, no buffer.

When a call returns, the operating system has the event: `kill -9` a moment later loses nothing.
When the disk is full the call raises, and the file still ends on a whole record.
"""

from __future__ import annotations

import errno
import io
import os
import re
import socket
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, SupportsFloat

from tracker.errors import Damaged
from tracker.events import wire
from tracker.events.line import Line
from tracker.events.record import INFIX, frame
from tracker.owned import own
from tracker.tags import Meaning

FILE_VERSION = b"brain.Event:2"
MAX_STEP = (1 << 63) - 1

_PREFIX = "events.out.tfevents."
_MAX_LINES = 4096  # bounds memory where the tags of a call are never the same twice


class Event(Protocol):
    """What `EventWriter.event` needs of `tensorboard.compat.proto.event_pb2.Event`."""

    @property
    def step(self) -> int:
        """The global step."""

    @property
    def summary(self) -> Any:
        """The Summary message, empty if the event holds something else."""

    def SerializeToString(self) -> bytes:  # noqa: N802
        """Encode the event."""


class EventWriter:
    """One new event file in `directory`, which sorts after every event file already there.

    `clock` returns seconds since the epoch. `describe` gives a title and a description to scalar
    tags; they are written with a tag's first point. TensorBoard wants one text per tag in all runs.

    Steps of a tag must strictly increase, or `ValueError`: TensorBoard's default server silently
    drops the points that a step going back "preempts". The check knows this file only: whoever
    resumes a run truncates the older files first (`truncate`).

    Every error of the disk is raised as `OSError` by the call that met it, which has then written
    nothing; once the cause is gone the same writer goes on. For one thread. After a fork the child
    may not use it, and nothing hangs. Owns its file: close it, or use it as a context manager.
    """

    def __init__(
        self,
        directory: Path,
        *,
        clock: Callable[[], float] = time.time,
        describe: Mapping[str, Meaning] | None = None,
    ) -> None:
        self._clock = clock
        self._describe = dict(describe or {})
        self._lines: dict[tuple[str, ...], Line] = {}
        self._introduced: set[str] = set()
        self._steps: dict[str, int] = {}  # of each tag, but for those of the current line
        self._current: Line | None = None  # the line written last,
        self._newest = -1  # and its step
        self.path, self._file = _create(Path(directory), clock())
        self._size = 0
        self._is_name_synced = False
        version = wire.delimited(wire.EVENT_FILE_VERSION, FILE_VERSION)
        try:
            self._append(frame(struct.pack("<Bd", wire.EVENT_WALL_TIME, clock()) + version))
        except BaseException:
            self.close()
            self.path.unlink()
            raise

    @property
    def position(self) -> int:
        """Bytes in the file, all of them whole records."""
        return self._size

    def scalars(self, step: int, values: Mapping[str, SupportsFloat]) -> None:
        """Append one event that holds all `values` (tag → number) at `step` (0 to 2**63 - 1).

        Numbers are stored as float32, which is all that TensorBoard shows; those beyond its range
        become infinite. NaN and infinities are kept. No values, no event.
        Fastest where the tags that belong together come in the same order every time.
        """
        tags = tuple(values)
        line = self._lines.get(tags) or self._new_line(tags)
        newest = self._newest if line is self._current else self._settle(tags)
        if not newest < step <= MAX_STEP:
            raise self._bad_step(step, tags)
        if not tags:
            return
        self._append(line.record(self._clock(), step, values))
        self._current = line
        self._newest = step
        if line.introduces:
            self._introduced.update(line.introduces)

    def event(self, event: Event) -> None:
        """Append any event as it is, wall time included. The steps of its tags are checked too."""
        step = event.step
        tags = tuple(value.tag for value in event.summary.value if value.WhichOneof("value"))
        newest = self._settle(tags)
        if tags and not newest < step <= MAX_STEP:
            raise self._bad_step(step, tags)
        self._append(frame(event.SerializeToString()))
        self._steps.update(dict.fromkeys(tags, step))

    def flush(self) -> None:
        """Do nothing: all is with the operating system already. TensorBoard's writers have it."""

    def sync(self) -> None:
        """Return once the file and its name are on the disk itself, safe from a power cut.

        Raises `FileNotFoundError` if the file was deleted meanwhile: nobody could ever read it.
        """
        os.fsync(self._file.fileno())
        if not os.fstat(self._file.fileno()).st_nlink:
            raise FileNotFoundError(errno.ENOENT, "event file was deleted", str(self.path))
        if not self._is_name_synced:
            _sync_directory(self.path.parent)
            self._is_name_synced = True

    def close(self) -> None:
        """Close the file, without a sync. Twice is fine; writing after it raises `ValueError`."""
        self._file.close()

    def __enter__(self) -> EventWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _new_line(self, tags: tuple[str, ...]) -> Line:
        meanings = {
            tag: self._describe[tag]
            for tag in tags
            if tag in self._describe and tag not in self._introduced
        }
        line = Line(tags, meanings)
        if not meanings:
            if len(self._lines) >= _MAX_LINES:
                self._lines.clear()
            self._lines[tags] = line
        return line

    def _settle(self, tags: tuple[str, ...]) -> int:
        """Note the current line's step under each of its tags; return the newest step of `tags`.

        Keeping one step per line and not one per tag halves the cost of the usual call.
        """
        if self._current is not None:
            self._steps.update(dict.fromkeys(self._current.tags, self._newest))
            self._current = None
        return max((self._steps.get(tag, -1) for tag in tags), default=-1)

    def _bad_step(self, step: int, tags: tuple[str, ...]) -> ValueError:
        if not 0 <= step <= MAX_STEP:
            return ValueError(f"step {step} of {tags!a} is not within 0 and 2**63 - 1")
        newest = self._settle(tags)
        tag = next(tag for tag in tags if self._steps.get(tag) == newest)
        return ValueError(
            f"step {step} of {tag!a} does not come after step {newest}, written before: "
            "a tag's steps must strictly increase, or TensorBoard drops points"
        )

    def _append(self, record: bytes) -> None:
        try:
            written = self._file.write(record)
            if written == len(record):
                self._size += written
                return
            self._write_rest(record, written)
        except BaseException:
            self._mend(len(record))
            raise

    def _write_rest(self, record: bytes, written: int) -> None:
        """Go on after a short write, which says that the next one will fail, and why."""
        rest = memoryview(record)[written:]
        while rest:
            rest = rest[self._file.write(rest) :]
        self._size += len(record)

    def _mend(self, size: int) -> None:
        """After a failed or interrupted write of a record of `size` bytes, end on a whole one."""
        actual = os.fstat(self._file.fileno()).st_size
        if actual == self._size + size:  # interrupted after the write: the record is there
            self._size = actual
        elif actual != self._size:
            self._file.truncate(self._size)


def truncate(path: Path, length: int) -> None:
    """Cut the event file at `path` back to `length` bytes, a `position` of its writer, and sync.

    Raises `Damaged` if the file is shorter, for then what was committed is not there, and for what
    is a link or no file.
    """
    with io.FileIO(path, "r+b", opener=own) as file:
        size = os.fstat(file.fileno()).st_size
        if size < length:
            raise Damaged(
                f"{str(path)!a} holds {size} bytes, but {length} were committed: "
                "restore it from a copy, or resume from an older checkpoint"
            )
        file.truncate(length)
        os.fsync(file.fileno())


def _create(directory: Path, now: float) -> tuple[Path, io.FileIO]:
    """Create and open the directory's next event file, by a name that sorts after all others.

    TensorBoard reads a run's files in the order of their names, and its default server drops
    points that seem to go back. So where the clock went back, or twice in a second, the name's
    time is one second after the newest name's.
    """
    directory.mkdir(parents=True, exist_ok=True)
    host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:64]
    while True:
        names = sorted(path.name for path in directory.iterdir() if INFIX in path.name)
        tail = f"{host}.{os.getpid()}.{len(names)}"
        name = f"{_PREFIX}{int(now):010d}.{tail}"
        if names and name <= names[-1]:
            seconds = re.match(rf"{re.escape(_PREFIX)}(\d{{10}})", names[-1])
            name = f"{_PREFIX}{int(seconds[1]) + 1:010d}.{tail}" if seconds else ""
        if names and name <= names[-1]:
            name = f"{names[-1]}.{tail}"
        try:
            return directory / name, io.FileIO(directory / name, "xb", opener=_open_to_append)
        except FileExistsError:
            continue  # another process was faster: look again


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_to_append(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_APPEND | os.O_CLOEXEC, 0o666)
