"""Which pictures a person's folders hold, and of which classes; nothing is opened."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import PIL
import torch
from torch import Tensor

from tracker.data.dataset import balanced_subset, of_classes
from tracker.data.decode import EXTENSIONS
from tracker.errors import Unavailable, printable

_NAMED = 5


@dataclass(frozen=True, eq=False)
class Listing:
    """The pictures of one split.

    `names` are their paths below `folder`, `stamps` their bytes and times of change (ns since
    1970; -1 and -1 where a link leads nowhere), `labels` indices into `classes`, int64 [N].
    """

    folder: Path
    classes: tuple[str, ...]
    names: list[str]
    stamps: list[tuple[int, int]]
    labels: Tensor

    def __len__(self) -> int:
        return len(self.names)

    def part(self, size: int | None) -> Listing:
        """The part of it that `balanced_subset` keeps."""
        kept = balanced_subset(self.labels, size)
        return self._with(kept, self.labels[kept], self.classes)

    def of_classes(self, wanted: Collection[str] | None) -> Listing:
        """The part of it that is of the `wanted` classes; None: all. Raises UsageError."""
        return self._with(*of_classes(self.labels, self.classes, wanted))

    def _with(self, places: Tensor, labels: Tensor, classes: tuple[str, ...]) -> Listing:
        kept = places.tolist()
        names, stamps = ([column[place] for place in kept] for column in (self.names, self.stamps))
        return Listing(self.folder, classes, names, stamps, labels)


def listings(root: Path, log: Callable[[str], None]) -> tuple[Listing, Listing]:
    """What is in `root`/train, and in `root`/val or else `root`/test.

    Folders are entered through links and to any depth; hidden files are left out, and so are
    those that no picture is named like, which `log` is told. Raises Unavailable where folders are
    missing, hold no picture, or disagree on the classes.
    """
    others: list[Path] = []
    try:
        train, val = (_listing(folder, others) for folder in _folders(root))
    except OSError as error:
        where = printable(str(error.filename or root))
        raise Unavailable(f"cannot list {where}: {error.strerror or error}") from error
    if others:
        log(
            f"left out {len(others):,} files of {printable(str(root))} that are not named like "
            f"pictures in class folders, such as {printable(str(others[0].relative_to(root)))}"
        )
    if train.classes != val.classes:
        raise Unavailable(_disagreement(train, val))
    return train, val


def key(train: Listing, val: Listing) -> str:
    """16 hexadecimal digits that change when any picture does, or Pillow, which decodes them."""
    digest = hashlib.sha256(PIL.__version__.encode())
    for listing in (train, val):
        digest.update(os.fsencode(listing.folder.name))
        for name, (size, changed) in zip(listing.names, listing.stamps, strict=True):
            digest.update(b"\0%b\0%d %d" % (os.fsencode(name), size, changed))
    return digest.hexdigest()[:16]


def _folders(root: Path) -> tuple[Path, Path]:
    train, *others = (root / name for name in ("train", "val", "test"))
    val = next((folder for folder in others if folder.is_dir()), None)
    if train.is_dir() and val:
        return train, val
    shown = printable(str(root))
    raise Unavailable(
        f"no pictures in {shown}: there must be a folder train and a folder val (or test), each "
        f"with a folder per class, as in {shown}/train/cat/1.jpg and {shown}/val/cat/2.jpg; "
        "another place: --set data.root=FOLDER"
    )


def _listing(folder: Path, others: list[Path]) -> Listing:
    classes: list[str] = []
    names: list[str] = []
    stamps: list[tuple[int, int]] = []
    labels: list[int] = []
    for entry in _visible(folder):
        if not entry.is_dir():
            others.append(Path(entry.path))
            continue
        found = sorted(_pictures(entry, entry.name, set(), others))
        names += [name for name, _ in found]
        stamps += [stamp for _, stamp in found]
        labels += [len(classes)] * len(found)
        classes.append(entry.name)
    if empty := [name for label, name in enumerate(classes) if label not in {*labels}]:
        raise Unavailable(
            f"no picture of {_some(empty)} in {printable(str(folder))}; pictures end in "
            f"{' '.join(sorted(EXTENSIONS))}"
        )
    if not classes:
        shown = printable(str(folder))
        raise Unavailable(f"no class folder in {shown}; there must be some, as in {shown}/cat")
    return Listing(folder, tuple(classes), names, stamps, torch.tensor(labels, dtype=torch.int64))


def _pictures(
    folder: os.DirEntry[str], below: str, seen: set[tuple[int, int]], others: list[Path]
) -> Iterator[tuple[str, tuple[int, int]]]:
    """Path and stamp of each picture in `folder` and the folders in it; `seen` ends loops."""
    facts = folder.stat()
    if (facts.st_dev, facts.st_ino) in seen:
        return
    seen.add((facts.st_dev, facts.st_ino))
    for entry in _visible(Path(folder.path)):
        name = f"{below}/{entry.name}"
        if entry.is_dir():
            yield from _pictures(entry, name, seen, others)
        elif os.path.splitext(entry.name)[1].lower() in EXTENSIONS:  # noqa: PTH122 (millions)
            yield name, _stamp(entry)
        else:
            others.append(Path(entry.path))


def _visible(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)


def _stamp(entry: os.DirEntry[str]) -> tuple[int, int]:
    try:
        facts = entry.stat()
    except FileNotFoundError:  # a link to nowhere: listed all the same, to be refused by name
        return -1, -1
    return facts.st_size, facts.st_mtime_ns


def _disagreement(train: Listing, val: Listing) -> str:
    only = [
        f"only {printable(str(one.folder))} has {_some(extra)}"
        for one, other in ((train, val), (val, train))
        if (extra := [name for name in one.classes if name not in other.classes])
    ]
    return f"training and validation pictures must be of the same classes: {'; '.join(only)}"


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    shown = ", ".join(ascii(name) for name in names[:_NAMED])
    return shown + (f" and {more:,} more" if more > 0 else "")
