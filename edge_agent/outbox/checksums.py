"""Checksums of stored rows: a row that a bad medium has changed is found before it is delivered.

CRC-32 finds every change of one bit and every run of changed bits up to 32 long, whatever the length of the row, and it
overlooks one in four thousand million of all others. It guards against bad media, not against people. It takes less
than a microsecond for an event and four bytes in its row, where a cryptographic hash takes twice the time and space.
"""

from __future__ import annotations

import struct
from typing import Final, TypeAlias
from zlib import crc32

Stored: TypeAlias = int | float | str | bytes | None
"""What a column can hold: a damaged row may have another type than was written."""

_NEVER_STORED: Final = 2**40
_SIGNED: Final = 2**31  # SQLite stores a number from -2**31 on in four bytes
_NUMBERS = struct.Struct(">4q")
_DELIVERY = struct.Struct(">3q")


def row_checksum(
    row_id: Stored, topic: Stored, session: Stored, seq: Stored, payload: Stored, mono_ms: Stored, wall_ms: Stored
) -> int:
    """The checksum of what never changes about a row; of values of a wrong type, one that no row has."""
    if not isinstance(topic, str) or not isinstance(session, str) or not isinstance(payload, bytes):
        return _NEVER_STORED
    try:
        numbers = _NUMBERS.pack(row_id, seq, mono_ms, wall_ms)
    except struct.error:
        return _NEVER_STORED
    head = numbers + f"{topic}\0{session}\0".encode("utf-8", "surrogateescape")
    return crc32(payload, crc32(head)) - _SIGNED


def delivery_checksum(row_id: Stored, at_ms: Stored, clock_synced: Stored) -> int:
    """The checksum of a delivery."""
    try:
        return crc32(_DELIVERY.pack(row_id, at_ms, clock_synced)) - _SIGNED
    except struct.error:
        return _NEVER_STORED


def session_checksum(key: Stored, started_ms: Stored, clock_synced: Stored, lost: Stored) -> int:
    """The checksum of a remembered run."""
    if not isinstance(key, str):
        return _NEVER_STORED
    try:
        numbers = _DELIVERY.pack(started_ms, clock_synced, lost)
    except struct.error:
        return _NEVER_STORED
    return crc32(key.encode("utf-8", "surrogateescape"), crc32(numbers)) - _SIGNED


def is_delivered(row_id: Stored, at_ms: Stored, clock_synced: Stored, checksum: Stored) -> bool | None:
    """Whether a row was delivered; ``None`` where what is stored about it is damaged."""
    if at_ms is None and checksum is None:
        return False
    return True if checksum == delivery_checksum(row_id, at_ms, clock_synced) else None
