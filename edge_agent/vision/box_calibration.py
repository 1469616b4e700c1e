"""What all face detectors share: how large a picture they search, and how their boxes become FER2013's squares."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from edge_agent.types import Box, Detection, Image

Eyes = tuple[tuple[float, float], tuple[float, float]]
"""``((x, y), (x, y))`` of the eye on the image's left and on its right, in pixels."""


@dataclass(frozen=True, slots=True)
class RawFace:
    """A face as a detector frames it itself, in pixels of the picture it was given."""

    left: float
    top: float
    width: float
    height: float
    score: float = 1.0
    eyes: Eyes | None = None

    @property
    def size(self) -> float:
        """One number for how large the box is: the geometric mean of its sides, in pixels."""
        return math.sqrt(self.width * self.height)

    @property
    def center(self) -> tuple[float, float]:
        """``(x, y)`` of the middle, in pixels."""
        return self.left + self.width / 2, self.top + self.height / 2

    def times(self, factor: float) -> RawFace:
        """The same face on a picture enlarged by ``factor``."""
        eyes: Eyes | None = None
        if self.eyes is not None:
            (x0, y0), (x1, y1) = self.eyes
            eyes = (x0 * factor, y0 * factor), (x1 * factor, y1 * factor)
        return RawFace(
            self.left * factor, self.top * factor, self.width * factor, self.height * factor, self.score, eyes
        )


@dataclass(frozen=True, slots=True)
class Framing:
    """How a detector's own boxes become FER2013's squares; fitted as ``docs/framing.md`` shows.

    Attributes:
        scale: Side of the square as a multiple of :attr:`RawFace.size`.
        right: How far the square's centre lies to the right of the box's, in multiples of that size.
        down: How far it lies below, likewise.
    """

    scale: float
    right: float = 0.0
    down: float = 0.0

    def square(self, face: RawFace) -> Box:
        """The square that FER2013 would have cut out for this face."""
        side = self.scale * face.size
        x, y = face.center
        return Box(x + self.right * face.size - side / 2, y + self.down * face.size - side / 2, side)


class FramedDetector:
    """A face detector of which only the search itself is missing.

    Args:
        name: What to call it in logs.
        framing: From its own boxes to squares.
        smallest_px: The smallest face it finds reliably, in pixels of the picture it searches.
        longest_px: The longest side of a picture it searches; this bounds the time a frame takes.
        min_face_px: The smallest face wanted, in pixels of the frame.
    """

    def __init__(self, name: str, framing: Framing, smallest_px: int, longest_px: int, min_face_px: int) -> None:
        self.name, self.framing = name, framing
        self._smallest_px, self._longest_px, self._min_face_px = smallest_px, longest_px, min_face_px

    def detect(self, image: Image) -> list[Detection]:
        """All faces in FER2013's framing, in no particular order. Any picture will do, however small or dark."""
        return [Detection(self.framing.square(face), face.score, face.eyes) for face in self.find(image)]

    def find(self, image: Image) -> list[RawFace]:
        """All faces as the detector frames them itself, in pixels of ``image``."""
        if min(image.shape[:2]) < self._min_face_px:
            return []
        scale = self.search_scale(image)
        if scale < 1.0:
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(
                np.uint8, copy=False
            )
        least_px = max(float(self._smallest_px), self._min_face_px * scale)
        return [face.times(1.0 / scale) for face in self._search(np.ascontiguousarray(image), least_px)]

    def search_scale(self, image: Image) -> float:
        """By how much a picture is shrunk before it is searched, at most 1.

        The smallest face wanted becomes the smallest that is found reliably. No side stays longer than ``longest_px``,
        so on a large frame no face under ``smallest_px / longest_px`` of its longest side is found.
        """
        longest: int = max(image.shape[:2])
        return min(1.0, self._smallest_px / self._min_face_px, self._longest_px / longest)

    def _search(self, image: Image, least_px: float) -> list[RawFace]:
        """The faces of a picture of the right size whose square has at least ``least_px`` a side."""
        raise NotImplementedError
