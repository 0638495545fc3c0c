"""Which program listens on a port, and since when: what Linux tells of one's own processes."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from tracker.store.process import PROC, start_of

_LISTENS = "0A"  # the state of a socket, in /proc/net/tcp
_LONGEST = 80  # characters of a command line


@dataclass(frozen=True)
class Listener:
    """A process that accepts connections. `started` is in seconds since the epoch."""

    pid: int
    command: str
    started: float

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M", time.gmtime(self.started))
        return f"pid {self.pid}, since {since} UTC"


def listener(port: int) -> Listener | None:
    """Who listens on a TCP port of this machine; None where that is not to be seen.

    It is not on systems other than Linux, nor of processes of other users, unless one is root.
    """
    wanted = {f"socket:[{inode}]" for inode in _inodes(port)}
    if not wanted:
        return None
    for folder in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):  # it ended, or is not ours
            if any(str(entry.readlink()) in wanted for entry in (folder / "fd").iterdir()):
                return Listener(int(folder.name), _command(folder), _started(int(folder.name)))
    return None


def _inodes(port: int) -> set[str]:
    """The sockets that listen there, on whatever address."""
    found = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (PROC / "net" / table).read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == _LISTENS and int(words[1].rpartition(":")[2], 16) == port:
                    found.add(words[9])
    return found


def _command(folder: Path) -> str:
    words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
    command = " ".join(words).strip()
    return command if len(command) <= _LONGEST else f"{command[: _LONGEST - 1]}…"


def _started(pid: int) -> float:
    """When a process began; ValueError where it is gone. It is told in ticks since the boot."""
    lines = (PROC / "stat").read_text().splitlines()
    booted = next(int(line.split()[1]) for line in lines if line.startswith("btime "))
    return booted + int(start_of(pid) or "") / os.sysconf("SC_CLK_TCK")
