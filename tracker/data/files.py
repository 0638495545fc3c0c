"""Pictures that stay in their files and are decoded when asked for, here or in worker processes."""

from __future__ import annotations

import signal
import sys
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from tracker.data.decode import decode, quiet, reason
from tracker.errors import Damaged, printable

_CHUNK = 2**21  # bytes decoded by one thread at a time
_NAMED = 3  # of the pictures that cannot be read


class Files:
    """A `dataset.Source`: the pictures `names` under `folder`, uint8 [3, size, size] each.

    `workers` processes decode what is streamed; 0 is this one. Their number changes no pixel.
    """

    def __init__(self, folder: Path, names: Sequence[str], *, size: int, workers: int) -> None:
        self._folder = folder
        self._names = names
        self._size = size
        self._workers = workers

    def __len__(self) -> int:
        return len(self._names)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """[N, 3, H, W] of all pictures."""
        return len(self), 3, self._size, self._size

    def fetch(self, indices: Tensor) -> Tensor:
        """The pictures at `indices` (int64 [B]), uint8 [B, 3, H, W].

        Raises Damaged where one can no longer be read.
        """
        with quiet():
            pictures, faults = self._decode(indices.tolist())
        if faults:
            raise refusal(faults, len(indices))
        return pictures

    def stream(self, plan: Sequence[Tensor]) -> Iterator[Tensor]:
        """One `fetch` per entry of `plan`, in order, decoded ahead by the workers.

        Raises Damaged as `fetch`, and RuntimeError, in one line, when a worker dies.
        """
        if not self._workers or len(plan) < 2:
            yield from map(self.fetch, plan)
            return
        with warnings.catch_warnings():  # more workers than cores: slow disks are a reason
            warnings.filterwarnings("ignore", "This DataLoader will create", UserWarning)
            loader = DataLoader(
                _Plan(self, plan),
                batch_size=None,
                num_workers=min(self._workers, len(plan)),
                worker_init_fn=_leave_signals_to_the_parent,
                # else it draws from the global generator
                generator=torch.Generator(),
                # Workers are started for every epoch: anew, each would import torch.
                multiprocessing_context="fork" if sys.platform == "linux" else None,
            )
        try:
            for batch in loader:
                if isinstance(batch, Damaged):
                    raise batch
                yield batch
        except RuntimeError as error:
            first = str(error).partition("\n")[0]
            raise RuntimeError(
                f"a process that decodes pictures failed ({first}); if memory ran out, "
                "fewer data.workers need less"
            ) from error

    def chunks(self, faults: list[str]) -> Iterator[Tensor]:
        """All pictures in order, some at a time, decoded by as many threads as torch uses.

        What cannot be read is added to `faults`, and what stands in its place is meaningless.
        """
        size = max(_CHUNK // (3 * self._size**2), 1)
        parts = [range(k, min(k + size, len(self))) for k in range(0, len(self), size)]
        threads = torch.get_num_threads()
        with quiet(), ThreadPoolExecutor(threads) as pool:
            waiting: deque[Future[tuple[Tensor, list[str]]]] = deque()
            for part in parts:
                waiting.append(pool.submit(self._decode, part))
                if len(waiting) > 2 * threads:  # all at once would hold the whole set in memory
                    yield _collected(waiting.popleft(), faults)
            while waiting:
                yield _collected(waiting.popleft(), faults)

    def _decode(self, indices: Iterable[int]) -> tuple[Tensor, list[str]]:
        indices = list(indices)
        pictures = np.zeros((len(indices), *self.shape[1:]), np.uint8)
        faults = []
        for place, index in enumerate(indices):
            path = self._folder / self._names[index]
            try:
                pictures[place] = decode(path, self._size)
            except MemoryError:
                raise
            # Pillow's readers raise what a broken file leads them to: OSError, SyntaxError, …
            except Exception as error:  # noqa: BLE001
                faults.append(f"{printable(str(path))} ({reason(error)})")
        return torch.from_numpy(pictures), faults


def refusal(faults: Sequence[str], count: int) -> Damaged:
    """The error that says which of `count` pictures cannot be read."""
    more = len(faults) - _NAMED
    names = "; ".join(faults[:_NAMED]) + (f"; and {more:,} more" if more > 0 else "")
    return Damaged(
        f"{len(faults):,} of {count:,} pictures cannot be read: {names}. "
        "Replace or remove them and run again"
    )


class _Plan(Dataset[Tensor | Damaged]):
    """Batch k of a plan; an error is handed over as a value, for torch would wrap its traceback
    around the message.
    """

    def __init__(self, files: Files, plan: Sequence[Tensor]) -> None:
        self._files = files
        self._plan = plan

    def __len__(self) -> int:
        return len(self._plan)

    def __getitem__(self, index: int) -> Tensor | Damaged:
        try:
            return self._files.fetch(self._plan[index])
        except Damaged as error:
            return error


def _collected(part: Future[tuple[Tensor, list[str]]], faults: list[str]) -> Tensor:
    pictures, found = part.result()
    faults += found
    return pictures


def _leave_signals_to_the_parent(_: int) -> None:
    """A terminal's Ctrl-C reaches workers too; the batches they hold are still wanted."""
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.SIG_IGN)
