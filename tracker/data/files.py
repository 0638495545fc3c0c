"""Pictures that stay in their files and are decoded when asked for, here or in worker processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tracker.data.decode import Decoded, Decoder, quiet
from tracker.data.workers import in_order
from tracker.errors import Damaged

_CHUNK = 2**21  # bytes decoded by one thread at a time
_NAMED = 3  # of the pictures that cannot be read


class Files:
    """A `dataset.Source`: the pictures `names` under `folder`, as `decoder` decodes them.

    `workers` processes decode what is streamed; 0 is this one. Their number changes no pixel.
    """

    def __init__(
        self, folder: Path, names: Sequence[str], decoder: Decoder, *, workers: int
    ) -> None:
        self._folder = folder
        self._names = names
        self._decode = decoder
        self._workers = workers

    def __len__(self) -> int:
        return len(self._names)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """[N, 3, H, W] of all pictures."""
        return len(self), 3, self._decode.size, self._decode.size

    def fetch(self, indices: Tensor) -> Tensor:
        """The pictures at `indices` (int64 [B]), uint8 [B, 3, H, W].

        Raises Damaged where one can no longer be read.
        """
        return _sound(*self._decode.quietly(self._paths(indices.tolist())))

    def stream(self, plan: Sequence[Tensor]) -> Iterator[Tensor]:
        """One `fetch` per entry of `plan`, in order, decoded ahead by the workers.

        Raises Damaged as `fetch`, and RuntimeError, in one line, when a worker dies.
        """
        workers = min(self._workers, len(plan))
        if not workers:
            yield from map(self.fetch, plan)
            return
        paths = [self._paths(indices.tolist()) for indices in plan]
        for decoded in in_order(self._decode.quietly, paths, workers):
            yield _sound(*decoded)

    def chunks(self, faults: list[str]) -> Iterator[Tensor]:
        """All pictures in order, some at a time, decoded by as many threads as torch uses.

        What cannot be read is added to `faults`, and what stands in its place is meaningless.
        """
        size = max(_CHUNK // (3 * self._decode.size**2), 1)
        parts = [range(k, min(k + size, len(self))) for k in range(0, len(self), size)]
        threads = torch.get_num_threads()
        with quiet(), ThreadPoolExecutor(threads) as pool:
            waiting: deque[Future[Decoded]] = deque()
            for part in parts:
                waiting.append(pool.submit(self._decode, self._paths(part)))
                if len(waiting) > 2 * threads:  # all at once would hold the whole set in memory
                    yield _collected(waiting.popleft(), faults)
            while waiting:
                yield _collected(waiting.popleft(), faults)

    def _paths(self, indices: Iterable[int]) -> list[Path]:
        return [self._folder / self._names[index] for index in indices]


def refusal(faults: Sequence[str], count: int) -> Damaged:
    """The error that says which of `count` pictures cannot be read."""
    more = len(faults) - _NAMED
    names = "; ".join(faults[:_NAMED]) + (f"; and {more:,} more" if more > 0 else "")
    return Damaged(
        f"{len(faults):,} of {count:,} pictures cannot be read: {names}. "
        "Replace or remove them and run again"
    )


def _sound(pictures: npt.NDArray[np.uint8], faults: list[str]) -> Tensor:
    if faults:
        raise refusal(faults, len(pictures))
    return torch.from_numpy(pictures)


def _collected(part: Future[Decoded], faults: list[str]) -> Tensor:
    pictures, found = part.result()
    faults += found
    return torch.from_numpy(pictures)
