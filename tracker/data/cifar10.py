"""CIFAR-10 (Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009), as
torchvision downloads, checks and reads it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path

import numpy as np
import torch
from torchvision.datasets import CIFAR10
from torchvision.datasets.utils import check_integrity, extract_archive

from tracker.data.dataset import Dataset, Split, balanced_subset, in_memory, of_classes
from tracker.data.progress import Progress
from tracker.errors import Damaged, Unavailable, printable
from tracker.spec import experiment
from tracker.web import receive

_FOLDERS = "class folders: --set data.name=image_folder --set data.root=FOLDER"


def build(spec: experiment.Cifar10, log: Callable[[str], None]) -> Dataset:
    """The data set that `spec` asks for, downloaded or unpacked into `spec.root` if need be.

    Mean and deviation are those of the training pictures in use; of all 50,000 they are the usual
    (0.4914, 0.4822, 0.4465) and (0.2470, 0.2435, 0.2616). Raises Unavailable where the pictures
    are missing and cannot be had, leaving nothing behind; Damaged where files fail their MD5.
    """
    root = Path(os.path.expanduser(spec.root))  # noqa: PTH111 (Path's raises without a home)
    _ensure(root, download=spec.download, log=log)
    train, classes = _read(root, spec.classes, train=True, size=spec.train_size)
    val, _ = _read(root, spec.classes, train=False, size=spec.val_size)
    return in_memory(spec.name, train, val, classes)


def _read(
    root: Path, wanted: tuple[str, ...] | None, *, train: bool, size: int | None
) -> tuple[Split, tuple[str, ...]]:
    """One split of the `wanted` classes (None: all), and their names.

    The files are pickles, which could run code; torchvision opens each only after its MD5 has
    been found to be that of the published file.
    """
    try:
        with warnings.catch_warnings():  # NumPy 2.4 on arrays pickled by NumPy 1
            warnings.simplefilter("ignore", np.exceptions.VisibleDeprecationWarning)
            read = CIFAR10(root, train=train)
    except (RuntimeError, OSError) as error:
        raise Damaged(_diagnosis(root / CIFAR10.base_folder, error)) from error
    images = torch.from_numpy(np.ascontiguousarray(read.data.transpose(0, 3, 1, 2)))
    targets = torch.tensor(read.targets, dtype=torch.int64)
    places, labels, classes = of_classes(targets, read.classes, wanted)
    kept = balanced_subset(labels, size)
    if len(kept) < len(targets):
        images, labels = images[places[kept]], labels[kept]
    return Split(images, labels), classes


def _diagnosis(folder: Path, error: Exception) -> str:
    """Which files of `folder` are missing or altered, and what to do about it."""
    meta = CIFAR10.meta["filename"], CIFAR10.meta["md5"]
    files = [*CIFAR10.train_list, *CIFAR10.test_list, meta]
    faults = []
    for name, md5 in files:
        path = folder / name
        if not path.is_file():
            faults.append(f"{name} is missing")
        elif not os.access(path, os.R_OK):
            faults.append(f"{name} may not be read")
        elif not check_integrity(path, md5):
            faults.append(f"{name} does not have its MD5")
    what = "; ".join(faults) or str(error)
    shown = printable(str(folder))
    return f"CIFAR-10 in {shown} is not whole: {what}. Delete {shown} and run again"


def _ensure(root: Path, *, download: bool, log: Callable[[str], None]) -> None:
    """See that the folder of batches is in `root`; raises Unavailable where it cannot be had."""
    try:
        if not (root / CIFAR10.base_folder).exists():
            _obtain(root, download=download, log=log)
    except (OSError, HTTPException, ValueError) as error:
        shown = printable(str(root))
        raise Unavailable(
            f"CIFAR-10 is not in {shown} and cannot be put there ({_reason(error)}). Either "
            f"download {CIFAR10.url} by other means and put it into {shown}, or use {_FOLDERS}"
        ) from error


def _obtain(root: Path, *, download: bool, log: Callable[[str], None]) -> None:
    """Unpack the archive into `root`: the one that lies there, else the published one."""
    archive = root / CIFAR10.filename
    shown = printable(str(root))
    if archive.exists():
        if not check_integrity(archive, CIFAR10.tgz_md5):
            raise Damaged(
                f"{printable(str(archive))} does not have the MD5 of the published archive: "
                "it is cut off or altered. Delete it and run again"
            )
        log(f"unpacking {printable(str(archive))}")
    elif download:
        log(f"downloading CIFAR-10 (170 MB) into {shown}")
    else:
        raise Unavailable(
            f"CIFAR-10 is not in {shown}, and data.download is false. Either allow the download "
            f"(--set data.download=true) or use {_FOLDERS}"
        )
    with _workshop(root) as folder:
        if not archive.exists():
            archive = folder / CIFAR10.filename
            receive(CIFAR10.url, archive, Progress(log, _received))
            if not check_integrity(archive, CIFAR10.tgz_md5):
                raise OSError("what came does not have the MD5 of the published archive")
        extract_archive(archive, folder)
        _move(folder / CIFAR10.base_folder, root / CIFAR10.base_folder)


@contextlib.contextmanager
def _workshop(root: Path) -> Iterator[Path]:
    """A folder inside `root` to work in, gone afterwards, as are the folders made for it if the
    work fails.
    """
    missing = [folder for folder in (root, *root.parents) if not folder.exists()]
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".cifar10-") as inside:
            yield Path(inside)
    except BaseException:
        for folder in missing:
            with contextlib.suppress(OSError):  # someone else has put something there meanwhile
                folder.rmdir()
        raise


def _received(done: int, total: int) -> str:
    return f"received {done / 1e6:.0f} of {total / 1e6:.0f} MB"


def _move(source: Path, target: Path) -> None:
    """Rename a folder; nothing happens where another process has put its own there already."""
    try:
        source.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _reason(error: Exception) -> str:
    """What went wrong, in one line."""
    cause = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    text = getattr(cause, "strerror", None) or str(cause) or type(error).__name__
    return printable(" ".join(str(text).split()))
