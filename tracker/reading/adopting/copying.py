"""Copies event files record by record, and later what was added to the originals.

Copied, not linked: a hard link is the same file, so a writer that goes on, or a `tracker rm` that
renames, would act on both; and what a live writer has half written must not come along. A copy is
appended to when its original has grown, so a TensorBoard that has it open shows the new points.
"""

from __future__ import annotations

import hashlib
import io
import os
from bisect import bisect_left
from dataclasses import replace
from pathlib import Path

from google.protobuf.message import DecodeError
from tensorboard.compat.proto.event_pb2 import Event

from tracker.events.record import BAD_PAYLOAD, Block, Scan, frame
from tracker.owned import own
from tracker.reading.adopting.grouping import SESSION
from tracker.store.files import explain_os_error
from tracker.store.imported import Copied

_CHUNK = 1 << 20


def has_kept(source: Path, before: Copied) -> bool:
    """Whether `source` still begins with the bytes that were taken of it. Raises Unavailable."""
    digest = hashlib.sha256()
    left = before.taken
    with explain_os_error("read", source), source.open("rb") as file:
        while left and (chunk := file.read(min(left, _CHUNK))):
            digest.update(chunk)
            left -= len(chunk)
    return not left and digest.hexdigest() == before.sha256


def copy(source: Path, target: Path, record: Copied) -> Copied:
    """Add to `target` the whole, sound records of `source` after the first `record.taken` bytes.

    What `target` holds beyond `record.size` is dropped first: it was never vouched for; where it
    holds less, it is made anew. Returns `record` brought up to date; the target is on the disk
    then. Raises Unavailable, and Damaged where `target` is a link.
    """
    scan = Scan(source)
    digest = hashlib.sha256()
    base = taken = 0
    with explain_os_error("write", target), io.FileIO(target, "ab", opener=own) as out:
        if os.fstat(out.fileno()).st_size < record.size:
            record = replace(record, taken=0, size=0)
        out.truncate(record.size)
        for block in scan.blocks():
            count = _sound(scan, block, record.taken - base)
            end = block.starts[count]
            digest.update(memoryview(block.data)[:end])
            first = bisect_left(block.starts, record.taken - base)
            if first < count:
                _write_all(out, _records(block, first, count, record.suffix))
            base += block.starts[-1]
            taken += end
        size = os.fstat(out.fileno()).st_size
        os.fsync(out.fileno())
    return replace(record, taken=taken, sha256=digest.hexdigest(), size=size)


def renamed(tag: str, suffix: str) -> str:
    """What a tag of a part with this suffix is called in the run.

    Tags that a plugin looks for by name stay as they are, and so does "hparam/…".
    """
    if not suffix or tag.startswith("_") or (suffix == SESSION and tag.startswith(SESSION)):
        return tag
    return f"{tag}/{suffix}"


def _sound(scan: Scan, block: Block, known: int) -> int:
    """How many records of the block are sound; the first `known` bytes were checked before."""
    count = len(block.starts) - 1
    for index in range(bisect_left(block.starts, known), count):
        if not block.holds(index):
            scan.refuse(block, index, BAD_PAYLOAD)
            return index
    return count


def _records(block: Block, first: int, count: int, suffix: str) -> bytes | memoryview:
    if not suffix:
        return memoryview(block.data)[block.starts[first] : block.starts[count]]
    return b"".join(frame(_retagged(block.payload(index), suffix)) for index in range(first, count))


def _retagged(payload: bytes, suffix: str) -> bytes:
    try:
        event = Event.FromString(payload)
    except DecodeError:
        return payload  # no event: every reader passes over it here as it did there
    for value in event.summary.value:
        value.tag = renamed(value.tag, suffix)
    encoded: bytes = event.SerializeToString()
    return encoded


def _write_all(out: io.FileIO, data: bytes | memoryview) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[out.write(rest) :]
