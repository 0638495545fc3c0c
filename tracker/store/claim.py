"""A directory that appears whole, under its writer's lock, and for one claimant only.

It is built under a hidden name beside its place, locked there, and renamed: the kernel lets one
directory onto a name, so a race has one winner, and a kill leaves a hidden folder or a whole run.
"""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from tracker.store.files import explain_os_error, sync_directory
from tracker.store.lock import Lock, is_held

LOCK_NAME = ".lock"
BUILDING = ".new-"  # how the hidden name begins
ABANDONED_AFTER = 3600.0  # seconds; building takes milliseconds
_TAKEN = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}


def claim(
    wanted: Path, fill: Callable[[Path, Lock], None], *, again: bool
) -> tuple[Path, Lock] | None:
    """Make the directory `wanted`, with what `fill(its hidden path, its lock)` writes into it.

    Returns its final path and its lock, held by this process, or None where the name is taken.
    With `again` it is then called wanted.2, wanted.3, …: the first that is free. Raises Unavailable
    where the disk refuses. Whatever is raised, nothing is left behind.
    """
    parent = wanted.parent
    with explain_os_error("create a run in", parent):
        parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(parent)
        # Not mkdtemp: its 0700 would hide the run from the people it is shared with.
        building = parent / f"{BUILDING}{os.getpid()}-{os.urandom(4).hex()}"
        building.mkdir()
        lock = None
        try:
            lock = Lock(building / LOCK_NAME)
            fill(building, lock)
            sync_directory(building)
            place = _move(building, wanted, again=again)
            if place is not None:
                lock.path = place / LOCK_NAME
                sync_directory(parent)
                return place, lock
        except BaseException:
            _abandon(building, lock)
            raise
        _abandon(building, lock)
        return None


def _move(building: Path, wanted: Path, *, again: bool) -> Path | None:
    place = wanted
    for number in itertools.count(2):
        if rename_free(building, place):
            return place
        if not again:
            return None
        place = wanted.with_name(f"{wanted.name}.{number}")
    raise AssertionError("numbers ended")


def rename_free(folder: Path, place: Path) -> bool:
    """Rename `folder` to `place`; False, with nothing changed, where that name is taken.

    Raises OSError.
    """
    try:
        folder.rename(place)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        return False
    return True


def _abandon(building: Path, lock: Lock | None) -> None:
    if lock is not None:
        lock.release()
    shutil.rmtree(building, ignore_errors=True)  # what stays is hidden, and removed an hour later


def _remove_abandoned(parent: Path) -> None:
    for path in abandoned(parent):
        shutil.rmtree(path, ignore_errors=True)


def abandoned(parent: Path) -> list[Path]:
    """What processes killed while building left behind in `parent`."""
    return [
        path
        for path in sorted(parent.glob(f"{BUILDING}*"))
        if _age(path) > ABANDONED_AFTER and not is_held(path / LOCK_NAME)
    ]


def _age(path: Path) -> float:
    """Seconds since something was made in `path`; 0 where it is gone, its owner being at work."""
    try:
        return time.time() - path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0
