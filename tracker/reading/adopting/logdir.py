"""Finds the folders of event files below a folder, and what each of them holds.

Written by anybody, so by nobody we trust: links are not followed out of the folder, hidden names
are passed over, and what can't be read is said, not raised.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError
from tensorboard.compat.proto.event_pb2 import Event

from tracker.errors import printable
from tracker.events.reader import read_scalars
from tracker.events.record import INFIX, Scan
from tracker.reading.adopting.settings import in_record, in_yaml

_RUN_FILES = {"experiment.json", "status.json"}
_SESSION = b"_hparams_/session_start_info"


class Skipped(NamedTuple):
    """A folder that makes no run, by its path below the one searched, and why."""

    place: str
    reason: str
    is_damaged: bool = False


@dataclass(frozen=True)
class EventFile:
    """An event file that somebody else wrote, and how many bytes of it are whole, sound records."""

    path: Path
    size: int


@dataclass(frozen=True)
class Folder:
    """A folder of event files and what they hold: `place` is its path below the one searched.

    `points` counts those of each scalar tag. `started` is the earliest time a file begins with, in
    seconds since the epoch; `writer` the program that wrote the first file, if that says so.
    `settings` are hyper-parameters: those of TensorBoard's HParams tab, else of hparams.yaml;
    `is_session` tells whether there are the former. `is_damaged`: a file makes no sense somewhere.
    `notes` say what could not be read.
    """

    path: Path
    place: tuple[str, ...]
    files: tuple[EventFile, ...]
    records: int = 0
    points: dict[str, int] = field(default_factory=dict)
    last_step: int = 0
    started: float | None = None
    writer: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    is_session: bool = False
    is_damaged: bool = False
    notes: tuple[str, ...] = ()

    @property
    def holds_nothing(self) -> bool:
        """Whether there is at most the mark that each file begins with."""
        return self.records <= len(self.files) and not self.points


def find(top: Path) -> tuple[list[Folder], list[Skipped]]:
    """Every folder at or below `top` with event files that hold something, and those left out."""
    found: list[Folder] = []
    skipped: list[Skipped] = []

    def unreadable(error: OSError) -> None:
        place = os.path.relpath(str(error.filename), top)
        skipped.append(Skipped(place, f"cannot be read: {error.strerror}"))

    for where, folders, names in os.walk(top, onerror=unreadable):
        path = Path(where)
        place = path.relative_to(top)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if _RUN_FILES.issubset(names):
            folders.clear()
            reason = "a run of tracker already: copy its folder into the runs"
            skipped.append(Skipped(str(place), reason))
            continue
        files = tuple(_event_files(path, names, top))
        if not files:
            continue
        folder = _look(path, place.parts, files)
        if folder.holds_nothing:
            reason = "; ".join(folder.notes) or "its event files are empty so far"
            skipped.append(Skipped(str(place), reason, folder.is_damaged))
        else:
            found.append(folder)
    return found, skipped


def _event_files(path: Path, names: list[str], top: Path) -> Iterator[Path]:
    """What TensorBoard would read here, in its order; links that lead out of `top` are none."""
    real_top = os.path.realpath(top)
    for name in sorted(names):
        if INFIX in name and not name.startswith("."):
            file = path / name
            real = os.path.realpath(file)
            if not file.is_symlink() or os.path.commonpath([real_top, real]) == real_top:
                yield file


def _look(path: Path, place: tuple[str, ...], paths: tuple[Path, ...]) -> Folder:
    """What the files hold. One without a whole record yet is left for the next time."""
    files: list[EventFile] = []
    points: dict[str, int] = {}
    last_step, records = 0, 0
    times: list[float] = []
    writer: str | None = None
    settings: dict[str, Any] = {}
    notes: list[str] = []
    is_damaged = False
    for file in paths:
        scalars = read_scalars(file)
        notes += [f"{printable(tag)}: its steps go back somewhere" for tag in scalars.backwards]
        for tag, series in scalars.series.items():
            points[tag] = points.get(tag, 0) + len(series)
            last_step = max(last_step, int(series.steps.max()))
        [report] = scalars.reports
        records += report.records
        files += [EventFile(file, report.size)] if report.records else []
        if report.damage:
            is_damaged = True
            words = f"damaged at byte {report.damage.offset:,} ({report.damage.reason})"
            notes.append(f"{file.name}: {words}; taken up to there")
        begun, wrote = _beginning(file)
        times += [] if begun is None else [begun]
        writer = writer or wrote
        settings = {**_session(file), **settings}
    is_session = bool(settings)
    if not settings:
        settings, left_out = in_yaml(path / "hparams.yaml")
        if left_out:
            notes.append(f"hparams.yaml: not taken over: {', '.join(left_out)}")
    return Folder(
        path=path,
        place=place,
        files=tuple(files),
        records=records,
        points=points,
        last_step=last_step,
        started=min(times, default=None),
        writer=writer,
        settings=settings,
        is_session=is_session,
        is_damaged=is_damaged,
        notes=tuple(notes),
    )


def _beginning(file: Path) -> tuple[float | None, str | None]:
    """When the file begins, in seconds since the epoch, and who wrote it, by its first record."""
    for _, payload in Scan(file):
        try:
            event = Event.FromString(payload)
        except DecodeError:
            break
        writer = printable(event.source_metadata.writer)[:100]
        return event.wall_time if event.wall_time > 0 else None, writer or None
    return None, None


def _session(file: Path) -> dict[str, Any]:
    """The hyper-parameters of the first record for the HParams tab that has some."""
    for block in Scan(file).blocks():
        if _SESSION in block.data:
            for index in range(len(block.starts) - 1):
                payload = block.payload(index)
                if _SESSION in payload and (found := in_record(payload)):
                    return found
    return {}
