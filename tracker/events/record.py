"""The outer layer of an event file: length-prefixed records with checksums (TFRecord).

A record is a length (u64), its checksum (u32), the payload and the payload's checksum (u32), all
little-endian. The checksum is CRC-32C "masked" (rotated and offset), so that a checksum of data
that holds checksums stays sound. Source: tensorboard/data/server/tf_record.rs, masked_crc.rs.
"""

from __future__ import annotations

import io
import os
import stat
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

from google_crc32c import value

INFIX = "tfevents"  # TensorBoard takes any file with this in its name for an event file
HEADER_SIZE = 12
FOOTER_SIZE = 4
MAX_PAYLOAD = 1 << 28  # protobuf ends at 2 GiB; what comes near it is no event
MASK = 0xA282EAD8  # added to a checksum after rotating it right by 15 bits
BAD_PAYLOAD = "wrong checksum of a payload"

Sizes: TypeAlias = dict[bytes, int]  # of records, by their headers
# Where records start and the last whole one stops, how many bytes to read next, and what is wrong
# there if anything is.
Found: TypeAlias = tuple[list[int], int, str]
Split: TypeAlias = Callable[[bytes, Sizes], Found]

_CHUNK = 1 << 20  # more does not stay in the processor's cache, and takes up to twice as long
_HEADER = struct.Struct("<QI")
_LENGTH = struct.Struct("<Q")
_CRC = struct.Struct("<I")


def mask(crc: int) -> int:
    """Return the masked form, as stored in a file, of a plain CRC-32C (both 32-bit unsigned)."""
    return ((crc >> 15 | crc << 17) + MASK) & 0xFFFFFFFF


def masked_crc(data: bytes) -> int:
    """Return the masked CRC-32C of `data`, an unsigned 32-bit integer."""
    return mask(value(data))


def header(size: int) -> bytes:
    """Return the 12 bytes that come before a payload of `size` bytes."""
    length = _LENGTH.pack(size)
    return length + _CRC.pack(masked_crc(length))


def frame(payload: bytes) -> bytes:
    """Return `payload` as one whole record: 16 bytes longer, ready to be appended to a file."""
    return header(len(payload)) + payload + _CRC.pack(masked_crc(payload))


class Damage(NamedTuple):
    """Where a file stops making sense, in bytes from its start, and why."""

    offset: int
    reason: str


@dataclass(frozen=True)
class Report:
    """What a file was found to hold.

    `records`: whole, checked records before any damage; `size`: their bytes, a length to which the
    file can safely be cut. `torn`: bytes of an unfinished record after them, as a kill or a full
    disk leaves it, or a writer at work. `damage`: why reading stopped, if it was something worse.
    """

    path: Path
    records: int
    size: int
    torn: int
    damage: Damage | None


class Block(NamedTuple):
    """Neighbouring records of a file, whole but their payloads not yet checked.

    Record k is `data[starts[k]:starts[k + 1]]`; `starts` has one more entry than there are records.
    """

    data: bytes
    starts: list[int]

    def payload(self, index: int) -> bytes:
        """Return the payload of record `index`."""
        return self.data[self.starts[index] + HEADER_SIZE : self.starts[index + 1] - FOOTER_SIZE]

    def holds(self, index: int) -> bool:
        """Tell whether the payload of record `index` has the checksum it was written with."""
        (crc,) = _CRC.unpack_from(self.data, self.starts[index + 1] - FOOTER_SIZE)
        return bool(masked_crc(self.payload(index)) == crc)


class Scan:
    """Reads the records of one file, once and from its start, up to the first damage.

    Iterate for (offset of the record, payload), each checked; `report` then says what was found.
    Nothing that a path can hold raises: what can't be opened or read is reported as damage.
    Never waits (a fifo is refused) and holds two MiB, or twice the largest record if that is more.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records = 0
        self._size = 0
        self._torn = 0
        self._damage: Damage | None = None

    @property
    def report(self) -> Report:
        """What was found in the blocks read so far."""
        return Report(self._path, self._records, self._size, self._torn, self._damage)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        for block in self.blocks():
            base = self._size
            for index in range(len(block.starts) - 1):
                if not block.holds(index):
                    self.refuse(block, index, BAD_PAYLOAD)
                    break
                yield base + block.starts[index], block.payload(index)

    def blocks(self, split: Split | None = None) -> Iterator[Block]:
        """Read block by block. Asking for the next one vouches for the payloads of the last.

        A reader that finds a payload wrong says so with `refuse`; no further block comes then.
        `split` finds where records lie, just as `split_singly`, which does by default.
        """
        try:
            with io.FileIO(self._path, opener=_open_without_waiting) as file:
                yield from self._read(file, split or split_singly)
        except OSError as error:
            self._damage = Damage(self._size, f"cannot be read: {error.strerror}")

    def refuse(self, block: Block, index: int, reason: str) -> None:
        """Say that record `index` of the block just given out is damaged."""
        self._size += block.starts[index]
        self._records += index
        self._damage = Damage(self._size, reason)

    def _read(self, file: io.FileIO, split: Split) -> Iterator[Block]:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            self._damage = Damage(0, "not a regular file")
            return
        sizes: Sizes = {}
        rest = b""
        wanted = _CHUNK
        while True:
            # A length is believed only as far as the file goes, so that it can't claim memory.
            left = os.fstat(file.fileno()).st_size - file.tell()
            more = file.read(max(1, min(wanted, left)))
            data = rest + more
            starts, wanted, reason = split(data, sizes)
            yield Block(data, starts)
            if self._damage is not None:
                return
            self._records += len(starts) - 1
            self._size += starts[-1]
            rest = data[starts[-1] :]
            if reason:
                self._damage = Damage(self._size, reason)
                return
            if not more:
                self._torn = len(rest)
                return


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def split_singly(data: bytes, sizes: Sizes) -> Found:
    """Find where the records in `data` lie, header by header."""
    starts = [0]
    end = find(data, sizes, starts, len(data) + 1)
    assert end is not None  # there are more bytes than records
    return starts, *end


def find(data: bytes, sizes: Sizes, starts: list[int], more: int) -> tuple[int, str] | None:
    """Add to `starts`, of which the last is where to begin, until there are `more` of them.

    Returns None then, else the rest of what `Found` is. `sizes` remembers the headers found right,
    as most records have one of a few lengths.
    """
    at, end = starts[-1], len(data)
    for _ in range(more):
        if at + HEADER_SIZE > end:
            return _CHUNK, ""
        head = data[at : at + HEADER_SIZE]
        size = sizes.get(head)
        if size is None:
            length, crc = _HEADER.unpack(head)
            if masked_crc(head[:8]) != crc:
                return 0, "wrong checksum of a length"
            if length > MAX_PAYLOAD:
                return 0, f"a record of {length} bytes"
            size = sizes[head] = HEADER_SIZE + length + FOOTER_SIZE
        at += size
        if at > end:
            return max(_CHUNK, at - end), ""
        starts.append(at)
    return None
