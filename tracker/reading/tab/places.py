"""Which folders under a log directory are runs, ours and others', and whether they changed."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_EVENTS = "tfevents"  # TensorBoard takes every file with this in its name for an event file
_OURS = frozenset({"experiment.json", "status.json"})
_TELLING = frozenset({*_OURS, "summary.json"})
_AGGREGATES = "compare"  # <root>/compare/<experiments>/<group> mean
# Folders that are looked into, at most: a log directory may be the root of a disk.
_FOLDERS = 20_000
_FOR_ONE = 2_000


@dataclass(frozen=True)
class Place:
    """A run's folder, links resolved, and what TensorBoard calls it. `files` tell of changes."""

    path: Path
    name: str
    is_ours: bool
    files: tuple[tuple[str, int, int], ...]

    @property
    def experiment(self) -> str:
        """The experiment that a run of ours belongs to, by its place."""
        return self.path.parts[-3] if len(self.path.parts) > 2 else ""


def places(logdir: Path, remarks: list[str]) -> list[Place]:
    """Every run under `logdir`, by name; links are followed, as TensorBoard does. Never raises.

    Where there are more than 20,000 folders the others are left out, and `remarks` gets a line.
    """
    walk = _Walk(logdir, _FOLDERS)
    found = sorted(walk, key=lambda place: place.name)
    if walk.waiting:
        remarks.append(
            f"there are more than {_FOLDERS:,} folders here, and the rest was not looked into: "
            "start TensorBoard in one that holds fewer to see every run"
        )
    return found


def any_run(logdir: Path) -> bool:
    """Whether there is a run at all; looks no further than the first, or 2,000 folders."""
    return next(iter(_Walk(logdir, _FOR_ONE)), None) is not None


def version(found: Iterable[Place]) -> str:
    """A word that changes when a file of these runs does."""
    told = repr([(str(place.path), place.files) for place in found])
    return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:20]


class _Walk:
    """The runs under a folder, of which at most so many are looked into; the rest is `waiting`."""

    def __init__(self, logdir: Path, most: int) -> None:
        self.waiting = [(str(logdir), "")]
        self._most = most

    def __iter__(self) -> Iterator[Place]:
        seen: set[str] = set()
        while self.waiting and len(seen) < self._most:
            path, name = self.waiting.pop()
            real = os.path.realpath(path)
            if real in seen:
                continue
            seen.add(real)
            folders, files = _look(real)
            is_ours = any(file in _OURS for file, *_ in files)
            if is_ours or any(_EVENTS in file for file, *_ in files):
                yield Place(Path(real), name or ".", is_ours, files)
            if not is_ours:
                self.waiting += [
                    (f"{real}/{each}", f"{name}/{each}".lstrip("/")) for each in folders
                ]


def _look(path: str) -> tuple[list[str], tuple[tuple[str, int, int], ...]]:
    """The folders in one, and its files that tell of a run: name, size, time of change."""
    folders, files = [], []
    is_of_aggregates = Path(path).parent.name == _AGGREGATES
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                # A link that leads nowhere, or in a circle, is an entry by itself and no more.
                with contextlib.suppress(OSError):
                    if entry.is_dir():
                        if not is_of_aggregates:
                            folders.append(entry.name)
                    elif entry.name in _TELLING or _EVENTS in entry.name:
                        facts = entry.stat()
                        files.append((entry.name, facts.st_size, facts.st_mtime_ns))
    except OSError:  # gone meanwhile, or not ours to look into
        return [], ()
    return folders, tuple(sorted(files))
