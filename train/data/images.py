"""One picture file that is already a face crop."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.model_format.crop import to_face_tensor
from edge_agent.model_format.metadata import FACE_SIZE
from edge_agent.vision.image_file import read_image_file

log = logging.getLogger(__name__)

_MAX_ASPECT = 1.25
_MAX_SIDE_PX = 800
"""Largest ratio of longer to shorter side, and largest shorter side, of a picture that may be a face crop."""


def read_face(path: Path, channels: int) -> NDArray[np.uint8]:
    """Read a face crop of any size and scale it to the models' size.

    Returns:
        ``uint8 (48, 48, channels)``: gray levels, or red-green-blue.

    Raises:
        InputError: The file is empty, cut off, or no picture that OpenCV reads.
    """
    return read_face_and_size(path, channels)[0]


def read_face_and_size(path: Path, channels: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """As :func:`read_face`, with the height and width in pixels that the file has."""
    image = read_image_file(path, cv2.IMREAD_ANYCOLOR)
    face = to_face_tensor(image, channels).reshape(FACE_SIZE, FACE_SIZE, channels)
    return face, (image.shape[0], image.shape[1])


def looks_like_photograph(size: tuple[int, int]) -> bool:
    """Whether a picture of that height and width is probably a whole photograph and not a face crop."""
    shorter, longer = sorted(size)
    return longer > _MAX_ASPECT * shorter or shorter > _MAX_SIDE_PX


def warn_of_photographs(found: Sequence[str], pictures: int) -> None:
    """Log a line where pictures that were read as face crops look like whole photographs.

    Args:
        found: Each that looks so, with its size.
        pictures: How many there are in all.
    """
    if found:
        log.warning(
            "%d of %d pictures look like whole photographs and not like face crops (%s): they are squeezed to "
            "48 x 48 pixels. Cut the faces out first: python -m train prepare",
            len(found),
            pictures,
            found[0],
        )
