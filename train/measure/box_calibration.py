"""Fitting the constants that turn a detector's own boxes into squares like those of FER2013's faces.

FER2013's images are such squares, so the true square is known. Each face is placed on a plain canvas. The detector
looks for it, and its box is compared with the true square. Whether the constants also hold for faces with real
surroundings is checked on photographs: two detectors that were fitted separately must agree about every face that both
find.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.model_format.metadata import FACE_SIZE
from edge_agent.types import Box, Image
from edge_agent.vision.box_calibration import BoxCalibration, RawFace
from train.measure.canvas import on_canvas

MAX_OFFSET = 0.25
"""A box whose centre is further off, in sides of the square, is of something else."""

BoxSize = Literal["geometric mean", "height", "width"]
"""A size of a detector's box from which the square's side can be predicted."""

_SIZES: tuple[BoxSize, ...] = ("geometric mean", "height", "width")
_FACE_PX = (72, 192)  # sides at which faces are shown: what a 720p camera sees of the first and the middle rows
_MIN_FOUND = 10


class RawDetector(Protocol):
    """A detector that also gives its boxes before the calibration."""

    name: str
    calibration: BoxCalibration

    def find(self, image: Image) -> list[RawFace]:
        """All faces, each with the detector's own box."""


@dataclass(frozen=True, slots=True)
class SizePrediction:
    """How well one size of the box predicts the square's side.

    Attributes:
        name: ``geometric mean``, ``height`` or ``width`` of the detector's box.
        scale: Median ratio of the side to that size.
        spread: Ratio of the 90th to the 10th percentile of that ratio; 1 would be a perfect prediction.
        overlap: Median intersection over union of the predicted and the true square.
    """

    name: BoxSize
    scale: float
    spread: float
    overlap: float


@dataclass(frozen=True, slots=True)
class BoxCalibrationFit:
    """The constants that turn one detector's boxes into FER2013's squares, and how well they do it.

    Attributes:
        detector: Its name.
        faces: Number of faces shown.
        found: How many of them it found.
        fitted: The fitted constants, for the geometric mean of width and height.
        overlap: Intersection over union with the true squares: the median, and the value that nine in ten exceed.
        in_use: The constants that the detector has now.
        in_use_overlap: The same as ``overlap`` with those.
        sizes: The three sizes of a box compared; the first is the one in use.
    """

    detector: str
    faces: int
    found: int
    fitted: BoxCalibration
    overlap: tuple[float, float]
    in_use: BoxCalibration
    in_use_overlap: tuple[float, float]
    sizes: tuple[SizePrediction, ...]


def fit_box_calibration(faces: NDArray[np.uint8], detector: RawDetector, seed: int = 0) -> BoxCalibrationFit:
    """Fit a detector's constants on face crops whose square is known.

    Args:
        faces: ``uint8 (N, 48, 48)`` or ``(N, 48, 48, 1)``, FER2013's gray levels.
        detector: The detector. The constants it has now do not influence the fit.
        seed: Chooses the size at which each face is shown.

    Raises:
        InputError: The detector found fewer than ten of them.
    """
    rng = np.random.default_rng(seed)
    sides = np.exp(rng.uniform(math.log(_FACE_PX[0]), math.log(_FACE_PX[1]), size=len(faces)))
    found: list[tuple[RawFace, Box]] = []
    for face, side in zip(faces.reshape(-1, FACE_SIZE, FACE_SIZE), sides, strict=True):
        image, square = on_canvas(face, round(float(side)))
        nearest = min(detector.find(image), key=lambda box: _offset(box, square), default=None)
        if nearest is not None and _offset(nearest, square) < MAX_OFFSET:
            found.append((nearest, square))
    if len(found) < _MIN_FOUND:
        raise InputError(
            f"{detector.name} on {len(faces)} faces",
            received=f"{len(found)} found",
            expected=f"at least {_MIN_FOUND}",
            remedy="Use more faces, or FER2013's",
        )
    fitted = _fit(found, "geometric mean")
    return BoxCalibrationFit(
        detector=detector.name,
        faces=len(faces),
        found=len(found),
        fitted=fitted,
        overlap=_overlap(found, fitted),
        in_use=detector.calibration,
        in_use_overlap=_overlap(found, detector.calibration),
        sizes=tuple(_predict(found, size) for size in _SIZES),
    )


def _offset(box: RawFace, square: Box) -> float:
    return math.dist(box.center, square.center) / square.side


def _size(box: RawFace, name: BoxSize) -> float:
    return {"geometric mean": box.size, "height": box.height, "width": box.width}[name]


def _fit(found: Sequence[tuple[RawFace, Box]], name: BoxSize) -> BoxCalibration:
    """Take medians, because a detector sometimes boxes half a face."""
    sizes = np.array([_size(box, name) for box, _ in found])
    offsets = np.array([np.subtract(square.center, box.center) for box, square in found]) / sizes[:, None]
    scale = float(np.median(np.array([square.side for _, square in found]) / sizes))
    return BoxCalibration(scale, float(np.median(offsets[:, 0])), float(np.median(offsets[:, 1])))


def _overlap(found: Sequence[tuple[RawFace, Box]], calibration: BoxCalibration) -> tuple[float, float]:
    overlaps = np.array([calibration.square(box).iou(square) for box, square in found])
    return float(np.median(overlaps)), float(np.percentile(overlaps, 10))


def _predict(found: Sequence[tuple[RawFace, Box]], name: BoxSize) -> SizePrediction:
    calibration = _fit(found, name)
    ratios = np.array([square.side / _size(box, name) for box, square in found])
    low, high = np.percentile(ratios, (10, 90))
    overlaps = [calibration.square(_as_square(box, _size(box, name))).iou(square) for box, square in found]
    return SizePrediction(name, calibration.scale, float(high / low), float(np.median(overlaps)))


def _as_square(box: RawFace, size: float) -> RawFace:
    """A square of that size around the same centre: its geometric mean, which the constants multiply, is the size."""
    return RawFace(box.center[0] - size / 2, box.center[1] - size / 2, size, size)
