"""Pictures of others that training measures with."""

from __future__ import annotations

import logging
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from train.common.pictures import readable_pictures
from train.measure.detector_agreement import read_photos


def huge_png(path: Path) -> Path:
    """A small file that announces 900 megapixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    body = b"IDAT" + zlib.compress(bytes(1000))
    chunks = (head, body, b"IEND")
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in chunks)
    )
    return path


def test_a_picture_that_announces_too_much_is_named_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cv2.imwrite(str(tmp_path / "good.png"), np.full((20, 30, 3), 90, np.uint8))
    huge_png(tmp_path / "huge.png")
    (tmp_path / "text.jpg").write_text("no picture")
    with caplog.at_level(logging.WARNING):
        images = readable_pictures(sorted(tmp_path.iterdir()))
    assert [image.shape for image in images] == [(20, 30, 3)]
    assert "huge.png: got a PNG of 30000 x 30000 pixels" in caplog.text
    assert "text.jpg" in caplog.text
    assert len(read_photos(tmp_path)) == 1
