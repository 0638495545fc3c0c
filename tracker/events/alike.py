"""Reads many events of one form at once.

A run writes the same few events over and over: only the time, the step, the numbers and the
checksum differ. One event of a form is parsed; the others, which agree with it in every other bit,
lie the same way, so NumPy lifts their columns out together. That is exact, not a guess: what
`parse` does depends only on the bits compared, and every checksum is verified.

CRC-32C is linear over XOR: two messages of one length have checksums that differ by what the
differing bytes contribute, each by itself. So a column of bytes costs one table look-up.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracker.events.event import NOWHERE, Event, parse
from tracker.events.record import FOOTER_SIZE, HEADER_SIZE, MASK, Block, masked_crc
from tracker.events.wire import WireError, read_varint

_Bytes = NDArray[np.uint8]
_Words = NDArray[np.uint32]
_Indices = NDArray[np.int64]

_FEW = 16  # fewer records are faster parsed one by one
_LONGEST = 4096  # bytes of a record; bounds the checksum tables to 4 MiB
_FORMS = 8  # looked for among records of one length; the rest is parsed one by one

_ODD = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio: its powers hash well (Knuth, vol. 3, 6.4)
_POLYNOMIAL = 0x82F63B78  # of CRC-32C, bits reversed


class Group(NamedTuple):
    """Events of one form: `records` are their indices in the block, ascending; `event` is one.

    `values[i, j]` is the number of `event.points[j]` in event i.
    """

    records: _Indices
    event: Event
    wall_times: NDArray[np.float64]
    steps: NDArray[np.int64]
    values: NDArray[np.float64]


class _Form(NamedTuple):
    """Where in a record the bytes lie that change from one event to the next.

    `fixed` has a one in every bit that may not change, in as many bytes as a row has.
    """

    wall: int
    step: int
    step_size: int
    values: tuple[int, ...]
    fixed: bytes


def read_alike(block: Block, *, check: bool) -> tuple[list[Group], list[int]]:
    """Return what could be read together, and the indices of the records that could not.

    Raises `WireError` if any of the former is damaged. Which one is the first to be damaged is for
    the caller to find out, record by record.
    """
    starts = np.array(block.starts, dtype=np.int64)
    sizes = np.diff(starts)
    data = np.frombuffer(block.data, dtype=np.uint8)
    groups: list[Group] = []
    rest: list[int] = []
    for size in np.unique(sizes).tolist():
        records = np.flatnonzero(sizes == size)
        if size <= _LONGEST and len(records) >= _FEW:
            rows = _rows(data, starts[records], size)
            for _ in range(_FORMS):
                taken = _take_form(rows, records, size, groups, check=check)
                rows, records = rows[~taken], records[~taken]
                if len(records) < _FEW:
                    break
        rest += records.tolist()
    return groups, sorted(rest)


def _rows(data: _Bytes, starts: _Indices, size: int) -> _Bytes:
    """Copy records of `size` bytes into the rows of an array, padded with zeros to whole words."""
    rows = np.zeros((len(starts), -(-size // 8) * 8), dtype=np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(data, size)
    rows[:, :size] = windows[starts]
    return rows


def _take_form(
    rows: _Bytes, records: _Indices, size: int, groups: list[Group], *, check: bool
) -> NDArray[np.bool_]:
    """Add to `groups` all events of the form of the first row; return which rows they are."""
    form, _ = _form_of(rows[0].tobytes(), size)
    masked = rows.view(np.uint64) & np.frombuffer(form.fixed, dtype=np.uint64)
    firsts, group_of, taken = _sort_out(masked)
    events, firsts, group_of = _of_form(form, rows, size, firsts, group_of)
    taken &= group_of >= 0
    if not taken.all():
        firsts = np.cumsum(taken)[firsts] - 1
        rows, records, group_of = rows[taken], records[taken], group_of[taken]
    if check:
        _check(rows, form, size, firsts, group_of)
    wall_times, steps, values = _columns(rows, form)
    for group, event in enumerate(events):
        mine = slice(None) if len(events) == 1 else np.flatnonzero(group_of == group)
        numbers = values[mine]
        for column, point in enumerate(event.points):
            if point.place == NOWHERE:
                numbers[:, column] = point.value
        groups.append(Group(records[mine], event, wall_times[mine], steps[mine], numbers))
    return taken


def _of_form(
    form: _Form, rows: _Bytes, size: int, firsts: _Indices, group_of: _Indices
) -> tuple[list[Event], _Indices, _Indices]:
    """Keep the groups whose first row has this form, and number them anew; the others are -1."""
    events: list[Event] = []
    kept: list[int] = []
    number = np.full(len(firsts), -1, dtype=np.int64)
    for group, count in enumerate(np.bincount(group_of).tolist()):
        if count >= _FEW or firsts[group] == 0:
            its_form, event = _form_of(rows[firsts[group]].tobytes(), size)
            if its_form == form:
                number[group] = len(events)
                events.append(event)
                kept.append(group)
    return events, firsts[kept], number[group_of]


@lru_cache(64)  # the first of its kind is asked about again for each form that is not its own
def _form_of(row: bytes, size: int) -> tuple[_Form, Event]:
    payload = row[HEADER_SIZE : size - FOOTER_SIZE]
    event = parse(payload)
    fixed = np.zeros(len(row), dtype=np.uint8)
    fixed[: size - FOOTER_SIZE] = 0xFF
    wall, step, step_size = event.wall_place, event.step_place, 0
    if wall != NOWHERE:
        wall += HEADER_SIZE
        fixed[wall : wall + 8] = 0
    if step != NOWHERE:
        step_size = read_varint(payload, step, len(payload))[1] - step
        step += HEADER_SIZE
        fixed[step : step + step_size] = 0x80  # the bits that say whether the number goes on
    values = tuple(
        NOWHERE if point.place == NOWHERE else point.place + HEADER_SIZE for point in event.points
    )
    for place in values:
        if place != NOWHERE:
            fixed[place : place + 4] = 0
    return _Form(wall, step, step_size, values, fixed.tobytes()), event


def _sort_out(masked: NDArray[np.uint64]) -> tuple[_Indices, _Indices, NDArray[np.bool_]]:
    """Group equal rows: the first row of each group, each row's group, and which rows are in it.

    Groups are found by a hash: a row whose hash is another's, which hardly ever is, is in none.
    """
    if (masked == masked[0]).all():
        alike = np.ones(len(masked), dtype=np.bool_)
        return np.zeros(1, dtype=np.int64), np.zeros(len(masked), dtype=np.int64), alike
    odd = np.multiply.accumulate(np.full(masked.shape[1], _ODD, dtype=np.uint64))
    hashes = (masked ^ (masked >> np.uint64(32))) @ odd
    _, firsts, group_of = np.unique(hashes, return_index=True, return_inverse=True)
    group_of = group_of.reshape(-1)
    return firsts, group_of, (masked == masked[firsts[group_of]]).all(axis=1)


def _columns(
    rows: _Bytes, form: _Form
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    wall_times = np.zeros(len(rows))
    if form.wall != NOWHERE:
        wall_times[:] = _lift(rows, [form.wall], "<f8")[:, 0]
    steps = np.zeros(len(rows), dtype=np.uint64)
    for index in range(form.step_size):
        byte = rows[:, form.step + index].astype(np.uint64)
        steps |= (byte & np.uint64(0x7F)) << np.uint64(7 * index)
    places = [0 if place == NOWHERE else place for place in form.values]
    values = _lift(rows, places, "<f4").astype(np.float64)
    return wall_times, steps.view(np.int64), values


def _lift(rows: _Bytes, places: list[int], kind: str) -> NDArray[Any]:
    """Return the numbers of a `kind` that start at `places` of each row, as a matrix."""
    number = np.dtype(kind)
    columns = [place + byte for place in places for byte in range(number.itemsize)]
    return np.ascontiguousarray(rows[:, columns]).view(number)


def _check(rows: _Bytes, form: _Form, size: int, firsts: _Indices, group_of: _Indices) -> None:
    """Raise `WireError` unless every row's payload has the checksum after it."""
    payload_end = size - FOOTER_SIZE
    fixed = np.frombuffer(form.fixed, dtype=np.uint8)
    moving = np.flatnonzero(fixed[:payload_end] != 0xFF)
    tables = _tables(1 << payload_end.bit_length())
    stored = _lift(rows, [payload_end], "<u4")[:, 0] - np.uint32(MASK)
    rest = stored >> np.uint32(17) | stored << np.uint32(15)
    for column in moving.tolist():
        rest ^= tables[payload_end - 1 - column][rows[:, column]]
    # What is left is the share of the bytes that a group has in common.
    right = bool((rest == rest[firsts[group_of]]).all())
    for row in rows[firsts]:
        payload = row[HEADER_SIZE:payload_end].tobytes()
        right &= row[payload_end:size].tobytes() == masked_crc(payload).to_bytes(4, "little")
    if not right:
        raise WireError("wrong checksum of a payload")


@cache
def _tables(count: int) -> NDArray[np.uint32]:
    """Return what a byte, with d zero bytes after it, adds to a CRC-32C: row d, up to `count`."""
    first = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        first = first >> np.uint32(1) ^ (first & np.uint32(1)) * np.uint32(_POLYNOMIAL)
    tables = np.empty((count, 256), dtype=np.uint32)
    tables[0] = first
    for distance in range(1, count):
        before = tables[distance - 1]
        tables[distance] = first[before & np.uint32(0xFF)] ^ before >> np.uint32(8)
    return tables
