"""Pictures that stay in their files and are decoded when asked for, here or in threads beside."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tracker.data.decode import Decoder, hush
from tracker.errors import Damaged

_CHUNK = 2**21  # bytes handed on at a time
_SHARE = 16  # pictures at most that a thread decodes at a go: so long may it take to end
_NAMED = 3  # of the pictures that cannot be read


class Files:
    """A `dataset.Source`: the pictures `names` under `folder`, as `decoder` decodes them.

    `workers` threads decode what is streamed; 0 is the caller's own. Their number changes no pixel.
    Pillow decodes and scales without the interpreter's lock, so threads serve as well as processes
    would; they begin at once, and nothing has to be sent.
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
        hush()
        paths, pictures = self._place(indices.tolist())
        return _sound(pictures, self._decode(paths, pictures))

    def stream(self, plan: Sequence[Tensor]) -> Iterator[Tensor]:
        """One `fetch` per entry of `plan`, in order, decoded ahead by the workers."""
        if not self._workers:
            yield from map(self.fetch, plan)
            return
        for pictures, faults in self._ahead((one.tolist() for one in plan), self._workers):
            yield _sound(pictures, faults)

    def chunks(self, faults: list[str]) -> Iterator[Tensor]:
        """All pictures in order, some at a time, decoded by as many threads as torch uses.

        What cannot be read is added to `faults`, and what stands in its place is meaningless.
        """
        size = max(_CHUNK // (3 * self._decode.size**2), 1)
        parts = (range(k, min(k + size, len(self))) for k in range(0, len(self), size))
        for pictures, found in self._ahead(parts, torch.get_num_threads()):
            faults += found
            yield torch.from_numpy(pictures)

    def _ahead(
        self, plan: Iterable[Sequence[int]], threads: int
    ) -> Iterator[tuple[npt.NDArray[np.uint8], list[str]]]:
        """The pictures of each entry of `plan`, in order, and what is wrong with some.

        The threads share each entry, so that the first is there soon, and are one entry ahead, or
        more, up to two shares each. They end with the iterator, whoever closes it.
        """
        hush()
        pool = ThreadPoolExecutor(threads, thread_name_prefix="decoder")
        waiting: deque[_Decoding] = deque()
        try:
            for indices in plan:
                waiting.append(self._handed_out(pool, indices, threads))
                while sum(len(each.shares) for each in islice(waiting, 1, None)) >= 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _handed_out(
        self, pool: ThreadPoolExecutor, indices: Sequence[int], threads: int
    ) -> _Decoding:
        paths, pictures = self._place(indices)
        step = max(min(-(-len(paths) // threads), _SHARE), 1)
        cuts = [slice(k, k + step) for k in range(0, len(paths), step)]
        shares = [pool.submit(self._decode, paths[cut], pictures[cut]) for cut in cuts]
        return _Decoding(pictures, shares)

    def _place(self, indices: Sequence[int]) -> tuple[list[Path], npt.NDArray[np.uint8]]:
        """Where pictures come from, and where they go."""
        paths = [self._folder / self._names[index] for index in indices]
        return paths, np.empty((len(paths), *self.shape[1:]), np.uint8)


class _Decoding(NamedTuple):
    """Pictures that are being decoded, share by share."""

    pictures: npt.NDArray[np.uint8]
    shares: list[Future[list[str]]]

    def result(self) -> tuple[npt.NDArray[np.uint8], list[str]]:
        return self.pictures, [fault for share in self.shares for fault in share.result()]


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
