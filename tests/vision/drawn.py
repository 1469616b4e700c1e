"""Photos and recordings drawn for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np


def photo(path: Path, level: int = 100, side: int = 40) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((side, side, 3), level, np.uint8))
    return path


def jpeg(level: int, width: int = 64, height: int = 48) -> bytes:
    """A picture of one gray level."""
    return cv2.imencode(".jpg", np.full((height, width, 3), level, np.uint8))[1].tobytes()


def matroska(path: Path, stamps_ms: Sequence[int], pictures: Sequence[bytes] | None = None) -> Path:
    """A recording with a time stamp of its own for each picture, as phones and network cameras write them.

    Args:
        path: The file.
        stamps_ms: When each picture was taken, in milliseconds.
        pictures: JPEGs; by default picture ``n`` has the gray level ``20 * n``.
    """

    def element(name: str, *content: bytes | int) -> bytes:
        body = b"".join(part if isinstance(part, bytes) else part.to_bytes(4, "big") for part in content)
        return bytes.fromhex(name) + (len(body) | 1 << 56).to_bytes(8, "big") + body

    head = element("1A45DFA3", element("4282", b"matroska"))
    track = element(
        "1654AE6B",
        element(
            "AE",
            *(element("D7", 1), element("73C5", 1), element("83", 1), element("86", b"V_MJPEG")),
            element("E0", element("B0", 64), element("BA", 48)),
        ),
    )
    info = element("1549A966", element("2AD7B1", 1_000_000))
    clusters = b"".join(
        element("1F43B675", element("E7", stamp), element("A3", b"\x81\0\0\x80", picture))
        for stamp, picture in zip(
            stamps_ms, pictures or [jpeg(20 * number) for number in range(len(stamps_ms))], strict=True
        )
    )
    path.write_bytes(head + element("18538067", info, track, clusters))
    return path


def video(path: Path, frames: int = 12, fps: float = 50.0) -> Path:
    """A recording whose frame ``n`` has the gray level ``20 * n``."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (64, 48))
    for index in range(frames):
        writer.write(np.full((48, 64, 3), 20 * index, np.uint8))
    writer.release()
    return path
