"""The face detector that is always there: a cascade of Haar features (Viola & Jones 2001), as it comes with OpenCV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge_agent.errors import ModelError
from edge_agent.types import Image
from edge_agent.vision.box_calibration import BoxCalibration, RawFace
from edge_agent.vision.calibrated_detector import CalibratedDetector
from edge_agent.vision.opencv import INSTALL

HAAR_CALIBRATION = BoxCalibration(scale=1.02)

_MAX_GAIN = 10.0


@dataclass(frozen=True, slots=True)
class HaarSearch:
    """How thoroughly to search; the choice and its measurements are in ``docs/box-calibration.md``.

    Attributes:
        cascade: Which of OpenCV's frontal-face cascades: ``default``, ``alt`` or ``alt2``.
        step: Ratio of one window size to the next.
        neighbours: How many overlapping windows must agree on a face.
        max_side_px: The longest image side that is searched.
    """

    cascade: str = "alt2"
    step: float = 1.2
    neighbours: int = 2
    max_side_px: int = 960


class HaarDetector(CalibratedDetector):
    """Finds frontal, upright faces; no file to fetch. It gives no score: every face has 1.0.

    Args:
        min_face_px: The smallest face wanted, in pixels of the frame.
        search: How thoroughly to search.

    Raises:
        ModelError: This OpenCV has no cascades: version 5 dropped them.
    """

    def __init__(self, min_face_px: int = 24, search: HaarSearch | None = None) -> None:
        self._how = search or HaarSearch()
        super().__init__("haar", HAAR_CALIBRATION, 20, self._how.max_side_px, min_face_px)
        self._cascade = _cascade(f"haarcascade_frontalface_{self._how.cascade}.xml")

    def _search(self, image: Image, min_square_px: float) -> list[RawFace]:
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False) if image.ndim == 3 else image
        min_box_px = round(min_square_px / self.calibration.scale)
        boxes, agreeing = self._cascade.detectMultiScale2(
            stretch_contrast(gray),
            scaleFactor=self._how.step,
            minNeighbors=self._how.neighbours,
            minSize=(min_box_px, min_box_px),
        )
        faces = [RawFace(float(left), float(top), float(width), float(height)) for left, top, width, height in boxes]
        return without_nested(faces, [float(count) for count in agreeing])


def stretch_contrast(gray: Image) -> Image:
    """Gray levels spread linearly over the whole range, so that a dim classroom is searched like a bright one.

    The cascade passes over windows of little contrast as if they were a blank wall. One in a hundred pixels may end up
    black and one in a hundred white; contrast grows tenfold at most, so that a black picture's noise stays noise.
    """
    counts = np.cumsum(cv2.calcHist([gray], [0], None, [256], [0, 256]), dtype=np.float64)
    low, high = (int(np.searchsorted(counts, share * counts[-1])) for share in (0.01, 0.99))
    gain = min(255.0 / max(high - low, 1), _MAX_GAIN)
    levels = np.clip((np.arange(256) - low) * gain, 0, 255).astype(np.uint8)
    return cv2.LUT(gray, levels).astype(np.uint8, copy=False)


def without_nested(faces: Sequence[RawFace], strength: Sequence[float]) -> list[RawFace]:
    """Leave out faces that share their place with a stronger one: a mouth within a face, or a box around two.

    Two boxes share a place where the centre of one lies within the other.
    """
    kept: list[RawFace] = []
    for index in sorted(range(len(faces)), key=lambda index: -strength[index]):
        face = faces[index]
        if not any(_contains_center_of(face, other) or _contains_center_of(other, face) for other in kept):
            kept.append(face)
    return kept


def _contains_center_of(outer: RawFace, inner: RawFace) -> bool:
    x, y = inner.center
    return outer.left <= x <= outer.left + outer.width and outer.top <= y <= outer.top + outer.height


def _cascade(name: str) -> cv2.CascadeClassifier:
    # OpenCV's type stubs leave out `cv2.data`; its version 5 leaves out the cascades.
    folder = getattr(getattr(cv2, "data", None), "haarcascades", "")
    cascade = cv2.CascadeClassifier(str(Path(folder) / name)) if hasattr(cv2, "CascadeClassifier") else None
    if cascade is None or cascade.empty():
        raise ModelError(
            f"{name} is not there",
            received=f"OpenCV {cv2.__version__}",
            expected="an OpenCV 4 with its cascades",
            remedy=INSTALL,
        )
    return cascade
