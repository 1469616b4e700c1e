"""Face crops placed on a plain canvas, so that a detector can look for a face whose square is known."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.types import Box, Image


def on_canvas(face: NDArray[np.uint8], side_px: int) -> tuple[Image, Box]:
    """Enlarge a face crop and place it on a plain canvas of twice its side, in the crop's mean gray.

    Args:
        face: ``uint8 (48, 48)``.
        side_px: The crop's side on the canvas.

    Returns:
        The canvas ``uint8 (2 * side_px, 2 * side_px)``, and where the crop lies on it.
    """
    image = cv2.resize(face, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
    before = side_px // 2
    after = side_px - before
    canvas = cv2.copyMakeBorder(
        image, before, after, before, after, cv2.BORDER_CONSTANT, value=(float(face.mean().round()),)
    )
    return canvas.astype(np.uint8, copy=False), Box(before, before, side_px)
