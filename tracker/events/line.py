"""Encodes events of many scalars: the bytes that never change are prepared once."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any, SupportsFloat

from google_crc32c import value as crc32c

from tracker.events import wire
from tracker.events.record import header, mask
from tracker.tags import Meaning

_NUMBERS = slice(6, None, 2)  # where the numbers stand among a line's fields
_pack_crc = struct.Struct("<I").pack


class Line:
    """How an event with these tags, in this order, is laid out: all but time, step and numbers.

    `introduces`: the tags whose title and description it carries.
    """

    __slots__ = ("_fields", "_header", "_heads", "_high", "_more", "_pack", "introduces", "tags")

    def __init__(self, tags: tuple[str, ...], meanings: Mapping[str, Meaning]) -> None:
        self.tags = tags
        self.introduces = tuple(meanings)
        metadata = {tag: wire.scalar_metadata(meanings[tag]) for tag in meanings}
        heads = [wire.scalar_head(tag, metadata.get(tag, b"")) for tag in tags]
        size = sum(len(head) + 4 for head in heads)
        summary = wire.varint(wire.EVENT_SUMMARY) + wire.varint(size)
        self._heads = [summary + heads[0], *heads[1:]] if heads else []
        self._high = -1

    def record(self, wall_time: float, step: int, values: Mapping[str, SupportsFloat]) -> bytes:
        """Return the framed event."""
        if step >> 7 != self._high:
            self._turn(step >> 7)
        fields = self._fields
        fields[1] = wall_time
        fields[3] = step & 0x7F | self._more
        fields[_NUMBERS] = values.values()
        try:
            payload = self._pack(*fields)
        except (OverflowError, struct.error):
            fields[_NUMBERS] = [_float32(tag, number) for tag, number in values.items()]
            payload = self._pack(*fields)
        return self._header + payload + _pack_crc(mask(crc32c(payload)))

    def _turn(self, high: int) -> None:
        """Prepare for steps of which all but the last seven bits are `high`."""
        tail = wire.varint(high) if high else b""
        if self._high < 0 or len(tail) != len(self._fields[4]):
            self._lay_out(len(tail))
        self._fields[4] = tail
        self._more = 0x80 if high else 0
        self._high = high

    def _lay_out(self, tail: int) -> None:
        """Fix the places of all fields, for steps of `tail` bytes and one."""
        self._fields: list[Any] = [wire.EVENT_WALL_TIME, 0.0, wire.EVENT_STEP, 0, b""]
        for head in self._heads:
            self._fields += (head, 0.0)
        heads = "".join(f"{len(head)}sf" for head in self._heads)
        layout = struct.Struct(f"<BdBB{tail}s{heads}")
        self._pack = layout.pack
        self._header = header(layout.size)


def _float32(tag: str, number: SupportsFloat) -> float:
    """Return `number` as struct can pack it: infinite where float32 can't hold it."""
    try:
        double = float(number)
    except (TypeError, ValueError) as error:
        raise TypeError(f"scalar {tag!a} must be a number, not {number!a}") from error
    try:
        struct.pack("<f", double)
    except OverflowError:
        return math.copysign(math.inf, double)
    return double
