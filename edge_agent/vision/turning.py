"""Turning and mirroring pictures."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from edge_agent.types import Image

_CODES: Final[dict[int, int]] = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}


def turned(image: Image, rotate_deg: int, *, mirror: bool = False) -> Image:
    """An image turned clockwise by 0, 90, 180 or 270 degrees, and then mirrored left to right."""
    if rotate_deg:
        image = np.asarray(cv2.rotate(image, _CODES[rotate_deg]), np.uint8)
    if mirror:
        image = np.asarray(cv2.flip(image, 1), np.uint8)
    return image
