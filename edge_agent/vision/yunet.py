"""The better face detector where its weights are there: YuNet (Wu, Peng & Yu 2023), a small convolutional network."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable

import cv2
import numpy as np

from edge_agent.errors import ModelError
from edge_agent.types import Image
from edge_agent.vision.box_calibration import BoxCalibration, RawFace
from edge_agent.vision.calibrated_detector import CalibratedDetector
from edge_agent.vision.mosaic import CANVAS_SIDES_PX
from edge_agent.vision.weights import YUNET_FILE

log = logging.getLogger(__name__)

YUNET_CALIBRATION = BoxCalibration(scale=1.12)

_MIN_FACE_PX = 16
_MAX_SIDE_PX = 960
_OVERLAP = 0.3
_MAX_FACES = 500
_CANVASES = frozenset((side, side) for side in CANVAS_SIDES_PX)
"""Sizes of images whose networks are kept. A larger image's network holds 20 MB and more."""


class YuNetDetector(CalibratedDetector):
    """Finds faces at any usual pose and reports where their eyes, nose and mouth are.

    Args:
        weights: Content of its ONNX file.
        source: What to call the file in an error.
        min_face_px: The smallest face wanted, in pixels of the frame.
        min_score: Faces with a lower score are left out, 0 to 1.

    Raises:
        ModelError: The bytes are no YuNet.
    """

    fixed_sizes = True

    def __init__(self, weights: bytes, source: str, min_face_px: int = 24, min_score: float = 0.7) -> None:
        super().__init__("yunet", YUNET_CALIBRATION, _MIN_FACE_PX, _MAX_SIDE_PX, min_face_px)
        self._weights, self._min_score = np.frombuffer(weights, np.uint8), min_score
        self._nets: dict[tuple[int, int], cv2.FaceDetectorYN] = {}
        try:
            # Other networks load as well; only a run shows whether the outputs are YuNet's.
            self._create((64, 64)).detect(np.zeros((64, 64, 3), np.uint8))
        except cv2.error as error:
            log.debug("%s: %s", source, error)
            raise ModelError(
                f"{source} is not YuNet",
                received=f"{len(weights)} bytes that OpenCV {cv2.__version__} cannot load as such",
                expected=YUNET_FILE,
                remedy="Fetch it again with 'edge-agent detector fetch', or choose the detector haar",
            ) from None

    def _search(self, image: Image, min_square_px: float) -> list[RawFace]:
        colour = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image
        size = (colour.shape[1], colour.shape[0])
        # The stubs promise an array; without a face there is none.
        rows: Iterable[Iterable[float]] | None = self._net_for(size).detect(colour)[1]
        faces = (_face([float(value) for value in row]) for row in (() if rows is None else rows))
        return [face for face in faces if face is not None and face.size * self.calibration.scale >= min_square_px]

    def _net_for(self, size: tuple[int, int]) -> cv2.FaceDetectorYN:
        """A network for images of this size: those of canvases, and that of the last other size.

        The orientation watch searches pictures on their side in between. Another size costs a tenth of a search.
        """
        if size not in self._nets:
            if size not in _CANVASES:
                self._nets = {known: net for known, net in self._nets.items() if known in _CANVASES}
            self._nets[size] = self._create(size)
        return self._nets[size]

    def _create(self, size: tuple[int, int]) -> cv2.FaceDetectorYN:
        no_config = np.empty(0, np.uint8)
        return cv2.FaceDetectorYN.create("onnx", self._weights, no_config, size, self._min_score, _OVERLAP, _MAX_FACES)


def _face(row: list[float]) -> RawFace | None:
    """One row of YuNet's result: box, five landmarks from the person's right eye on, score.

    ``None`` for a diverged box, as very narrow pictures give.
    """
    if not all(math.isfinite(value) for value in row):
        return None
    left, top, width, height, x0, y0, x1, y1, x2, y2, x3, y3, x4, y4 = row[:14]
    if width <= 0 or height <= 0:
        return None
    eyes = ((x0, y0), (x1, y1)) if x0 <= x1 else ((x1, y1), (x0, y0))
    mouth = ((x3, y3), (x4, y4)) if x0 <= x1 else ((x4, y4), (x3, y3))
    return RawFace(left, top, width, height, min(1.0, row[14]), (*eyes, (x2, y2), *mouth))
