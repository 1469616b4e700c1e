"""Fitting a detector's framing: from its own boxes to the squares FER2013's faces were cut out with.

FER2013's images are such squares, so the truth is known: each face is laid on a plain canvas, the detector looks for
it, and its box is compared with the square the face was laid into. Whether the constants carry over to faces with real
surroundings is checked on photos: there, two detectors fitted on their own must agree about every face both find.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.model_format.metadata import FACE_SIZE
from edge_agent.types import Box, Image
from edge_agent.vision.box_calibration import BoxCalibration, RawFace
from edge_agent.vision.haar import HaarDetector
from edge_agent.vision.weights import read_weights
from edge_agent.vision.yunet import YuNetDetector
from train.common.table import table
from train.data.dataset import FaceSet

_NEAR = 0.25  # a box whose centre is further off, in sides of the square, found something else
_PICTURES = (".jpg", ".jpeg", ".png")
_FACE_PX = (72, 192)  # sides at which faces are shown: what a 720p camera sees of the first and the middle rows
_MEASURES = ("geometric mean", "height", "width")


class Finder(Protocol):
    """A detector that tells its own boxes."""

    name: str
    calibration: BoxCalibration

    def find(self, image: Image) -> list[RawFace]:
        """All faces as the detector frames them itself."""


@dataclass(frozen=True, slots=True)
class Measure:
    """How well one measure of a box predicts the square's side.

    Attributes:
        name: ``geometric mean``, ``height`` or ``width`` of the detector's box.
        scale: Median of side over measure.
        spread: Ratio of the 90th to the 10th percentile of side over measure; 1 would be a perfect predictor.
        overlap: Median intersection over union of the predicted and the true square.
    """

    name: str
    scale: float
    spread: float
    overlap: float


@dataclass(frozen=True, slots=True)
class BoxCalibrationFit:
    """The constants that carry one detector's boxes to FER2013's squares, and how well they do.

    Attributes:
        detector: Its name.
        faces: How many faces were shown.
        found: How many of them it found.
        framing: The constants, for the geometric mean of width and height.
        overlap: Median intersection over union with the true squares, and the value nine in ten exceed.
        in_use: The constants the detector carries.
        in_use_overlap: Intersection over union with those, likewise.
        measures: The three measures of a box compared; the first is the one in use.
    """

    detector: str
    faces: int
    found: int
    framing: BoxCalibration
    overlap: tuple[float, float]
    in_use: BoxCalibration
    in_use_overlap: tuple[float, float]
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two detectors frame the faces both find.

    Attributes:
        pairs: How many faces.
        side: Median of the second detector's side over the first's.
        right: Median distance of the second's centre to the right of the first's, in sides.
        down: Likewise downwards.
        overlap: Median intersection over union.
    """

    pairs: int
    side: float
    right: float
    down: float
    overlap: float


def fit_box_calibration(faces: NDArray[np.uint8], detector: Finder, seed: int = 0) -> BoxCalibrationFit:
    """Fit a detector's constants on face crops whose square is known.

    Args:
        faces: ``uint8 (N, 48, 48)`` or ``(N, 48, 48, 1)``, FER2013's gray levels.
        detector: The detector; its present constants play no part.
        seed: Which size each face is shown at.

    Raises:
        InputError: The detector found fewer than ten of them.
    """
    rng = np.random.default_rng(seed)
    sides = np.exp(rng.uniform(math.log(_FACE_PX[0]), math.log(_FACE_PX[1]), size=len(faces)))
    found: list[tuple[RawFace, Box]] = []
    for face, side in zip(faces.reshape(-1, FACE_SIZE, FACE_SIZE), sides, strict=True):
        image, square = on_canvas(face, round(float(side)))
        nearest = min(detector.find(image), key=lambda box: _distance(box.center, square), default=None)
        if nearest is not None and _distance(nearest.center, square) < _NEAR:
            found.append((nearest, square))
    if len(found) < 10:
        raise InputError(
            f"{detector.name} on {len(faces)} faces",
            received=f"{len(found)} found",
            expected="at least 10",
            remedy="Show it more faces, or FER2013's",
        )
    framing = _fit(found, "geometric mean")
    return BoxCalibrationFit(
        detector=detector.name,
        faces=len(faces),
        found=len(found),
        framing=framing,
        overlap=_overlap(found, framing),
        in_use=detector.calibration,
        in_use_overlap=_overlap(found, detector.calibration),
        measures=tuple(_compare(found, name) for name in _MEASURES),
    )


def on_canvas(face: NDArray[np.uint8], side_px: int) -> tuple[Image, Box]:
    """A face crop on a plain canvas of twice its side, in the crop's mean gray, enlarged; and where the crop lies.

    Args:
        face: ``uint8 (48, 48)``.
        side_px: The crop's side on the canvas.
    """
    image = cv2.resize(face, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
    before = side_px // 2
    after = side_px - before
    canvas = cv2.copyMakeBorder(
        image, before, after, before, after, cv2.BORDER_CONSTANT, value=(float(face.mean().round()),)
    )
    return canvas.astype(np.uint8, copy=False), Box(before, before, side_px)


def agreement(pictures: Sequence[Image], first: Finder, second: Finder) -> Agreement | None:
    """How two detectors, each with its own constants, frame the faces both find; ``None`` where there is none."""
    pairs = [
        (box, nearest)
        for picture in pictures
        for found in [[second.calibration.square(face) for face in second.find(picture)]]
        for box in map(first.calibration.square, first.find(picture))
        for nearest in sorted(found, key=lambda other: _distance(other.center, box))[:1]
        if _distance(nearest.center, box) < _NEAR
    ]
    if not pairs:
        return None
    return Agreement(
        pairs=len(pairs),
        side=float(np.median([other.side / box.side for box, other in pairs])),
        right=float(np.median([(other.center[0] - box.center[0]) / box.side for box, other in pairs])),
        down=float(np.median([(other.center[1] - box.center[1]) / box.side for box, other in pairs])),
        overlap=float(np.median([box.iou(other) for box, other in pairs])),
    )


def box_calibration_report(
    faces: FaceSet, photos: Path | None, weights: Path | None, count: int = 3000, seed: int = 0
) -> tuple[tuple[BoxCalibrationFit, ...], str]:
    """Fit every detector there is on training faces, check them on photos, and tell the result in Markdown.

    Args:
        faces: FER2013; only rows of the part ``Training`` are used.
        photos: A folder of pictures with several people, for the check; ``None`` leaves it out.
        weights: YuNet's; ``None`` leaves it out.
        count: How many faces to show.
        seed: Which faces, and at which sizes.

    Raises:
        InputError: There are no training rows, or the folder has no pictures.
        ModelError: The weights cannot be used.
    """
    rows = np.flatnonzero(faces.usage == "Training")
    if not len(rows):
        raise InputError(f"{faces.name} has no part Training", remedy="Fit on FER2013: other crops have other framings")
    chosen = np.random.default_rng(seed).permutation(rows)[:count]
    detectors: list[Finder] = [HaarDetector()]
    if weights is not None:
        detectors.append(YuNetDetector(read_weights(weights), str(weights)))
    fits = tuple(fit_box_calibration(faces.images[chosen], detector, seed) for detector in detectors)
    parts = [_fit_table(fits), _measure_table(fits)]
    if photos is not None and len(detectors) == 2:
        parts.append(_agreement_table(agreement(at_sizes(read_photos(photos)), detectors[0], detectors[1])))
    return fits, "\n\n".join(parts)


def read_photos(folder: Path) -> list[Image]:
    """The pictures of a folder, in order of their names.

    Raises:
        InputError: There are none.
    """
    pictures = [cv2.imread(str(path)) for path in sorted(folder.glob("*")) if path.suffix.lower() in _PICTURES]
    readable = [picture.astype(np.uint8, copy=False) for picture in pictures if picture is not None]
    if not readable:
        raise InputError(f"{folder}: no pictures", expected="JPEG or PNG files")
    return readable


def at_sizes(pictures: Sequence[Image], sizes: Sequence[float] = (1.0, 1.4, 2.0)) -> list[Image]:
    """Each picture at several sizes: a few photos then show faces of many sizes."""
    return [
        cv2.resize(picture, None, fx=size, fy=size, interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
        for picture in pictures
        for size in sizes
    ]


def _distance(center: tuple[float, float], square: Box) -> float:
    return math.dist(center, square.center) / square.side


def _measured(box: RawFace, name: str) -> float:
    return {"geometric mean": box.size, "height": box.height, "width": box.width}[name]


def _fit(found: Sequence[tuple[RawFace, Box]], name: str) -> BoxCalibration:
    """Medians, because a detector now and then boxes half a face."""
    sizes = np.array([_measured(box, name) for box, _ in found])
    offsets = np.array([np.subtract(square.center, box.center) for box, square in found]) / sizes[:, None]
    scale = float(np.median(np.array([square.side for _, square in found]) / sizes))
    return BoxCalibration(scale, float(np.median(offsets[:, 0])), float(np.median(offsets[:, 1])))


def _overlap(found: Sequence[tuple[RawFace, Box]], framing: BoxCalibration) -> tuple[float, float]:
    overlaps = np.array([framing.square(box).iou(square) for box, square in found])
    return float(np.median(overlaps)), float(np.percentile(overlaps, 10))


def _compare(found: Sequence[tuple[RawFace, Box]], name: str) -> Measure:
    framing = _fit(found, name)
    ratios = np.array([square.side / _measured(box, name) for box, square in found])
    low, high = np.percentile(ratios, (10, 90))
    # A square of the measure's size has it as geometric mean, which is what `BoxCalibration` multiplies.
    as_square = [
        RawFace(
            box.center[0] - _measured(box, name) / 2,
            box.center[1] - _measured(box, name) / 2,
            _measured(box, name),
            _measured(box, name),
        )
        for box, _ in found
    ]
    overlaps = [framing.square(box).iou(square) for box, (_, square) in zip(as_square, found, strict=True)]
    return Measure(name, framing.scale, float(high / low), float(np.median(overlaps)))


def _fit_table(fits: Sequence[BoxCalibrationFit]) -> str:
    return table(
        ["detector, constants", "found", "scale", "right", "down", "median overlap", "nine in ten over"],
        [
            [
                f"{fit.detector}, {kind}",
                f"{fit.found} of {fit.faces}",
                f"{framing.scale:.3f}",
                f"{framing.right:+.3f}",
                f"{framing.down:+.3f}",
                f"{overlap[0]:.3f}",
                f"{overlap[1]:.3f}",
            ]
            for fit in fits
            for kind, framing, overlap in (
                ("fitted", fit.framing, fit.overlap),
                ("in use", fit.in_use, fit.in_use_overlap),
            )
        ],
    )


def _measure_table(fits: Sequence[BoxCalibrationFit]) -> str:
    return table(
        ["detector, measure of its box", "scale", "spread", "median overlap"],
        [
            [
                f"{fit.detector}, {measure.name}",
                f"{measure.scale:.3f}",
                f"{measure.spread:.3f}",
                f"{measure.overlap:.3f}",
            ]
            for fit in fits
            for measure in fit.measures
        ],
    )


def _agreement_table(agreed: Agreement | None) -> str:
    if agreed is None:
        return "No face of the photos was found by both detectors."
    return table(
        ["faces both find on photos", "side, YuNet's over Haar's", "right", "down", "median overlap"],
        [[agreed.pairs, f"{agreed.side:.3f}", f"{agreed.right:+.3f}", f"{agreed.down:+.3f}", f"{agreed.overlap:.2f}"]],
    )
