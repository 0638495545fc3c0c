"""Is this a good place to keep runs? Disk, permissions, locks and clocks, tried where it counts."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tracker.errors import Unavailable
from tracker.reading.checkup.finding import Finding, fine, unfit, warning
from tracker.store.claim import BUILDING, LOCK_NAME
from tracker.store.files import explain_os_error, write_atomic
from tracker.store.lock import Lock

TIGHT, LOW = 200 * 10**6, 5 * 10**9  # bytes: less than a few checkpoints; less than a long night
FEW_FILES = 1000
SKEW = 2.0  # seconds that two clocks may differ
MOUNTS = Path("/proc/self/mounts")
_BEGAN = 1_735_689_600.0  # 2025-01-01 UTC: no clock that is right shows less
_BRIEF = {"tmpfs", "ramfs"}  # in memory


class Mount(NamedTuple):
    """Where a file system hangs in the tree, of what kind it is, and its options."""

    place: Path
    kind: str
    options: frozenset[str]


def check(root: Path) -> Iterator[Finding]:
    """Look at the folder of the runs, or at that in which it would be made."""
    place = _existing(root)
    yield _space(place)
    yield _file_count(place)
    yield from _file_system(place)
    yield from _folder(root, place)


def _existing(path: Path) -> Path:
    path = path.absolute()
    return next(one for one in (path, *path.parents) if one.is_dir())


def _space(place: Path) -> Finding:
    facts = os.statvfs(place)
    free, total = facts.f_bavail * facts.f_frsize, facts.f_blocks * facts.f_frsize
    unit, name = (1e9, "GB") if total >= 1e9 else (1e6, "MB")
    words = f"{free / unit:,.1f} of {total / unit:,.1f} {name} free at {place}"
    if free < TIGHT:
        return unfit("disk", words, "free some space: a checkpoint may not fit (`tracker gc`)")
    if free < LOW:
        return warning("disk", words, "free some space before a long run (`tracker gc`)")
    return fine("disk", words)


def _file_count(place: Path) -> Finding:
    facts = os.statvfs(place)
    if not facts.f_files:
        return fine("files", "the file system sets no limit to their number")
    words = f"{facts.f_favail:,} more can be made"
    if facts.f_favail < FEW_FILES:
        return unfit("files", words, "remove many small ones: the disk is out of inodes")
    return fine("files", words)


def _file_system(place: Path) -> Iterator[Finding]:
    mount = mount_of(place)
    if mount is None:
        return
    if mount.kind in _BRIEF:
        yield warning(
            "file system", f"{mount.kind}: runs are gone after a reboot", "name a disk with --runs"
        )
    elif mount.kind.startswith("nfs") and {"nolock", "local_lock=all", "local_lock=posix"} & (
        mount.options
    ):
        yield warning(
            "file system",
            f"{mount.kind} without locks: two computers could write one run at once",
            "mount it without nolock, or start runs from one computer only",
        )
    else:
        yield fine("file system", f"{mount.kind} at {mount.place}")


def mount_of(place: Path) -> Mount | None:
    """The file system that holds `place`, or None where the system does not say."""
    try:
        lines = MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    real, found = place.resolve(), None
    for line in lines:
        _, at, kind, options, *_ = line.split(" ")
        where = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), at))
        # Of two on one place the later one covers the earlier.
        if real.is_relative_to(where) and (not found or len(where.parts) >= len(found.place.parts)):
            found = Mount(where, kind, frozenset(options.split(",")))
    return found


def _folder(root: Path, place: Path) -> Iterator[Finding]:
    """Try out what a run does: make a folder, write a file and rename it, take a lock."""
    if not root.is_dir():
        yield _would_be_made(root, place)
        return
    probe = root / f"{BUILDING}doctor-{os.getpid()}"  # a kill leaves it to `tracker gc`
    try:
        with explain_os_error("write in", root):
            probe.mkdir()
        try:
            write_atomic(probe / "probe", "probe\n")
            written = (probe / "probe").stat().st_mtime
            lock = Lock(probe / LOCK_NAME)
            lock.release()
        finally:
            shutil.rmtree(probe, ignore_errors=True)
    except Unavailable as error:
        yield unfit("folder", str(error), "")
        return
    yield fine("folder", f"{root} can be written")
    if lock.kernel:
        yield fine("locks", "the file system has them")
    else:
        yield warning(
            "locks",
            "the file system has none: whether a run is alive is known on its own computer only",
            "start and resume runs from one computer, or name another disk with --runs",
        )
    yield _clock(time.time(), written)


def _would_be_made(root: Path, place: Path) -> Finding:
    if root.exists():
        return unfit("folder", f"{root} is no folder", "move it away, or name another with --runs")
    if not os.access(place, os.W_OK | os.X_OK):
        return unfit(
            "folder",
            f"{root} is not there and cannot be made in {place}",
            "check who owns it, or name another with --runs",
        )
    return fine("folder", f"{root} is not there yet; the first run makes it")


def _clock(now: float, written: float) -> Finding:
    """`now` by this machine's clock, and `written` by that of the disk, at the same moment."""
    words = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    remedy = "let NTP set it: TensorBoard sorts files and points by time"
    if now < _BEGAN:
        return unfit("clock", words, remedy)
    if abs(now - written) > SKEW:
        return warning("clock", f"{words}, but the disk's is {written - now:+.0f} s off", remedy)
    return fine("clock", words)
