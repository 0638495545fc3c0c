"""The disk as a process sees it, with trouble on order: the nth call fails, dies or takes long.

Python's own calls are wrapped (`os`, and the files that `io` opens), in this process only, and
only where they concern a file below a given folder. Torch writes checkpoints through memory here,
so nothing escapes this.
"""

from __future__ import annotations

import builtins
import io
import os
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Calls that change what another process finds. A sync changes only what a power cut leaves.
CHANGES = (
    "create",
    "write",
    "truncate",
    "rename",
    "link",
    "unlink",
    "mkdir",
    "rmdir",
)
CALLS = (*CHANGES, "open", "sync")
# Calls that need room on the disk.
GROWS = ("create", "write", "sync", "link", "mkdir")

Act = Callable[[str], None]  # is handed the call in words; raises, kills, or waits


@dataclass
class Disk:
    """Acts at the call numbered `at`, from 1, of those of the kinds `calls` on files below `root`.

    Only calls that are `alike` to the words of `like` are counted, if there are any: which thread
    comes first then makes no difference. `for_ever` means at every call after it, too, whatever it
    is. A write is half done by then if `torn` is set.
    """

    root: Path
    act: Act
    at: int = 1
    calls: Sequence[str] = CALLS
    for_ever: bool = False
    torn: bool = False
    like: str = ""
    _count: int = 0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def install(self) -> None:
        """Come between this process and the disk, until it ends."""
        _install(self)

    def meet(self, call: str, path: Any, half: Callable[[], object] = lambda: None) -> None:
        """Act upon a call about to be made, if its turn has come."""
        where = _text_of(path)
        if call not in self.calls or not where.startswith(str(self.root)):
            return
        words = f"{call} {Path(where).relative_to(self.root)}"
        if self._is_due(words):
            if self.torn:
                half()
            self.act(words)

    def _is_due(self, words: str) -> bool:
        with self._guard:
            if self._count < self.at and self.like in ("", alike(words)):
                self._count += 1
                return self._count == self.at
            return self._count == self.at and self.for_ever


def alike(words: str) -> str:
    """Words for a call, without the numbers in the file's name."""
    return re.sub(r"\d+(-[0-9a-f]{8})?", "#", words)


def _text_of(path: Any) -> str:
    if isinstance(path, int):
        try:
            return str(Path(f"/proc/self/fd/{path}").readlink())
        except OSError:
            return ""
    return os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - as it is named, links and all


def _install(disk: Disk) -> None:
    plain_write = io.FileIO.write

    class File(io.FileIO):
        def __init__(self, file: Any, mode: str = "r", *args: Any, **options: Any) -> None:
            if not options.get("opener"):  # an opener is `os.open` in other clothes
                disk.meet("open" if mode.strip("b") == "r" else "create", file)
            super().__init__(file, mode, *args, **options)

        def write(self, data: Any) -> Any:
            half = memoryview(data)[: len(data) // 2]
            disk.meet("write", self.fileno(), lambda: plain_write(self, half))
            return super().write(data)

        def truncate(self, size: int | None = None) -> Any:
            disk.meet("truncate", self.fileno())
            return super().truncate(size)

    plain_open = io.open

    def opened(file: Any, mode: str = "r", buffering: int = -1, *args: Any, **options: Any) -> Any:
        if isinstance(file, int) or not _text_of(file).startswith(str(disk.root)):
            return plain_open(file, mode, buffering, *args, **options)
        opener = options.pop("opener", None)
        raw = File(file, mode.replace("b", "").replace("t", ""), opener=opener)
        if buffering == 0:
            return raw
        if "+" in mode:
            both = io.BufferedRandom(raw)
            return both if "b" in mode else io.TextIOWrapper(both, *args, **options)
        one = io.BufferedReader(raw) if mode.startswith("r") else io.BufferedWriter(raw)
        return one if "b" in mode else io.TextIOWrapper(one, *args, **options)

    io.FileIO = File  # type: ignore[misc]
    io.open = builtins.open = opened
    _wrap(disk)


def _wrap(disk: Disk) -> None:
    """Let the functions of `os` be met."""

    def met(name: str, call: str, which: int = 0) -> None:
        plain = getattr(os, name)

        def wrapped(*args: Any, **options: Any) -> Any:
            path = args[which]
            folder = options.get("dir_fd") or options.get("dst_dir_fd")
            if folder is not None:
                path = Path(_text_of(folder)) / path
            disk.meet(call, path)
            return plain(*args, **options)

        setattr(os, name, wrapped)

    def met_open(path: Any, flags: int, *args: Any, **options: Any) -> int:
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if options.get("dir_fd") is None:
            disk.meet("create" if writes else "open", path)
        return plain_open(path, flags, *args, **options)

    plain_open = os.open
    os.open = met_open
    for name, call, which in (
        ("replace", "rename", 1),
        ("rename", "rename", 1),
        ("symlink", "link", 1),
        ("link", "link", 1),
        ("unlink", "unlink", 0),
        ("remove", "unlink", 0),
        ("mkdir", "mkdir", 0),
        ("rmdir", "rmdir", 0),
        ("fsync", "sync", 0),
        ("ftruncate", "truncate", 0),
        ("pwrite", "write", 0),
    ):
        met(name, call, which)
