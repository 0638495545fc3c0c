"""Reads tensors and pictures back, strictly: of the tags asked for, and nothing else is decoded."""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

from tracker.events import wire
from tracker.events.array import Value, array
from tracker.events.reader import event_files
from tracker.events.record import BAD_PAYLOAD, Report, Scan
from tracker.events.wire import WireError, fields, read_varint, signed

PNG = b"\x89PNG\r\n\x1a\n"

_unpack_double = struct.Struct("<d").unpack_from
_Point = TypeVar("_Point")


class TensorPoint(NamedTuple):
    """A tensor as it was written: an array of numbers, or strings in the order of their places."""

    step: int
    wall_time: float  # seconds since the epoch
    value: Value


class ImagePoint(NamedTuple):
    """A picture as it was written. Width and height are what the event says, in pixels."""

    step: int
    wall_time: float  # seconds since the epoch
    width: int
    height: int
    png: bytes


def read_tensors(
    path: Path, tags: Collection[str], *, told: Callable[[Report], None] = lambda _: None
) -> dict[str, list[TensorPoint]]:
    """Read the tensors of `tags` from an event file, or of a run: the files right in a directory.

    Points come as they were written, oldest file first; a tag without any has an empty list. A
    tensor of a type that is no number or string, or with more or fewer values than its shape says,
    is no point. What is damaged is not raised: each file is read up to its first damage, and
    `told` is given the report on it. Raises `FileNotFoundError` if `path` is not there.
    """

    def parse(data: bytes, start: int, stop: int, step: int, wall: float) -> list[TensorPoint]:
        for key, first, last in fields(data, start, stop):
            if key == wire.VALUE_TENSOR:
                value = array(data, first, last)
                return [] if value is None else [TensorPoint(step, wall, value)]
        return []

    return _read(path, tags, parse, told)


def read_images(
    path: Path, tags: Collection[str], *, told: Callable[[Report], None] = lambda _: None
) -> dict[str, list[ImagePoint]]:
    """Read the pictures of `tags`: image summaries, and tensors of width, height and pictures.

    A tensor of several pictures makes a point of each. Only PNG files are given, unopened.
    Otherwise as `read_tensors`.
    """

    def parse(data: bytes, start: int, stop: int, step: int, wall: float) -> list[ImagePoint]:
        for key, first, last in fields(data, start, stop):
            if key == wire.VALUE_IMAGE:
                size, pictures = _old_image(data, first, last)
            elif key == wire.VALUE_TENSOR:
                size, pictures = _new_image(array(data, first, last))
            else:
                continue
            return [ImagePoint(step, wall, *size, one) for one in pictures if one.startswith(PNG)]
        return []

    return _read(path, tags, parse, told)


def _old_image(data: bytes, start: int, stop: int) -> tuple[tuple[int, int], list[bytes]]:
    """Return (width, height) and the picture of a Summary.Image."""
    width = height = 0
    picture = b""
    for key, first, last in fields(data, start, stop):
        if key == wire.IMAGE_WIDTH:
            width = signed(read_varint(data, first, last)[0])
        elif key == wire.IMAGE_HEIGHT:
            height = signed(read_varint(data, first, last)[0])
        elif key == wire.IMAGE_ENCODED:
            picture = data[first:last]
    return (width, height), [picture]


def _new_image(value: Value | None) -> tuple[tuple[int, int], list[bytes]]:
    """Return (width, height) and the pictures of the image plugin's tensor; none if it is another.

    Source: tensorboard/plugins/image/metadata.py, `create_summary_metadata`.
    """
    if not isinstance(value, tuple) or len(value) < 3:
        return (0, 0), []
    width, height, *pictures = value
    if not all(size.isdigit() and len(size) < 10 for size in (width, height)):
        return (0, 0), []
    return (int(width), int(height)), pictures


def _read(
    path: Path,
    tags: Collection[str],
    parse: Callable[[bytes, int, int, int, float], list[_Point]],
    told: Callable[[Report], None],
) -> dict[str, list[_Point]]:
    found: dict[str, list[_Point]] = {tag: [] for tag in tags}
    wanted = {tag.encode(errors="surrogatepass"): tag for tag in tags}
    for file in event_files(path):
        scan = Scan(file)
        for block in scan.blocks():
            for index in range(len(block.starts) - 1):
                if not block.holds(index):
                    scan.refuse(block, index, BAD_PAYLOAD)
                    break
                payload = block.payload(index)
                if not any(name in payload for name in wanted):
                    continue
                try:
                    points = [
                        (wanted[name], point)
                        for name, start, stop, step, wall in _values(payload)
                        if name in wanted
                        for point in parse(payload, start, stop, step, wall)
                    ]
                except WireError as error:
                    scan.refuse(block, index, f"no event: {error}")
                    break
                for tag, point in points:
                    found[tag].append(point)
        told(scan.report)
    return found


def _values(payload: bytes) -> Iterator[tuple[bytes, int, int, int, float]]:
    """Yield of each value of an event: its tag, where it lies, the event's step and wall time."""
    step, wall_time = 0, 0.0
    places = []
    for key, start, stop in fields(payload, 0, len(payload)):
        if key == wire.EVENT_STEP:
            step = signed(read_varint(payload, start, stop)[0])
        elif key == wire.EVENT_WALL_TIME:
            wall_time = _unpack_double(payload, start)[0]
        elif key == wire.EVENT_SUMMARY:
            places += [
                (first, last)
                for inner, first, last in fields(payload, start, stop)
                if inner == wire.SUMMARY_VALUE
            ]
    for start, stop in places:
        for key, first, last in fields(payload, start, stop):
            if key == wire.VALUE_TAG:
                yield payload[first:last], start, stop, step, wall_time
                break
