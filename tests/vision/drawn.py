"""Photos and recordings drawn for tests."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np


def photo(path: Path, level: int = 100, side: int = 40) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((side, side, 3), level, np.uint8))
    return path


def video(path: Path, frames: int = 12, fps: float = 50.0) -> Path:
    """A recording whose frame ``n`` has the gray level ``20 * n``."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (64, 48))
    for index in range(frames):
        writer.write(np.full((48, 64, 3), 20 * index, np.uint8))
    writer.release()
    return path
