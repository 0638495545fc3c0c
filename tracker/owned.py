"""What a run writes to, in place: that very file or folder of its own, or nothing.

A run may come from somebody else. A link, a pipe or a device under one of its names would lead what
we write elsewhere, or have us wait for ever.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from tracker.errors import Damaged, printable

# What open(2) says of a link (ELOOP; BSD: EMLINK), a pipe nobody reads, a device, a folder.
_STRANGE = {errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.ENODEV, errno.EISDIR}


def own(path: str | Path, flags: int) -> int:
    """Open the regular file at `path`, an `opener` for `open`: never a link's target, never a pipe.

    Raises Damaged where it is something else, and OSError.
    """
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno in _STRANGE:
            refuse_strange(Path(path))
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _damaged(Path(path), "is no regular file")
    return descriptor


def own_folder(path: Path) -> None:
    """Make the folder at `path`, unless it is there. Raises Damaged for a link, and OSError."""
    path.mkdir(exist_ok=True)
    refuse_strange(path, folder=True)


def refuse_strange(path: Path, *, folder: bool = False) -> None:
    """Raise Damaged where `strange` finds a fault."""
    fault = strange(path, folder=folder)
    if fault:
        raise _damaged(path, fault)


def strange(path: Path, *, folder: bool = False) -> str | None:
    """What is wrong with what stands in place of a file, or a `folder`; None where nothing stands.

    Raises OSError.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(mode):
        return f"is a link to {printable(os.fsdecode(path.readlink()))}"
    if folder:
        return None if stat.S_ISDIR(mode) else "is no folder"
    return None if stat.S_ISREG(mode) else "is no regular file"


def set_aside(path: Path, lost: Path, name: str) -> Path:
    """Move `path` into the folder `lost`, under a new name that ends in `name`; return its place.

    Raises Damaged where `lost` is a link, and OSError.
    """
    own_folder(lost)
    target = next(
        place
        for number in range(1, 1_000_000)
        if not os.path.lexists(place := lost / f"{number:03d}-{name}")
    )
    return path.replace(target)


def _damaged(path: Path, fault: str) -> Damaged:
    remedy = "a run writes to what is its own alone: put that in its place, or delete it"
    return Damaged(f"{printable(str(path))} {fault}; {remedy}")
