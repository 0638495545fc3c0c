"""Reads a whole TensorProto: an array of numbers, or strings."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tracker.events import wire
from tracker.events.record import MAX_PAYLOAD
from tracker.events.tensor import HALF, KINDS
from tracker.events.wire import WireError, fields, read_varint, signed

Value: TypeAlias = "NDArray[Any] | tuple[bytes, ...]"

STRING = 7  # DataType, as in types.proto
MAX_DIMENSIONS = 16

_Places: TypeAlias = list[tuple[int, int, int]]  # of a field's every part: how stored, from, to


def array(data: bytes, start: int, stop: int) -> Value | None:
    """Return what the TensorProto in `data[start:stop]` holds, as a copy.

    Numbers come as an array of its type and shape, strings as a tuple in their order. None where
    the type is another, or where the values are not exactly as many as the shape says: protobuf
    lets the last one stand for any number more, which a few bytes could make gigabytes of. Raises
    `WireError` where the bytes don't add up.
    """
    kind = 0
    shape: tuple[int, ...] | None = ()
    found: dict[int, _Places] = defaultdict(list)
    for key, first, last in fields(data, start, stop):
        if key == wire.TENSOR_TYPE:
            kind = read_varint(data, first, last)[0]
        elif key == wire.TENSOR_SHAPE:
            shape = _shape(data, first, last)
        else:
            found[key >> 3].append((key & 7, first, last))
    if shape is None:
        return None
    if kind == STRING:
        return _strings(data, found, shape)
    return _numbers(data, found, kind, shape) if kind in KINDS else None


def _strings(
    data: bytes, found: dict[int, _Places], shape: tuple[int, ...]
) -> tuple[bytes, ...] | None:
    places = found[wire.TENSOR_STRING >> 3]
    if any(stored != wire.DELIMITED for stored, *_ in places) or len(places) != math.prod(shape):
        return None
    return tuple(data[first:last] for _, first, last in places)


def _numbers(
    data: bytes, found: dict[int, _Places], kind: int, shape: tuple[int, ...]
) -> NDArray[Any] | None:
    form = KINDS[kind]
    dtype = np.dtype(form.layout.format)
    contents = b"".join(data[at:end] for _, at, end in found[wire.TENSOR_CONTENT >> 3][-1:])
    if not contents:
        contents = _listed(data, found[form.field], kind)
    if len(contents) != math.prod(shape) * dtype.itemsize:
        return None
    numbers: NDArray[Any] = np.frombuffer(contents, dtype).reshape(shape).copy()
    return numbers


def _listed(data: bytes, places: _Places, kind: int) -> bytes:
    """Return numbers listed one by one, or packed, as `tensor_content` would hold them."""
    form = KINDS[kind]
    if any(stored not in (form.stored, wire.DELIMITED) for stored, *_ in places):
        raise WireError("a number that is not stored as its type is")
    if form.stored != wire.VARINT:
        return b"".join(data[first:last] for _, first, last in places)
    numbers: list[int] = []
    for _, at, end in places:
        while at < end:
            number, at = read_varint(data, at, end)
            numbers.append(signed(number))
    # A half is listed as its bits; what is too large for its type is cut off, as protobuf does it.
    width = np.dtype("<u2") if kind == HALF else np.dtype(form.layout.format)
    return np.array(numbers, np.int64).astype(width).tobytes()


def _shape(data: bytes, start: int, stop: int) -> tuple[int, ...] | None:
    """Return the sizes of a TensorShapeProto, None if it leaves one open or no payload has so many.

    An array may be empty along one dimension; how long it says to be along others is bounded too.
    """
    sizes = []
    for key, first, last in fields(data, start, stop):
        if key == wire.SHAPE_DIMENSION:
            size = 0
            for inner, at, end in fields(data, first, last):
                if inner == wire.DIMENSION_SIZE:
                    size = signed(read_varint(data, at, end)[0])
            sizes.append(size)
        elif key == wire.SHAPE_UNKNOWN:
            return None
    if min(sizes, default=0) < 0 or len(sizes) > MAX_DIMENSIONS:
        return None
    return tuple(sizes) if math.prod(max(size, 1) for size in sizes) <= MAX_PAYLOAD else None
