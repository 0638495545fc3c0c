"""The inner layer: just enough of protobuf's wire format to write and read scalars.

Building and parsing message objects costs ten times what the bytes do. Field numbers are from
tensorboard/compat/proto: event.proto, summary.proto, tensor.proto.
"""

from __future__ import annotations

from tracker.tags import Meaning

SCALARS_PLUGIN = b"scalars"

EVENT_WALL_TIME = b"\x09"  # field 1, double
EVENT_STEP = b"\x10"  # field 2, varint
EVENT_FILE_VERSION = b"\x1a"  # field 3, string
EVENT_SUMMARY = b"\x2a"  # field 5, message
SUMMARY_VALUE = b"\x0a"  # field 1, message
VALUE_TAG = b"\x0a"  # field 1, string
VALUE_SIMPLE = b"\x15"  # field 2, float
VALUE_METADATA = b"\x4a"  # field 9, message

_DATA_CLASS_SCALAR = b"\x20\x01"  # SummaryMetadata field 4, DATA_CLASS_SCALAR


def varint(number: int) -> bytes:
    """Encode `number`, 0 to 2**64 - 1, seven bits a byte, lowest first."""
    if number < 0x80:
        return bytes((number,))
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    if number < 0x200000:
        return bytes((number & 0x7F | 0x80, number >> 7 & 0x7F | 0x80, number >> 14))
    return bytes((number & 0x7F | 0x80,)) + varint(number >> 7)


def delimited(key: bytes, data: bytes) -> bytes:
    """Return a string, bytes or message field: its key, the length, the data."""
    return key + varint(len(data)) + data


def scalar_metadata(meaning: Meaning) -> bytes:
    """Encode the SummaryMetadata that tells TensorBoard a scalar tag's title and description."""
    plugin = delimited(b"\x0a", delimited(b"\x0a", SCALARS_PLUGIN))
    title = delimited(b"\x12", meaning.title.encode())
    description = delimited(b"\x1a", meaning.description.encode())
    return plugin + title + description + _DATA_CLASS_SCALAR


def scalar_prefix(tag: bytes, metadata: bytes = b"") -> bytes:
    """Return all of a Summary.Value but the four bytes of its float32, which come right after."""
    inner = delimited(VALUE_TAG, tag)
    if metadata:
        inner += delimited(VALUE_METADATA, metadata)
    inner += VALUE_SIMPLE
    return SUMMARY_VALUE + varint(len(inner) + 4) + inner
