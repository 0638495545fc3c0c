"""Finds where records lie many at a time: a run writes records of the same lengths over and over.

A record's place is known only from the lengths of all before it, so records have to be walked one
by one, unless the lengths are guessed: here, that they go on as they went. Each header so skipped
to is compared with one that was checked, so nothing is taken on trust, and where the guess is wrong
the walk goes on from the last record that was right.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracker.events.record import HEADER_SIZE, Found, Sizes, find

_WALKED = 32  # records between two guesses; four times as many after one not worth it
_WORTH = 1000  # records gained by a guess: to walk so many takes as long as to guess
_MOST_WALKED = 4096
_SEEN = 1024  # of the last lengths, where a repetition is looked for
_TAIL = 16  # of the last of them, which have come in this order before


def split(data: bytes, sizes: Sizes) -> Found:
    """Find what `record.split_singly` finds."""
    starts, walked = [0], _WALKED
    view = np.frombuffer(data, dtype=np.uint8)
    while True:
        end = find(data, sizes, starts, walked)
        if end is not None:
            return starts, *end
        gained = _leap(view, starts)
        walked = _WALKED if gained >= _WORTH else min(4 * walked, _MOST_WALKED)


def _leap(view: NDArray[np.uint8], starts: list[int]) -> int:
    """Add the records to `starts` that repeat the last ones, and return how many these are."""
    period = _period(np.diff(starts[-_SEEN:]).astype(np.int32))
    if not period:
        return 0
    begin = starts[-1 - period]
    places = np.array(starts[-1 - period :]) - begin
    width = int(places[-1])
    turns = (len(view) - begin) // width
    rows = view[begin : begin + turns * width].reshape(turns, width)
    heads = rows[:, (places[:-1, None] + np.arange(HEADER_SIZE)).reshape(-1)]
    alike = (heads == heads[0]).all(axis=1)
    turns = turns if alike.all() else int(alike.argmin())
    ends = begin + width * np.arange(1, turns)[:, None] + places[1:]
    starts += ends.reshape(-1).tolist()
    return int(ends.size)


def _period(lengths: NDArray[np.int32]) -> int:
    """After how many records the last `_TAIL` lengths came before; 0 where they did not."""
    known, tail = lengths.tobytes(), lengths[-_TAIL:].tobytes()
    place = known.rfind(tail, 0, len(known) - lengths.itemsize)
    apart, odd = divmod(len(known) - len(tail) - place, lengths.itemsize)
    return 0 if place < 0 or odd else apart
