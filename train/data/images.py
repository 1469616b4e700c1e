"""One picture file that is already a face crop."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.contract.crop import FACE_SIZE, to_face_tensor
from edge_agent.contract.picture import read_picture


def read_face(path: Path, channels: int) -> NDArray[np.uint8]:
    """Read a face crop of any size and bring it to the models'.

    Returns:
        ``uint8 (48, 48, channels)``: gray levels, or red-green-blue.

    Raises:
        InputError: The file is empty, cut off, or no picture that OpenCV reads.
    """
    image = read_picture(path, cv2.IMREAD_ANYCOLOR)
    return to_face_tensor(image, channels).reshape(FACE_SIZE, FACE_SIZE, channels)
