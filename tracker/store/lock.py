"""One writer per run: a kernel lock that ends with its process, however that ends.

POSIX record locks (fcntl), not flock: a flock is inherited by what a user forks, and
outlives a killed trainer until the last of that is gone. Their price is a trap: *any* close() of
the file anywhere in the owning process drops the lock. So the owner opens the file once, asks
`_held` instead of opening it again, and takes the lock anew with every write (`Lock.confirm`),
which also mends a lock that foreign code in the process (a copy of the run folder, say) lost.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import sys
import threading
from pathlib import Path

from tracker.errors import Busy, printable
from tracker.owned import own
from tracker.store.files import explain_os_error

RESERVE = 8192  # bytes: a file of one block, and what a directory may need to name it

# struct flock: Linux has (type, whence, start, length, pid), macOS and BSD another order.
_LINUX = sys.platform.startswith("linux")
_FLOCK = struct.Struct("hhqqi4x" if _LINUX else "qqihh")
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}

# The locks of this process, by (device, inode); a forked child finds its parent's and must not
# believe them, hence `Lock.pid`.
_held: dict[tuple[int, int], Lock] = {}
_guard = threading.Lock()


class Lock:
    """The lock of one run directory, held by this process until `release` or its death.

    `kernel` is False where the file system has no locks (some network mounts): then only the
    process recorded in status.json says whether the run is alive. The file holds a reserve of
    8 KiB, so that on a full disk there is room to write down that it is full; without `reserve`
    the file stays as it is, for those who write nothing.
    """

    def __init__(self, path: Path, *, reserve: bool = True) -> None:
        """Take the lock at once or raise Busy; Unavailable where the file cannot be opened.

        Damaged where it is a link, or no file at all.
        """
        self.path = path
        self.pid = os.getpid()
        self.kernel = True
        with _guard, explain_os_error("lock", path):
            if os.path.lexists(path) and _mine(path.lstat()):
                raise _busy(path, self.pid)
            self._descriptor = own(path, os.O_RDWR | os.O_CREAT)
            try:
                self._take()
                if reserve:  # of random bytes, which no file system compresses
                    os.pwrite(self._descriptor, os.urandom(RESERVE), 0)
                    os.fsync(self._descriptor)
            except BaseException:
                os.close(self._descriptor)
                raise
            self._key = _key(os.fstat(self._descriptor))
            _held[self._key] = self

    def confirm(self) -> None:
        """Hold the lock still, or again. Raises Busy if another process has it, as in a fork."""
        with explain_os_error("lock", self.path):
            self._take()

    def free_reserve(self) -> None:
        """Give the reserve back to the disk. Raises Unavailable where the disk refuses."""
        with explain_os_error("write", self.path):
            os.ftruncate(self._descriptor, 0)

    def release(self) -> None:
        """Let others have it. A second call, or one in a forked child, changes nothing."""
        with _guard:
            if _held.get(self._key) is self:
                del _held[self._key]
                os.close(self._descriptor)
                self._descriptor = -1  # that number may soon be another file's

    def _take(self) -> None:
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                raise _busy(self.path, _holder(self._descriptor)) from error
            if error.errno not in _NO_LOCKS:
                raise
            self.kernel = False


def is_held(path: Path) -> bool:
    """Whether any process, this one included, holds the lock at `path`. Never takes it.

    False where the file is missing, a link, or may not be opened.
    """
    try:
        with _guard:
            if _mine(path.lstat()):
                return True
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(path, flags)
            try:
                return _holder(descriptor) is not None
            finally:
                os.close(descriptor)
    except OSError:
        return False


def _mine(facts: os.stat_result) -> bool:
    lock = _held.get(_key(facts))
    return lock is not None and lock.pid == os.getpid()


def _key(facts: os.stat_result) -> tuple[int, int]:
    return facts.st_dev, facts.st_ino


def _holder(descriptor: int) -> int | None:
    """The pid of the other process that holds the lock (0 or -1: on another host), or None.

    Source: fcntl_locking(2), F_GETLK: asks what would stand in the way, and takes nothing.
    """
    if _LINUX:
        question = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    else:
        question = _FLOCK.pack(0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET)
    answer = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, question))
    kind, holder = (answer[0], answer[4]) if _LINUX else (answer[3], answer[2])
    return None if kind == fcntl.F_UNLCK else holder


def _busy(path: Path, pid: int | None) -> Busy:
    by = f" by process {pid}" if pid and pid > 0 else ""
    return Busy(f"{printable(str(path.parent))} is being written{by}; wait for it, or stop it")
