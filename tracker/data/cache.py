"""Pictures decoded once: files of raw pixels that later runs map into memory.

A file holds the pixels of a training and a validation split, [N, 3, H, W], and after them a line
of JSON with what was learnt from all of them. Where pictures are too many to keep, the line alone
is kept. A file's name says what it was made from, so it is either right or not found; it is
written beside and renamed, so it is whole.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import re
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from tracker.data.dataset import Channels
from tracker.errors import Unavailable, printable
from tracker.spec.experiment import Interpolation

# Hands every picture, in order, to the function it is given, and returns the facts; the folder is
# the one in which the pixels will lie, if they are kept.
Make: TypeAlias = Callable[[Callable[[Tensor], object], Path | None], "Facts"]

FOLDER = ".tracker-cache"
_VERSION = 1  # of the layout and of how pictures are decoded
_OURS = re.compile(
    r"(?P<key>[0-9a-f]{16})-\d+\+\d+-([0-9a-f]{8}of-)?(\d+-)?\d+px(-bicubic)?-v\d+"
    r"\.(pixels|facts)(?P<part>\.\d+\.part)?"
)
_ABANDONED = 24 * 3600  # seconds after which a file still being written was left by a dead process
_FACTS_LIMIT = 4096  # bytes


@dataclass(frozen=True)
class Facts:
    """What is known of pictures once all have been decoded: see `dataset.Dataset`."""

    mean: Channels
    std: Channels
    digest: str


@dataclass(frozen=True)
class Entry:
    """What is cached: so many pictures of `size` pixels a side, out of the folder `key` names.

    They are cut out of what was scaled to `resize` pixels (None: to `size`), by `interpolation`.
    `key` is 16 hexadecimal digits that change with any file of the folder. `pixels` says whether
    pictures are kept, or only facts; `classes` which classes they are of (None: all).
    """

    key: str
    train: int
    val: int
    size: int
    pixels: bool
    resize: int | None = None
    classes: tuple[str, ...] | None = None
    interpolation: Interpolation = "bilinear"

    @property
    def name(self) -> str:
        """The name of the file."""
        kind = "pixels" if self.pixels else "facts"
        cut = "" if self.resize in (None, self.size) else f"{self.resize}-"
        which = "" if self.classes is None else f"{_digest(self.classes)}of-"
        how = "" if self.interpolation == "bilinear" else f"-{self.interpolation}"
        size = f"{cut}{self.size}px{how}"
        return f"{self.key}-{self.train}+{self.val}-{which}{size}-v{_VERSION}.{kind}"

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """[N, 3, H, W] of the pictures kept."""
        return (self.train + self.val) * self.pixels, 3, self.size, self.size

    @property
    def nbytes(self) -> int:
        """Room the pictures take."""
        return int(np.prod(self.shape, dtype=np.int64))


def _digest(names: tuple[str, ...]) -> str:
    """8 hexadecimal digits; no name of a folder holds a slash, so none runs into the next."""
    return hashlib.sha256(os.fsencode("/".join(names))).hexdigest()[:8]


def places(root: Path) -> list[Path]:
    """Where files about the pictures under `root` may be: there, else in the person's cache."""
    found = [root / FOLDER]
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    if os.path.isabs(home):  # noqa: PTH117 (a "~" that nobody could expand is not)
        digest = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()
        found.append(Path(home, "tracker", "pictures", digest[:16]))
    return found


def writable(candidates: list[Path]) -> Path | None:
    """The first of `candidates` that can be written to, made if need be; None if none can."""
    for place in candidates:
        with contextlib.suppress(OSError):  # this one not, then; the next is tried
            place.mkdir(parents=True, exist_ok=True)
            if os.access(place, os.W_OK | os.X_OK):
                return place
    return None


def fits(nbytes: int, place: Path) -> bool:
    """Whether so much takes at most half of the disk's free room and half of the memory.

    Half of the memory, for what is read in every epoch should stay there once read.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return nbytes <= min(shutil.disk_usage(place).free, memory) // 2


def find(entry: Entry, candidates: list[Path]) -> tuple[Facts, Tensor] | None:
    """The facts and the pictures (uint8 [N, 3, H, W], mapped, not to be written to) of `entry`.

    None where they are in none of `candidates`, or are torn.
    """
    for place in candidates:
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):  # no file of ours
            return _read(place / entry.name, entry)
    return None


def keep(
    entry: Entry,
    place: Path,
    make: Make,
    log: Callable[[str], None],
) -> tuple[Facts, Tensor]:
    """Have `make` hand over all pictures in order and return the facts; keep both in `place`.

    Processes that want this at the same time wait for each other, and only the first does the
    work. Files about an earlier state of the same folder are removed. Raises Unavailable where
    the disk refuses, and what `make` raises; no file is left behind then.
    """
    path = place / entry.name
    try:
        with _one_at_a_time(place, log):
            found = find(entry, [place])
            if found is None:
                _write(path, entry, make)
                _sweep(place, entry)
                found = _read(path, entry)
            return found
    except OSError as error:
        raise Unavailable(
            f"cannot write {printable(str(path))}: {error.strerror or error}; free some space, "
            "or set data.cache to never"
        ) from error


def without_keeping(entry: Entry, make: Make) -> tuple[Facts, Tensor]:
    """The facts alone, where there is no place for a file."""
    return make(lambda _: None, None), torch.empty(0, *entry.shape[1:], dtype=torch.uint8)


def _read(path: Path, entry: Entry) -> tuple[Facts, Tensor]:
    with path.open("rb") as file:
        file.seek(entry.nbytes)
        told = json.loads(file.read(_FACTS_LIMIT))
    facts = Facts(_three(told["mean"]), _three(told["std"]), str(told["digest"]))
    if not entry.pixels:
        return facts, torch.empty(entry.shape, dtype=torch.uint8)
    mapped = np.memmap(path, np.uint8, "r", shape=entry.shape)
    with warnings.catch_warnings():
        # Mapped to be written to, the kernel would want memory for all of it.
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return facts, torch.from_numpy(mapped)


def _three(values: list[float]) -> Channels:
    red, green, blue = values
    return float(red), float(green), float(blue)


def _write(path: Path, entry: Entry, make: Make) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")

    def take(chunk: Tensor) -> None:
        if entry.pixels:
            file.write(chunk.numpy().data)

    try:
        with part.open("wb") as file:
            facts = make(take, path.parent if entry.pixels else None)
            file.write(json.dumps(dataclasses.asdict(facts)).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _sweep(place: Path, entry: Entry) -> None:
    """Remove what is ours, about the same folder, and of no more use."""
    for path in place.iterdir():
        ours = _OURS.fullmatch(path.name)
        with contextlib.suppress(OSError):  # in use elsewhere, or gone: tidiness can wait
            if ours and (
                time.time() - path.stat().st_mtime > _ABANDONED
                if ours["part"]
                else ours["key"] != entry.key
            ):
                path.unlink()


@contextlib.contextmanager
def _one_at_a_time(place: Path, log: Callable[[str], None]) -> Iterator[None]:
    """Hold the folder's lock. Without one (some network file systems know none) work may be done
    twice, and nothing worse.
    """
    descriptor = os.open(place, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            _lock(descriptor, place, log)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, place: Path, log: Callable[[str], None]) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        log(f"waiting for another process that fills {printable(str(place))}")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
