"""How far long work is, in lines that neither a log nor a terminal is flooded with."""

from __future__ import annotations

import time
from collections.abc import Callable

_EVERY = 5.0  # seconds at least between two lines
_PARTS = 20  # lines at most


class Progress:
    """To be told now and then how much is done; says so in `log`, now and then.

    `words` makes a line of how much is done and how much there is.
    """

    def __init__(
        self,
        log: Callable[[str], None],
        words: Callable[[int, int], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log, self._words, self._clock = log, words, clock
        self._began = self._spoke = clock()
        self._said = 0

    def __call__(self, done: int, total: int) -> None:
        """`done` of `total` (0: unknown) is done. The end is not told of."""
        now = self._clock()
        part = total // _PARTS
        if now - self._spoke < _EVERY or done - self._said < part or done >= total > 0:
            return
        self._spoke, self._said = now, done
        left = f", {_duration((now - self._began) * (total - done) / done)} left" if total else ""
        self._log(self._words(done, total) + left)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
