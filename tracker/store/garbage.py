"""What nobody needs any more: found by the names that tracker gives, never what a person put there.

Nothing of a run that is being written is looked at.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tracker.errors import Busy, Damaged, Unavailable
from tracker.store import trash
from tracker.store.claim import abandoned
from tracker.store.files import explain_os_error
from tracker.store.index import all_runs, folders
from tracker.store.manifest import Manifest
from tracker.store.run import Run
from tracker.store.trash import Bag, Trash

KEPT_DAYS = 30  # in the trash, unless a person says otherwise


@dataclass(frozen=True)
class Garbage:
    """A file or folder that can go, what it is in words, and the bytes in it."""

    kind: str
    path: Path
    size: int


def find(root: Path, before: datetime) -> list[Garbage]:
    """All garbage under `root`; what might still be wanted back only if it is from `before`."""
    found = [_garbage("deletion cut short", path) for path in trash.leftovers(root)]
    found += [_garbage("removed runs", bag.path) for bag in _old(root, before)]
    found += _half_made(root)
    for run in all_runs(root):
        with contextlib.suppress(Unavailable):  # another person's, not to be read
            if run.state() != "running":
                found += in_run(run, before)
    return found


def collect(root: Path, before: datetime) -> tuple[list[Garbage], list[str]]:
    """Delete what `find` finds. Returns what is gone, and why the rest is not, a line for each.

    A run taken up meanwhile is left alone. Raises Busy while another process changes the trash.
    Killed halfway, doing it again does the rest.
    """
    gone, reasons = [], []
    for work in (_empty_trash(root, before), _clean_folders(root), _clean_runs(root, before)):
        for one in work:
            if isinstance(one, Garbage):
                gone.append(one)
            else:
                reasons.append(str(one))
    return gone, reasons


def size_of(path: Path) -> int:
    """The bytes in a file, or in all files below a folder; what goes meanwhile counts nothing."""
    if path.is_symlink() or not path.is_dir():
        return _length(path)
    return sum(_length(Path(where, name)) for where, _, names in os.walk(path) for name in names)


def _length(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def _garbage(kind: str, path: Path) -> Garbage:
    return Garbage(kind, path, size_of(path))


def _old(root: Path, before: datetime) -> list[Bag]:
    return [bag for bag in trash.bags(root) if bag.removed <= before]


def _half_made(root: Path) -> list[Garbage]:
    variants = [variant for experiment in folders(root) for variant in folders(experiment)]
    return [
        _garbage("half-made run", path) for place in (root, *variants) for path in abandoned(place)
    ]


def in_run(run: Run, before: datetime) -> list[Garbage]:
    """What a run that nobody writes has no use for. Raises Unavailable."""
    with explain_os_error("look for garbage in", run.path):
        found = [_garbage("left by a kill", path) for path in run.leftovers(_manifest(run))]
        if _is_finished(run) and run.lost.is_dir():  # then what was lost has been made again
            age = run.lost.stat().st_mtime
            found += [_garbage("lost events", run.lost)] * (age <= before.timestamp())
    return found


def _manifest(run: Run) -> Manifest:
    try:
        return run.manifest()
    except Damaged:
        return Manifest()


def _is_finished(run: Run) -> bool:
    try:
        return run.status().state == "finished"
    except Damaged:
        return False


def _empty_trash(root: Path, before: datetime) -> Iterator[Garbage | Unavailable]:
    if not (root / trash.FOLDER).is_dir():
        return
    with Trash(root) as opened:
        for path in trash.leftovers(root):
            yield from _delete([_garbage("deletion cut short", path)])
        for bag in _old(root, before):
            one = _garbage("removed runs", bag.path)
            try:
                opened.delete(bag)
            except Unavailable as error:
                yield error
            else:
                yield one


def _clean_folders(root: Path) -> Iterator[Garbage | Unavailable]:
    yield from _delete(_half_made(root))


def _clean_runs(root: Path, before: datetime) -> Iterator[Garbage | Damaged | Unavailable]:
    for run in all_runs(root):
        try:
            if in_run(run, before):
                with trash.unwritten(run):
                    yield from _delete(in_run(run, before))
        except Busy:
            continue
        except (Damaged, Unavailable) as error:
            yield error


def _delete(found: list[Garbage]) -> Iterator[Garbage | Unavailable]:
    for one in found:
        try:
            with explain_os_error("delete", one.path):
                if one.path.is_dir() and not one.path.is_symlink():
                    shutil.rmtree(one.path)
                else:
                    one.path.unlink(missing_ok=True)
        except Unavailable as error:
            yield error
        else:
            yield one
