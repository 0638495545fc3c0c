"""What tells a run taken over from elsewhere: where its event files came from, byte by byte.

It stands in experiment.json, since nothing was asked of tracker there: such a run can be looked at
and compared, not trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tracker.errors import Damaged, printable
from tracker.events.record import INFIX
from tracker.store.files import read_json
from tracker.store.run import Run
from tracker.store.shape import COUNT, NONE, TEXT, Shape, fields
from tracker.tags import Goal

IMPORTED = "imported"  # the field of experiment.json that says so


@dataclass(frozen=True, kw_only=True)
class Copied:
    """An event file of the run, `name`, and the one it was made of.

    `source` is that one's path below the folder imported from. Its first `taken` bytes, whole
    records of this `sha256`, became `size` bytes here. `suffix` was added to the tags, as in
    "epoch_loss/train"; where it is empty, the bytes are the same.
    """

    name: str
    source: str
    suffix: str
    taken: int
    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Imported:
    """Where a run was imported from, and what the person said about its series instead of us.

    `compared` is what the import has written as the metric to compare by: where another stands
    there now, a person put it there. None if that is not known.
    """

    origin: str
    files: tuple[Copied, ...]
    metric: str | None = None
    goals: Mapping[str, Goal] = field(default_factory=dict)
    compared: str | None = None

    def to_document(self) -> dict[str, Any]:
        """The JSON object under "imported" in experiment.json."""
        return {
            "from": self.origin,
            "files": [asdict(one) for one in self.files],
            "metric": self.metric,
            "goals": dict(self.goals),
            "compared": self.compared,
        }


_IMPORTED: Shape = {"from": TEXT, "files": (list,), "metric": (str, NONE), "goals": (dict,)}
_COPIED: Shape = {
    "name": TEXT,
    "source": TEXT,
    "suffix": TEXT,
    "taken": COUNT,
    "sha256": TEXT,
    "size": COUNT,
}


def read_imported(run: Run) -> Imported | None:
    """Where `run` came from; None where tracker trained it. Raises Damaged or Unavailable."""
    document, where = read_json(run.experiment_file), printable(str(run.experiment_file))
    if not isinstance(document, dict) or IMPORTED not in document:
        return None
    found = fields(document[IMPORTED], _IMPORTED, f"{where}: imported")
    compared = document[IMPORTED].get("compared")
    if any(goal not in ("max", "min") for goal in found["goals"].values()):
        raise Damaged(f"{where}: imported: a goal is neither max nor min")
    return Imported(
        origin=found["from"],
        files=tuple(_copied(one, f"{where}: imported: files") for one in found["files"]),
        metric=found["metric"],
        goals=found["goals"],
        compared=compared if isinstance(compared, str) else None,
    )


def _copied(value: Any, where: str) -> Copied:
    one = Copied(**fields(value, _COPIED, where))
    # The file may come from another machine: its names are not to lead elsewhere.
    if not (Path(one.name).name == one.name and INFIX in one.name and "\0" not in one.name):
        raise Damaged(f"{where}: {printable(one.name)[:80]} is no event file of the run")
    return one
