"""Pictures as a person has them: files of any kind and folders of them, decoded some at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tracker.data.decode import EXTENSIONS, hush, reason
from tracker.errors import Unavailable, printable
from tracker.store.files import explain_os_error

_NAMED = 3


class Batch(NamedTuple):
    """Pictures that could be read: where they are, and uint8 [B, 3, H, W]."""

    paths: list[Path]
    images: Tensor


def found(paths: Sequence[Path], say: Callable[[str], None]) -> list[Path]:
    """The pictures that `paths` mean: files as they are, folders by what is below them, by name.

    In folders, hidden names are passed over and files that are not named like pictures left out,
    which `say` is told. Raises Unavailable, naming them, where some of `paths` are not there, and
    where there is no picture at all.
    """
    missing = [path for path in paths if not os.path.lexists(path)]
    if missing:
        raise Unavailable(f"there is no file or folder {_some(missing)}")
    pictures: list[Path] = []
    others: list[Path] = []
    for path in paths:
        if not path.is_dir():
            pictures.append(path)  # whatever its name: it was meant
            continue
        for file in below(path):
            (pictures if file.suffix.lower() in EXTENSIONS else others).append(file)
    if others:
        say(f"left out, not being named like pictures: {_some(others)}")
    if not pictures:
        raise Unavailable(
            f"there are no pictures in {_some(paths)}; pictures end in "
            f"{' '.join(sorted(EXTENSIONS))}"
        )
    return pictures


def below(folder: Path) -> Iterator[Path]:
    """Every file under `folder` but hidden ones, by name, through links and to any depth.

    A folder that is met twice is entered once. Raises Unavailable where one can't be listed.
    """
    seen: set[tuple[int, int]] = set()

    def refuse(error: OSError) -> None:
        raise error

    with explain_os_error("list", folder):
        for place, folders, files in os.walk(folder, followlinks=True, onerror=refuse):
            facts = os.stat(place)  # noqa: PTH116 (os.walk gives strings)
            if (facts.st_dev, facts.st_ino) in seen:
                folders.clear()
                continue
            seen.add((facts.st_dev, facts.st_ino))
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            yield from (Path(place, name) for name in sorted(files) if not name.startswith("."))


def decoded(
    paths: Sequence[Path],
    decode: Callable[[Path], npt.NDArray[np.uint8]],
    batch_size: int,
    faulty: Callable[[Path, str], None],
) -> Iterator[Batch]:
    """The pictures at `paths` as `decode` gives them, `batch_size` files at a time.

    Those that cannot be read are left out of their batch; `faulty` is told each and why. As many
    threads as torch uses decode a batch ahead.
    """
    parts = [paths[at : at + batch_size] for at in range(0, len(paths), batch_size)]
    hush()
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        ahead: deque[list[Future[_Decoded]]] = deque()
        for number, part in enumerate(parts):
            ahead.append([pool.submit(_decoded, decode, path) for path in part])
            if number:
                yield from _collected(parts[number - 1], ahead.popleft(), faulty)
        if parts:
            yield from _collected(parts[-1], ahead.popleft(), faulty)


_Decoded: TypeAlias = npt.NDArray[np.uint8] | str  # or why not


def _decoded(decode: Callable[[Path], npt.NDArray[np.uint8]], path: Path) -> _Decoded:
    try:
        return decode(path)
    except MemoryError:
        raise
    # Pillow's readers raise what a broken file leads them to: OSError, SyntaxError, …
    except Exception as error:  # noqa: BLE001
        return reason(error)


def _collected(
    paths: Sequence[Path], ahead: Sequence[Future[_Decoded]], faulty: Callable[[Path, str], None]
) -> Iterator[Batch]:
    """One batch, or none where nothing in it could be read."""
    sound: list[Path] = []
    images: list[npt.NDArray[np.uint8]] = []
    for path, future in zip(paths, ahead, strict=True):
        result = future.result()
        if isinstance(result, str):
            faulty(path, result)
        else:
            sound.append(path)
            images.append(result)
    if images:
        yield Batch(sound, torch.from_numpy(np.stack(images)))


def _some(paths: Sequence[Path]) -> str:
    more = len(paths) - _NAMED
    shown = ", ".join(printable(str(path)) for path in paths[:_NAMED])
    return shown + (f" and {more:,} more" if more > 0 else "")
