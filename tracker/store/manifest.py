"""checkpoints/manifest.json: which checkpoints a run has committed, and what their bytes were.

Read without torch, so that a light command can tell a good checkpoint from a damaged one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tracker.errors import Damaged, printable
from tracker.events.record import INFIX
from tracker.store.shape import COUNT, NONE, SCHEMA_VERSION, TEXT, Shape, fields, read_document

CHECKPOINT = re.compile(r"step-(\d{8,})(?:\.\d+)?\.pt")  # the names `file_name` gives


def step_of(path: Path) -> int:
    """The step of the checkpoint in the file of that name, one that `CHECKPOINT` fits."""
    return int(path.name.removeprefix("step-").partition(".")[0])


@dataclass(frozen=True)
class Entry:
    """One checkpoint. `events`: how many bytes of each event file were on the disk before it.

    Raises ValueError for a name of another kind than a run's own files have.
    """

    file: str
    step: int
    sha256: str
    events: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # A manifest may come from another machine: its names are not to lead elsewhere.
        match = CHECKPOINT.fullmatch(self.file)
        if match is None or match[1] != f"{self.step:08d}":
            raise ValueError(f"no checkpoint of step {self.step!r} is called {self.file!r}")
        for name, length in self.events.items():
            is_plain = Path(name).name == name and INFIX in name and "\0" not in name
            if not is_plain or type(length) is not int or length < 0:
                raise ValueError(f"no event file is called {name!r} or {length!r} bytes long")


@dataclass(frozen=True)
class Manifest:
    """The checkpoints of a run: `kept` oldest first, and the best so far."""

    kept: tuple[Entry, ...] = ()
    best: Entry | None = None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every checkpoint named, each once."""
        return (*self.kept, *(one for one in (self.best,) if one and one not in self.kept))

    @property
    def files(self) -> set[str]:
        """The names this manifest needs on disk."""
        return {entry.file for entry in self.entries}

    def file_name(self, step: int) -> str:
        """The name for a new checkpoint of `step`: never one that this manifest vouches for."""
        # One step has two at most already: one kept, and the best.
        names = (f"step-{step:08d}{again}.pt" for again in ("", ".2", ".3"))
        return next(name for name in names if name not in self.files)

    def to_document(self) -> dict[str, Any]:
        """The JSON object of manifest.json."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}


_SHAPE: Shape = {"kept": (list,), "best": (dict, NONE)}
_ENTRY: Shape = {"file": TEXT, "step": COUNT, "sha256": TEXT, "events": (dict,)}


def read_manifest(path: Path) -> Manifest:
    """The Manifest in `path`; an empty one where nothing was ever saved.

    Raises Damaged where the file is torn, of another shape or from a newer tracker, and
    Unavailable where it may not be read.
    """
    if not os.path.lexists(path):
        return Manifest()
    document, where = read_document(path, _SHAPE), printable(str(path))
    kept = tuple(_entry(value, f"{where}: kept") for value in document["kept"])
    best = document["best"]
    return Manifest(kept, None if best is None else _entry(best, f"{where}: best"))


def _entry(value: Any, where: str) -> Entry:
    try:
        return Entry(**fields(value, _ENTRY, where))
    except ValueError as error:
        raise Damaged(f"{where}: {printable(str(error))}") from error
