"""From a frame and a face box to what a model takes. Training, verification and device all call this one function."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.model_format.metadata import FACE_SIZE


def crop_face(image: NDArray[np.uint8], left: float, top: float, side: float, channels: int = 1) -> NDArray[np.uint8]:
    """Crop a square face from an image, at the size and in the colours a model takes.

    Where the square reaches over the image's edge, the border pixels are repeated outwards.

    Args:
        image: ``uint8 (height, width)`` gray or ``(height, width, 3)`` blue-green-red.
        left: Left edge of the square in pixels.
        top: Upper edge of the square in pixels.
        side: Its side in pixels; less than one pixel counts as one.
        channels: 1 for gray levels, 3 for red-green-blue.

    Returns:
        ``uint8 (48, 48)`` for one channel, ``uint8 (48, 48, 3)`` in red-green-blue order for three.
    """
    x, y, size = round(left), round(top), max(1, round(side))
    height, width = image.shape[:2]
    inside = image[
        min(max(y, 0), height - 1) : max(min(y + size, height), 1),
        min(max(x, 0), width - 1) : max(min(x + size, width), 1),
    ]
    above, before = max(-y, 0), max(-x, 0)
    below, after = max(y + size - height, 0), max(x + size - width, 0)
    if above or below or before or after:
        inside = cv2.copyMakeBorder(inside, above, below, before, after, cv2.BORDER_REPLICATE).astype(np.uint8)[
            :size, :size
        ]
    return to_face_tensor(inside, channels)


def to_face_tensor(face: NDArray[np.uint8], channels: int = 1) -> NDArray[np.uint8]:
    """Bring an image that is already a face crop to the model's size and colours.

    Larger ones are shrunk by averaging areas, smaller ones enlarged bicubically: averaging areas would repeat pixels
    there, and models classify such blocks much worse.

    Args:
        face: ``uint8 (height, width)`` gray or ``(height, width, 3)`` blue-green-red, any size.
        channels: 1 for gray levels, 3 for red-green-blue.

    Returns:
        ``uint8 (48, 48)`` or ``uint8 (48, 48, 3)`` red-green-blue.
    """
    if channels == 1 and face.ndim == 3:
        face = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY).astype(np.uint8)
    elif channels == 3:
        conversion = cv2.COLOR_GRAY2RGB if face.ndim == 2 else cv2.COLOR_BGR2RGB
        face = cv2.cvtColor(face, conversion).astype(np.uint8)
    if face.shape[:2] == (FACE_SIZE, FACE_SIZE):
        return face
    how = cv2.INTER_AREA if max(face.shape[:2]) > FACE_SIZE else cv2.INTER_CUBIC
    return cv2.resize(face, (FACE_SIZE, FACE_SIZE), interpolation=how).astype(np.uint8)
