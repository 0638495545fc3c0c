"""Which process is meant: a pid alone is reused within hours and means nothing after a reboot."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_ENDED = ("Z", "X")  # zombie, dead


@dataclass(frozen=True)
class ProcessId:
    """One process, told apart from every other before and after it.

    `boot_id` names the boot of the host; `start` is the process's start, in clock ticks since that
    boot. Both are "" where the system does not say (no /proc).
    """

    pid: int
    host: str
    boot_id: str
    start: str


def this_process() -> ProcessId:
    """The caller."""
    return ProcessId(os.getpid(), socket.gethostname(), boot_id(), start_of(os.getpid()) or "")


def is_alive(process: ProcessId) -> bool:
    """Whether `process` still runs, as far as this host can tell.

    False after a reboot, or when the pid is another process by now. A process of another host
    counts as alive: nobody here can say otherwise.
    """
    if process.host != socket.gethostname():
        return True
    return process.boot_id == boot_id() and start_of(process.pid) == process.start


def boot_id() -> str:
    """The kernel's name for this boot, or ""."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def start_of(pid: int) -> str | None:
    """When process `pid` started, in ticks since boot; "" where it runs but nobody says; else None.

    None for a zombie, too: it has ended, and only its parent has not asked how. Source:
    proc_pid_stat(5), fields 3 and 22. The second field is the program's name in brackets, which
    may hold brackets and spaces itself, so fields are counted from the last ")".
    """
    try:
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return "" if not PROC.is_dir() and _exists(pid) else None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in _ENDED else fields[18]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True
