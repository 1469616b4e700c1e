"""Shares as bytes: two a label, in ten-thousandths, little-endian. JSON would take ten times as much."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Final

PARTS: Final = 10_000
"""Devices round shares no finer."""


def pack(shares: Mapping[str, float], labels: Sequence[str]) -> bytes:
    """The shares of these labels, in their order. A label without a share has 0."""
    return struct.pack(f"<{len(labels)}H", *(round(shares.get(label, 0.0) * PARTS) for label in labels))


def unpack(packed: bytes) -> tuple[float, ...]:
    """The shares, in the order of their labels."""
    return tuple(part / PARTS for part in struct.unpack(f"<{len(packed) // 2}H", packed))


def pack_means(shares: Sequence[float]) -> bytes:
    """Means of shares to which more is added later: four bytes each, so that rounding does not add up."""
    return struct.pack(f"<{len(shares)}f", *shares)


def unpack_means(packed: bytes) -> tuple[float, ...]:
    """The means, in the order of their labels."""
    return struct.unpack(f"<{len(packed) // 4}f", packed)
