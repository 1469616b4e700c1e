"""Reading one image file, whole or not at all: the same for device, still images and training."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError

_PNG_START, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_JPEG_START, _JPEG_SCAN, _JPEG_END = b"\xff\xd8", b"\xda", b"\xff\xd9"
_REMEDY = "Replace the file, or leave it out"


def read_image_file(path: Path, mode: int = cv2.IMREAD_COLOR) -> NDArray[np.uint8]:
    """An image, turned upright where its metadata say how.

    Args:
        path: A JPEG, PNG or whatever else OpenCV reads.
        mode: ``IMREAD_COLOR`` gives ``uint8 (height, width, 3)`` blue-green-red; ``IMREAD_ANYCOLOR`` leaves gray ones
            ``(height, width)``.

    Raises:
        InputError: It cannot be opened, is no picture, or is cut off, which decoders fill up with gray.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    if not content:
        raise InputError(str(path), received="an empty file", expected="a picture such as JPEG or PNG", remedy=_REMEDY)
    if is_truncated(content):
        raise InputError(str(path), received="a picture that is cut off", expected="a whole one", remedy=_REMEDY)
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), mode)
    except cv2.error:
        image = None
    if image is None:
        raise InputError(
            str(path),
            received=f"{len(content)} bytes that are no picture",
            expected="a picture such as JPEG or PNG",
            remedy=_REMEDY,
        )
    return image.astype(np.uint8, copy=False)


def is_truncated(content: bytes) -> bool:
    """Whether a JPEG or PNG lacks its end marker. Of other formats nothing is said."""
    if content.startswith(_PNG_START):
        return _PNG_END not in content[-4096:]
    if not content.startswith(_JPEG_START):
        return False
    at = 2
    while content[at : at + 1] == b"\xff":
        marker = content[at + 1 : at + 2]
        if marker == _JPEG_SCAN:
            # Within the picture's own data every 0xff is escaped, so this cannot be found by accident, and the end of
            # a thumbnail in the metadata before is not mistaken for it.
            return _JPEG_END not in content[at:]
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big") if marker != b"\xff" else 1
    return at >= len(content)
