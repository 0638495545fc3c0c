"""Finds the scalars in one event's payload, and where in it they lie.

A scalar is what TensorBoard shows as one: a simple value, or a tensor of one number under a tag
whose first metadata says "scalars". The rest (pictures, graphs, texts) is stepped over unread.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from tracker.events import tensor, wire
from tracker.events.wire import WireError, fields, read_varint, signed

NOWHERE = tensor.NOWHERE

_unpack_float = struct.Struct("<f").unpack_from
_unpack_double = struct.Struct("<d").unpack_from


class Point(NamedTuple):
    """A number under a tag. `place`: where its float32 lies, or -1 if it is of another type."""

    tag: str
    value: float
    place: int
    is_tensor: bool


class Event(NamedTuple):
    """What an event says about scalars.

    `wall_place` and `step_place` are where the time's double and the step's varint lie, -1 where
    they are missing, hence zero. `kinds`: of each tag with metadata, whether that is a scalar's.
    """

    wall_time: float
    wall_place: int
    step: int
    step_place: int
    points: list[Point]
    kinds: list[tuple[str, bool]]


def parse(payload: bytes) -> Event:
    """Parse an event, or raise `WireError` if the payload, as far as it matters here, is none."""
    wall_time, wall_place, step, step_place = 0.0, NOWHERE, 0, NOWHERE
    points: list[Point] = []
    kinds: list[tuple[str, bool]] = []
    holds = set()
    for key, start, stop in fields(payload, 0, len(payload)):
        if key == wire.EVENT_SUMMARY:
            holds.add(key)
            for inner, first, last in fields(payload, start, stop):
                if inner == wire.SUMMARY_VALUE:
                    _parse_value(payload, first, last, points, kinds)
        elif key == wire.EVENT_WALL_TIME:
            wall_time, wall_place = _unpack_double(payload, start)[0], start
        elif key == wire.EVENT_STEP:
            step, step_place = signed(read_varint(payload, start, stop)[0]), start
        elif key in wire.EVENT_OTHERS:
            holds.add(key)
    if len(holds) > 1:
        raise WireError("an event of two kinds")
    return Event(wall_time, wall_place, step, step_place, points, kinds)


def _parse_value(
    data: bytes, start: int, stop: int, points: list[Point], kinds: list[tuple[str, bool]]
) -> None:
    found: dict[int, tuple[int, int]] = {}
    for key, first, last in fields(data, start, stop):
        if key in found and key in wire.VALUE_ONCE:
            raise WireError("a value with a field twice")
        found[key] = (first, last)
    if len(found.keys() & wire.VALUE_ONEOF) > 1:
        raise WireError("a value of two kinds")
    first, last = found.get(wire.VALUE_TAG, (0, 0))
    try:
        tag = data[first:last].decode()
    except UnicodeDecodeError as error:
        raise WireError("a tag that is not UTF-8") from error
    if wire.VALUE_METADATA in found:
        kinds.append((tag, _is_scalar(data, *found[wire.VALUE_METADATA])))
    if wire.VALUE_SIMPLE in found:
        place = found[wire.VALUE_SIMPLE][0]
        points.append(Point(tag, _unpack_float(data, place)[0], place, is_tensor=False))
    elif wire.VALUE_TENSOR in found:
        number = tensor.number(data, *found[wire.VALUE_TENSOR])
        if number is not None:
            points.append(Point(tag, *number, is_tensor=True))


def _is_scalar(data: bytes, start: int, stop: int) -> bool:
    """Tell whether the SummaryMetadata in `data[start:stop]` is that of a scalar."""
    plugin = b""
    kind = 0
    for key, first, last in fields(data, start, stop):
        if key == wire.METADATA_PLUGIN:
            for inner, at, end in fields(data, first, last):
                if inner == wire.PLUGIN_NAME:
                    plugin = data[at:end]
        elif key == wire.METADATA_CLASS:
            kind = read_varint(data, first, last)[0]
    return plugin == wire.SCALARS_PLUGIN or kind == wire.SCALAR_CLASS
