"""The outer layer of an event file: length-prefixed records with checksums (TFRecord).

A record is a length (u64), its checksum (u32), the payload and the payload's checksum (u32), all
little-endian. The checksum is CRC-32C "masked" (rotated and offset), so that a checksum of data
that holds checksums stays sound. Source: tensorboard/data/server/tf_record.rs, masked_crc.rs.
"""

from __future__ import annotations

import struct

from google_crc32c import value

INFIX = "tfevents"  # TensorBoard takes any file with this in its name for an event file

_LENGTH = struct.Struct("<Q")
_CRC = struct.Struct("<I")


def mask(crc: int) -> int:
    """Return the masked form, as stored in a file, of a plain CRC-32C (both 32-bit unsigned)."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


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
