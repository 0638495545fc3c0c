"""Reads the one number of a TensorProto, as newer writers store scalars; how numbers lie in one."""

from __future__ import annotations

import struct
from typing import NamedTuple

from tracker.events import wire
from tracker.events.wire import fields, read_varint, signed

NOWHERE = -1


class Kind(NamedTuple):
    """How numbers of a type lie in `tensor_content`, and in which field they are listed instead."""

    layout: struct.Struct
    field: int
    stored: int


def _kind(layout: str, field: int, stored: int = wire.VARINT) -> Kind:
    return Kind(struct.Struct(layout), field, stored)


# By DataType, as in types.proto.
KINDS = {
    1: _kind("<f", 5, wire.FOUR_BYTES),
    2: _kind("<d", 6, wire.EIGHT_BYTES),
    3: _kind("<i", 7),
    4: _kind("<B", 7),
    5: _kind("<h", 7),
    6: _kind("<b", 7),
    9: _kind("<q", 10),
    10: _kind("<?", 11),
    17: _kind("<H", 7),
    19: _kind("<e", 13),
    22: _kind("<I", 16),
    23: _kind("<Q", 17),
}
FLOAT, HALF = 1, 19
_BFLOAT16 = 14  # the upper half of a float32; NumPy has no such type, and TensorBoard alone none
_NUMBERS = {**KINDS, _BFLOAT16: _kind("<H", 13)}


def number(data: bytes, start: int, stop: int) -> tuple[float, int] | None:
    """Return the number of the TensorProto in `data[start:stop]`, and where its float32 lies.

    The place is -1 if it is of another type. None if it is no number, or more than one.
    """
    kind = 0
    elements = 1
    content = (0, 0)
    listed: dict[int, tuple[int, int]] = {}
    for key, first, last in fields(data, start, stop):
        if key == wire.TENSOR_TYPE:
            kind = read_varint(data, first, last)[0]
        elif key == wire.TENSOR_SHAPE:
            elements *= _elements(data, first, last)
        elif key == wire.TENSOR_CONTENT:
            content = (first, last)
        elif key in listed:
            return None
        else:
            listed[key] = (first, last)
    if kind not in _NUMBERS or elements != 1:
        return None
    if content[0] < content[1]:
        return _from_bytes(data, content, kind)
    return _from_list(data, listed, kind)


def _from_bytes(data: bytes, content: tuple[int, int], kind: int) -> tuple[float, int] | None:
    layout = _NUMBERS[kind].layout
    if content[1] - content[0] != layout.size:
        return None
    (value,) = layout.unpack_from(data, content[0])
    if kind == _BFLOAT16:
        return _widened(value), NOWHERE
    return float(value), content[0] if kind == FLOAT else NOWHERE


def _from_list(
    data: bytes, listed: dict[int, tuple[int, int]], kind: int
) -> tuple[float, int] | None:
    form = _NUMBERS[kind]
    packed = listed.get(form.field << 3 | wire.DELIMITED)
    plain = listed.get(form.field << 3 | form.stored)
    content = packed or plain
    if content is None or (packed and plain):
        return None
    if form.stored == wire.VARINT:
        return _from_varint(data, content, kind)
    return _from_bytes(data, content, kind)


def _from_varint(data: bytes, content: tuple[int, int], kind: int) -> tuple[float, int] | None:
    encoded, stop = read_varint(data, *content)
    if stop != content[1]:
        return None
    if kind == HALF:
        (half,) = struct.unpack("<e", struct.pack("<H", encoded & 0xFFFF))
        return half, NOWHERE
    if kind == _BFLOAT16:
        return _widened(encoded & 0xFFFF), NOWHERE
    unsigned = KINDS[kind].layout.format in ("<Q", "<I")
    return float(encoded if unsigned else signed(encoded)), NOWHERE


def _widened(upper: int) -> float:
    """Return the float32 whose upper half this is, the lower being zero."""
    (value,) = struct.unpack("<f", struct.pack("<HH", 0, upper))
    return float(value)


def _elements(data: bytes, start: int, stop: int) -> int:
    """Return how many elements a TensorShapeProto makes; 0 if it doesn't say."""
    elements = 1
    for key, first, last in fields(data, start, stop):
        if key == wire.SHAPE_DIMENSION:
            size = 0
            for inner, at, end in fields(data, first, last):
                if inner == wire.DIMENSION_SIZE:
                    size = read_varint(data, at, end)[0]
            elements *= size
        elif key == wire.SHAPE_UNKNOWN:
            return 0
    return elements
