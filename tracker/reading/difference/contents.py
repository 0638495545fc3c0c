"""What the files of a run say, as far as they can be read; for the rest, a line that says why."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tracker.errors import Damaged, Unavailable, printable
from tracker.events.reader import Series, read_scalars
from tracker.reading.difference.code import Code
from tracker.store.files import explain_os_error, read_bytes, read_json
from tracker.store.git import PATCH_LIMIT
from tracker.store.run import Run
from tracker.store.status import RunState
from tracker.store.summary import Summary


@dataclass
class Contents:
    """A run's files, read. `name` is what the lines call the run.

    `damaged` tells of files that are there and can't be read, `absent` of those that a run of
    tracker's own would have. What is not known is None or empty.
    """

    name: str
    experiment: Mapping[str, Any] | None = None
    provenance: Mapping[str, Any] | None = None
    state: RunState | None = None
    step: int | None = None
    summary: Summary = field(default_factory=Summary)
    patch: bytes | None = b""
    curves: Mapping[str, Series] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)

    @property
    def code(self) -> Code:
        """What is said of the code. Where it is None there is a reason."""
        provenance = self.provenance or {}
        facts, missing = provenance.get("code"), provenance.get("code_missing")
        if isinstance(facts, dict):
            return Code(facts, None, self.patch)
        return Code(None, str(missing or "nothing was recorded"), self.patch)

    @contextmanager
    def noting(self, path: Path) -> Iterator[None]:
        """Make a line of what is wrong with the file at `path`, and go on after the block."""
        try:
            yield
        except (Damaged, Unavailable) as error:
            self.damaged.append(f"{path.name} of {self.name} can't be read: {error}")


def read_contents(run: Run, name: str) -> Contents:
    """Read what `run` has, event files included; never raises for what it finds there."""
    found = Contents(name)
    found.experiment = _object(found, run.experiment_file)
    found.provenance = _object(found, run.provenance_file)
    if _is_there(found, run.status_file):
        with found.noting(run.status_file):
            status, found.state = run.look()
            found.step = status.step
    with found.noting(run.summary_file):
        found.summary = run.summary()
    found.patch = _patch(found, run.patch_file)
    _read_curves(found, run.path)
    return found


def _object(found: Contents, path: Path) -> Mapping[str, Any] | None:
    if not _is_there(found, path):
        return None
    with found.noting(path):
        document = read_json(path)
        if not isinstance(document, dict):
            raise Damaged(f"{printable(str(path))} holds no JSON object")
        return document
    return None


def _is_there(found: Contents, path: Path) -> bool:
    is_there = os.path.lexists(path)
    if not is_there:
        found.absent.append(f"{found.name} has no {path.name}")
    return is_there


def _patch(found: Contents, path: Path) -> bytes | None:
    code = (found.provenance or {}).get("code")
    is_due = isinstance(code, dict) and code.get("dirty") and code.get("patch_missing") is None
    if not os.path.lexists(path):
        return None if is_due else b""
    with found.noting(path):
        return read_bytes(path, PATCH_LIMIT)
    return None


def _read_curves(found: Contents, path: Path) -> None:
    with found.noting(path), explain_os_error("read the event files in", path):
        scalars = read_scalars(path)
        found.curves = scalars.series
        for report in scalars.reports:
            if report.damage is not None:
                where = f"byte {report.damage.offset}: {report.damage.reason}"
                file = printable(report.path.name)
                found.damaged.append(
                    f"{file} of {found.name} is damaged and read up to there ({where})"
                )
