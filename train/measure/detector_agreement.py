"""How far two detectors agree about the square of a face, on photographs where both find it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge_agent.errors import InputError
from edge_agent.types import Box, Image
from train.common.pictures import readable_pictures
from train.measure.box_calibration import MAX_OFFSET, RawDetector

_SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True, slots=True)
class DetectorAgreement:
    """How the squares of two detectors differ on the faces that both find.

    Attributes:
        pairs: Number of faces.
        side: Median ratio of the second detector's side to the first's.
        right: Median distance of the second's centre to the right of the first's, in sides.
        down: The same downwards.
        overlap: Median intersection over union.
    """

    pairs: int
    side: float
    right: float
    down: float
    overlap: float


def measure_detector_agreement(
    images: Sequence[Image], first: RawDetector, second: RawDetector
) -> DetectorAgreement | None:
    """Compare the squares of two detectors, each with its own constants.

    Returns:
        The comparison, or ``None`` where no face is found by both.
    """
    pairs: list[tuple[Box, Box]] = []
    for image in images:
        others = [second.calibration.square(face) for face in second.find(image)]
        for square in map(first.calibration.square, first.find(image)):
            nearest = min(others, key=lambda other: _offset(other, square), default=None)
            if nearest is not None and _offset(nearest, square) < MAX_OFFSET:
                pairs.append((square, nearest))
    if not pairs:
        return None
    return DetectorAgreement(
        pairs=len(pairs),
        side=float(np.median([other.side / square.side for square, other in pairs])),
        right=float(np.median([(other.center[0] - square.center[0]) / square.side for square, other in pairs])),
        down=float(np.median([(other.center[1] - square.center[1]) / square.side for square, other in pairs])),
        overlap=float(np.median([square.iou(other) for square, other in pairs])),
    )


def read_photos(folder: Path) -> list[Image]:
    """Read the images of a folder, in the order of their names.

    Raises:
        InputError: There are none.
    """
    readable = readable_pictures(path for path in sorted(folder.glob("*")) if path.suffix.lower() in _SUFFIXES)
    if not readable:
        raise InputError(f"{folder}: no pictures", expected="JPEG or PNG files")
    return readable


def at_sizes(images: Sequence[Image], sizes: Sequence[float] = (1.0, 1.4, 2.0)) -> list[Image]:
    """Scale each image to several sizes, so that a few photographs show faces of many sizes."""
    return [
        cv2.resize(image, None, fx=size, fy=size, interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
        for image in images
        for size in sizes
    ]


def _offset(other: Box, square: Box) -> float:
    return math.dist(other.center, square.center) / square.side
