"""Makes runs of event files that tracker did not write, and keeps them up to date with these.

What is made can be listed, shown, compared and browsed as our own runs are. Nothing is overwritten,
and nothing is changed where it came from.
"""

from __future__ import annotations

import os
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import reduce
from pathlib import Path
from typing import Any, Literal, TypeAlias

from tracker import tags
from tracker.errors import Busy, Damaged, UsageError, printable
from tracker.events.reader import read_scalars
from tracker.reading.adopting.account import account, provenance, status
from tracker.reading.adopting.copying import copy, has_kept, renamed
from tracker.reading.adopting.goals import main_metric
from tracker.reading.adopting.grouping import Group, safe
from tracker.reading.adopting.logdir import EventFile
from tracker.store.claim import claim
from tracker.store.files import read_json, write_json
from tracker.store.imported import IMPORTED, Copied, Imported, read_imported
from tracker.store.index import all_runs
from tracker.store.lock import Lock
from tracker.store.run import Run
from tracker.tags import Goal

Action: TypeAlias = Literal["new", "grown", "same"]
TAG = "imported"  # the word by which `tracker ls --tag` finds these runs
_NAME_LIMIT = 255  # bytes
_NOTHING = ""  # sha256 of what has not been read yet


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """What one group of folders becomes: `files` pairs each original with what was taken of it.

    `origin` is the group's own folder. `points` counts those of each series, by the name it has in
    the run. `before` is what the run has as experiment.json, None if there is no run yet.
    """

    run: Run
    group: Group
    origin: Path
    files: tuple[tuple[EventFile, Copied], ...]
    points: Mapping[str, int]
    before: Mapping[str, Any] | None
    metric: str | None  # as somebody said, now or at an earlier import
    goals: Mapping[str, Goal]
    written: str | None  # what an import wrote last to compare it by
    ours: str = ""  # what this one writes, unless a person has: `metric`, or what is thought best

    @property
    def compared(self) -> str:
        """The series it is compared by: a person's own word in the file is kept."""
        standing = _block(self.before, "compare").get("metric")
        if self.written is not None and standing != self.written and standing in self.points:
            return str(standing)
        return self.ours

    @property
    def action(self) -> Action:
        """What is to be done."""
        if self.before is None:
            return "new"
        grown = any(
            original.size > copied.taken or _size(self.run.path / copied.name) < copied.size
            for original, copied in self.files
        )
        asked = self.document([copied for _, copied in self.files])
        return "grown" if grown or asked != self.before else "same"

    def document(self, copied: Sequence[Copied]) -> dict[str, Any]:
        """The JSON object of experiment.json. What a person wrote into it since is kept."""
        files = tuple(copied)
        imported = Imported(
            origin=str(self.origin),
            files=files,
            metric=self.metric,
            goals=self.goals,
            compared=self.ours,
        )
        return {
            "version": 1,
            "name": self.group.experiment,
            "description": "",
            "tags": [TAG],
            "variant": self.group.variant,
            "seed": self.group.seed,
            **(self.before or {}),
            "settings": {**self.group.settings, **_block(self.before, "settings")},
            "compare": {
                "by": "variant",
                **_block(self.before, "compare"),
                "metric": self.compared,
            },
            IMPORTED: imported.to_document(),
        }


def plan(
    root: Path,
    top: Path,
    groups: Sequence[Group],
    *,
    metric: str | None = None,
    goals: Mapping[str, Goal] | None = None,
    damaged: Collection[str] = (),
) -> list[Adoption]:
    """What importing these groups of folders below `top` would do; changes nothing.

    `metric` and `goals` are what the person says of series instead of us; `damaged` are folders
    below `top` of which nothing can be read. Raises UsageError where two groups would be one run
    or a series is unknown, and Busy, naming every run in the way.
    """
    top = Path(os.path.realpath(top))
    found: dict[Run, Group] = {}
    for group in groups:
        run = Run.named(root, group.experiment, group.variant, group.seed)
        if run in found:
            raise UsageError(
                f"{_place(found[run])} and {_place(group)} would both be {printable(run.id)}; "
                r"--map says how to tell them apart, as in --map '(?P<variant>.+)/(?P<seed>\d+)'"
            )
        found[run] = group
    adoptions, conflicts = [], []
    for run, group in found.items():
        try:
            adoptions.append(_adoption(run, top.joinpath(*group.place), group))
        except (Busy, Damaged) as error:
            conflicts.append(f"  {printable(run.id)} {error}")
    conflicts += _spoilt(root, top, damaged)
    if conflicts:
        lines = "\n".join(conflicts)
        raise Busy(
            f"{len(conflicts)} of these runs exist already:\n{lines}\n"
            "--name NAME imports them into another experiment, `tracker rm` makes room"
        )
    return _judged(adoptions, metric, goals or {})


def carry_out(adoption: Adoption) -> Action:
    """Make the run, or bring it up to date; killed halfway, doing it again does the rest.

    Raises Busy where another process was faster, Unavailable where the disk refuses.
    """
    action = adoption.action
    if action == "new":
        claimed = claim(adoption.run.path, lambda path, _: _fill(Run(path), adoption), again=False)
        if claimed is None:
            raise Busy(f"{printable(adoption.run.id)} was made by another process meanwhile")
        _, lock = claimed
        lock.free_reserve()
        lock.release()
    elif action == "grown":
        lock = Lock(adoption.run.lock_file, reserve=False)
        try:
            if read_json(adoption.run.experiment_file) != adoption.before:
                raise Busy(f"{printable(adoption.run.id)} was changed meanwhile; import again")
            _fill(adoption.run, adoption)
        finally:
            lock.release()
    return action


def _fill(run: Run, adoption: Adoption) -> None:
    """Write every file of the run: experiment.json, which vouches for the events, after these."""
    copied = [copy(file.path, run.path / one.name, one) for file, one in adoption.files]
    first = adoption.files[0][0].path
    begin = min(
        (part.folder.started for part in adoption.group.parts if part.folder.started is not None),
        default=first.stat().st_mtime,
    )
    writer = next((p.folder.writer for p in adoption.group.parts if p.folder.writer), None)
    # What was just copied is trusted to be sound.
    series = read_scalars(run.path, check=False).series
    found = account(series, adoption.goals, begin)
    write_json(run.summary_file, found.summary.to_document(found.step, found.epoch))
    write_json(run.provenance_file, provenance(found, first.name, adoption.origin, writer))
    write_json(run.experiment_file, adoption.document(copied))
    write_json(run.status_file, status(found, first.name))


def _adoption(run: Run, origin: Path, group: Group) -> Adoption:
    """Raises Busy where the run exists and is not what these files were, or Damaged."""
    imported, before = _known(run, origin)
    known = {copied.source: copied for copied in imported.files} if imported else {}
    files = []
    for part in group.parts:
        for file in part.folder.files:
            fresh = _fresh(file.path, part.folder.place[len(group.place) :], part.suffix)
            files.append((file, known.pop(fresh.source, fresh)))
    if known:
        gone = ", ".join(map(printable, sorted(known)))
        raise Busy(f"was imported from here, but {gone} is gone, or belongs to another run now")
    for file, copied in files:
        if copied.taken and not has_kept(file.path, copied):
            raise Busy(f"was imported from here, but {printable(copied.source)} was changed since")
    points: Counter[str] = Counter()
    for part in group.parts:
        for tag, count in part.folder.points.items():
            points[renamed(tag, part.suffix)] += count
    return Adoption(
        run=run,
        group=group,
        origin=origin,
        files=tuple(files),
        points=points,
        before=before,
        metric=imported.metric if imported else None,
        goals=imported.goals if imported else {},
        written=imported.compared if imported else None,
    )


def _known(run: Run, origin: Path) -> tuple[Imported | None, Mapping[str, Any] | None]:
    """What the run says of where it came from, and its whole document; None if there is no run."""
    if not os.path.lexists(run.path):
        return None, None
    imported = read_imported(run)
    if imported is None:
        raise Busy(f"exists ({run.state()}), and was trained here")
    if imported.origin != str(origin):
        raise Busy(f"was imported from {printable(imported.origin)}")
    return imported, read_json(run.experiment_file)


def _fresh(path: Path, below: tuple[str, ...], suffix: str) -> Copied:
    """The record of a file of which nothing was taken yet; `below`: its folder within the run's."""
    place = "/".join(below)
    name = f"{path.name}.{safe(place)}" if below else path.name
    if not name.isprintable() or len(name.encode("utf-8", "surrogateescape")) > _NAME_LIMIT:
        whole = os.fsencode(f"{place}/{path.name}")
        # What sorts files is at the beginning: "events.out.tfevents." and the seconds.
        name = f"{safe(path.name[:60])}-{zlib.crc32(whole):08x}"
    source = f"{place}/{path.name}" if below else path.name
    return Copied(name=name, source=source, suffix=suffix, taken=0, sha256=_NOTHING, size=0)


def _spoilt(root: Path, top: Path, damaged: Collection[str]) -> Iterator[str]:
    """The runs that were imported from folders where nothing can be read any more."""
    origins = {str(top / place) for place in damaged}
    for run in all_runs(root) if origins else ():
        imported = read_imported(run)
        if imported and imported.origin in origins:
            yield f"  {printable(run.id)} was imported from here, but it is damaged since"


def _block(document: Mapping[str, Any] | None, key: str) -> Mapping[str, Any]:
    block = (document or {}).get(key)
    return block if isinstance(block, dict) else {}


def _judged(
    adoptions: Sequence[Adoption], metric: str | None, goals: Mapping[str, Goal]
) -> list[Adoption]:
    """Give each the series it is compared by: one that all of them have, if there is one."""
    known = sorted({tag for one in adoptions for tag in one.points})
    for tag in (*goals, *([metric] if metric else [])):
        if known and tag not in known:
            near = get_close_matches(tag, known, 5, 0.3) or known[:5]
            raise UsageError(
                f"none of these runs has a series {tag!a}; there are "
                f"{', '.join(map(printable, near))}"
            )
    common = (
        reduce(set.intersection, (set(one.points) for one in adoptions)) if adoptions else set()
    )
    shared = main_metric(common)
    return [
        replace(
            one,
            metric=metric or one.metric,
            goals={**one.goals, **{tag: goal for tag, goal in goals.items() if tag in one.points}},
            # Said now, it overrules what a person wrote into the file before.
            written=None if metric else one.written,
            ours=metric
            or one.metric
            or shared
            or main_metric(one.points.keys())
            or tags.ACCURACY_VAL,
        )
        for one in adoptions
    ]


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _place(group: Group) -> str:
    return printable("/".join(group.place) or ".")
