"""One picture file that is already a face crop."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.contract.crop import FACE_SIZE, to_face_tensor
from edge_agent.errors import InputError

_JPEG_START, _JPEG_SCAN, _JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"


def read_face(path: Path, channels: int) -> NDArray[np.uint8]:
    """Read a face crop of any size and bring it to the models'.

    Returns:
        ``uint8 (48, 48, channels)``: gray levels, or red-green-blue.

    Raises:
        InputError: The file is empty, cut off, or no picture that OpenCV reads.
    """
    try:
        packed = path.read_bytes()
    except OSError as fault:
        raise _unreadable(path, fault.strerror or str(fault)) from fault
    if not packed:
        raise _unreadable(path, "an empty file")
    # OpenCV 4.10 fills the missing part of a cut JPEG with gray and says nothing; 4.14 refuses it.
    if packed.startswith(_JPEG_START) and packed.rfind(_JPEG_END) < packed.rfind(_JPEG_SCAN):
        raise _unreadable(path, "a JPEG file that is cut off")
    try:
        image = cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_ANYCOLOR)
    except cv2.error as fault:
        raise _unreadable(path, f"a file that OpenCV refuses ({fault.err})") from fault
    if image is None:
        raise _unreadable(path, f"{len(packed)} bytes that are no whole picture")
    return to_face_tensor(image.astype(np.uint8), channels).reshape(FACE_SIZE, FACE_SIZE, channels)


def _unreadable(path: Path, received: str) -> InputError:
    return InputError(
        str(path),
        received=received,
        expected="a PNG or JPEG picture of a face",
        remedy="Replace or remove the file",
    )
