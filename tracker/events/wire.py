"""The inner layer: as much of protobuf's wire format as scalars need, both ways.

Building and parsing message objects costs ten times what the bytes do. A field's key is its number
shifted left by three, plus how it is stored. Numbers and names are those of event.proto,
summary.proto, tensor.proto and tensor_shape.proto in tensorboard/compat/proto.
"""

from __future__ import annotations

from collections.abc import Iterator

from tracker.tags import Meaning

VARINT, EIGHT_BYTES, DELIMITED, FOUR_BYTES = 0, 1, 2, 5  # how a field is stored

EVENT_WALL_TIME = 1 << 3 | EIGHT_BYTES
EVENT_STEP = 2 << 3 | VARINT
EVENT_FILE_VERSION = 3 << 3 | DELIMITED
EVENT_SUMMARY = 5 << 3 | DELIMITED
EVENT_OTHERS = frozenset(number << 3 | DELIMITED for number in (3, 4, 6, 7, 8, 9))  # no summary

SUMMARY_VALUE = 1 << 3 | DELIMITED

VALUE_TAG = 1 << 3 | DELIMITED
VALUE_SIMPLE = 2 << 3 | FOUR_BYTES
VALUE_IMAGE = 4 << 3 | DELIMITED
VALUE_TENSOR = 8 << 3 | DELIMITED
VALUE_METADATA = 9 << 3 | DELIMITED
VALUE_ONEOF = frozenset((VALUE_SIMPLE, VALUE_TENSOR, *(n << 3 | DELIMITED for n in (3, 4, 5, 6))))
VALUE_ONCE = VALUE_ONEOF | {VALUE_TAG, VALUE_METADATA}

METADATA_PLUGIN = 1 << 3 | DELIMITED
METADATA_TITLE = 2 << 3 | DELIMITED
METADATA_DESCRIPTION = 3 << 3 | DELIMITED
METADATA_CLASS = 4 << 3 | VARINT
PLUGIN_NAME = 1 << 3 | DELIMITED

SCALARS_PLUGIN = b"scalars"
SCALAR_CLASS = 1

TENSOR_TYPE = 1 << 3 | VARINT
TENSOR_SHAPE = 2 << 3 | DELIMITED
TENSOR_CONTENT = 4 << 3 | DELIMITED
TENSOR_STRING = 8 << 3 | DELIMITED
SHAPE_DIMENSION = 2 << 3 | DELIMITED
SHAPE_UNKNOWN = 3 << 3 | VARINT
DIMENSION_SIZE = 1 << 3 | VARINT

IMAGE_HEIGHT = 1 << 3 | VARINT
IMAGE_WIDTH = 2 << 3 | VARINT
IMAGE_ENCODED = 4 << 3 | DELIMITED


class WireError(ValueError):
    """The bytes are no message of the expected kind."""


def varint(number: int) -> bytes:
    """Encode `number`, 0 to 2**64 - 1, seven bits a byte, lowest first."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def delimited(key: int, data: bytes) -> bytes:
    """Encode a string, bytes or message field: its key, the length, the data."""
    return varint(key) + varint(len(data)) + data


def scalar_metadata(meaning: Meaning) -> bytes:
    """Encode the SummaryMetadata that tells TensorBoard a scalar tag's title and description."""
    return b"".join(
        (
            delimited(METADATA_PLUGIN, delimited(PLUGIN_NAME, SCALARS_PLUGIN)),
            delimited(METADATA_TITLE, meaning.title.encode()),
            delimited(METADATA_DESCRIPTION, meaning.description.encode()),
            varint(METADATA_CLASS) + varint(SCALAR_CLASS),
        )
    )


def scalar_head(tag: str, metadata: bytes = b"") -> bytes:
    """Encode all of a Summary.Value but the four bytes of its float32, which come right after."""
    inner = delimited(VALUE_TAG, tag.encode())
    if metadata:
        inner += delimited(VALUE_METADATA, metadata)
    inner += varint(VALUE_SIMPLE)
    return varint(SUMMARY_VALUE) + varint(len(inner) + 4) + inner


def fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Walk the message in `data[at:end]`: the key of each field and where its content lies.

    Raises `WireError` where the bytes don't add up.
    """
    while at < end:
        key = data[at]
        at += 1
        if key > 0x7F:
            key, at = read_varint(data, at - 1, end)
        stored = key & 7
        if stored == DELIMITED:
            size, at = read_varint(data, at, end)
            stop = at + size
        elif stored == VARINT:
            stop = read_varint(data, at, end)[1]
        elif stored == FOUR_BYTES:
            stop = at + 4
        elif stored == EIGHT_BYTES:
            stop = at + 8
        else:
            raise WireError(f"field of an unknown kind at byte {at}")
        if stop > end or key < 8:
            raise WireError(f"field beyond its message at byte {at}")
        yield key, at, stop
        at = stop


def read_varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the unsigned 64-bit number at `at` and where it stops, or raise `WireError`."""
    number = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
    raise WireError(f"number without an end at byte {at}")


def signed(number: int) -> int:
    """Return the signed number that a varint stands for as int32 or int64."""
    return number - (1 << 64) if number >> 63 else number
