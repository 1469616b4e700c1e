"""What all face detectors share: how large an image they search, and which boxes they return."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from edge_agent.types import Detection, Image
from edge_agent.vision.box_calibration import BoxCalibration, RawFace
from edge_agent.vision.mosaic import CANVAS_SIDES_PX, arrange, draw
from edge_agent.vision.region import Region


class CalibratedDetector:
    """A face detector of which only the search itself is missing.

    Args:
        name: What to call it in logs.
        calibration: From its own boxes to squares.
        min_found_px: The smallest face it finds reliably, in pixels of the image it searches.
        max_side_px: The longest side of an image it searches; this bounds the time a frame takes.
        min_face_px: The smallest face wanted, in pixels of the frame.
    """

    fixed_sizes = False
    """Whether a search is prepared for one size of image, so that few sizes cost less than the smallest ones."""

    def __init__(
        self, name: str, calibration: BoxCalibration, min_found_px: int, max_side_px: int, min_face_px: int
    ) -> None:
        self.name, self.calibration = name, calibration
        self._min_found_px, self._max_side_px, self._min_face_px = min_found_px, max_side_px, min_face_px

    def detect(self, image: Image) -> list[Detection]:
        """All faces as squares like FER2013's, in no particular order. Any image will do, however small or dark."""
        return [Detection(self.calibration.square(face), face.score, face.landmarks) for face in self.find(image)]

    def find(self, image: Image) -> list[RawFace]:
        """All faces in the detector's own boxes, in pixels of ``image``."""
        if min(image.shape[:2]) < self._min_face_px:
            return []
        scale = self.search_scale(image)
        if scale < 1.0:
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(
                np.uint8, copy=False
            )
        min_square_px = max(float(self._min_found_px), self._min_face_px * scale)
        return [face.times(1.0 / scale) for face in self._search(np.ascontiguousarray(image), min_square_px)]

    def detect_in(self, image: Image, regions: Sequence[Region]) -> tuple[list[Detection], tuple[Region, ...]]:
        """Faces in some regions of an image, searched as finely as the whole of it would be.

        Returns:
            What was found, and the regions that found room on one canvas. The first given have precedence.
        """
        scale = self.search_scale(image)
        side, tiles = arrange(regions, scale)
        if not tiles:
            return [], ()
        canvas = draw(image, side if self.fixed_sizes else None, tiles)
        min_square_px = max(float(self._min_found_px), self._min_face_px * scale)
        faces = []
        for face in self._search(canvas, min_square_px):
            tile = next((tile for tile in tiles if tile.holds(*face.center)), None)
            if tile is not None:
                faces.append(tile.to_frame(face))
        found = [Detection(self.calibration.square(face), face.score, face.landmarks) for face in faces]
        return found, tuple(tile.region for tile in tiles)

    def region_area(self, image: Image) -> float:
        """How many square pixels of an image :meth:`detect_in` searches at most."""
        return (CANVAS_SIDES_PX[-1] / self.search_scale(image)) ** 2

    def search_scale(self, image: Image) -> float:
        """By how much an image is shrunk before it is searched, at most 1.

        The smallest face wanted becomes the smallest that is found reliably. No side stays longer than ``max_side_px``,
        so on a large frame no face under ``min_found_px / max_side_px`` of its longest side is found.
        """
        longest: int = max(image.shape[:2])
        return min(1.0, self._min_found_px / self._min_face_px, self._max_side_px / longest)

    def _search(self, image: Image, min_square_px: float) -> list[RawFace]:
        """The faces of an image of the right size whose square has at least ``min_square_px`` a side."""
        raise NotImplementedError
