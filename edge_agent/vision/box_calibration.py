"""How a face detector's own boxes become the squares that FER2013's faces were cropped with."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge_agent.types import Box, Landmarks, Point


@dataclass(frozen=True, slots=True)
class RawFace:
    """A face in the detector's own box, in pixels of the image it was given."""

    left: float
    top: float
    width: float
    height: float
    score: float = 1.0
    landmarks: Landmarks | None = None

    @property
    def eyes(self) -> tuple[Point, Point] | None:
        """The eye on the image's left and the one on its right, in pixels, where the detector finds them."""
        return None if self.landmarks is None else self.landmarks[:2]

    @property
    def size(self) -> float:
        """One number for how large the box is: the geometric mean of its sides, in pixels."""
        return math.sqrt(self.width * self.height)

    @property
    def center(self) -> tuple[float, float]:
        """``(x, y)`` of the middle, in pixels."""
        return self.left + self.width / 2, self.top + self.height / 2

    def times(self, factor: float) -> RawFace:
        """The same face in an image enlarged by ``factor``."""
        return self._mapped(factor, 0.0, 0.0)

    def moved(self, right: float, down: float) -> RawFace:
        """The same face that many pixels further to the right and down."""
        return self._mapped(1.0, right, down)

    def _mapped(self, factor: float, right: float, down: float) -> RawFace:
        landmarks: Landmarks | None = None
        if self.landmarks is not None:
            first, second, third, fourth, fifth = ((x * factor + right, y * factor + down) for x, y in self.landmarks)
            landmarks = first, second, third, fourth, fifth
        left, top = self.left * factor + right, self.top * factor + down
        return RawFace(left, top, self.width * factor, self.height * factor, self.score, landmarks)


@dataclass(frozen=True, slots=True)
class BoxCalibration:
    """How a detector's own boxes become FER2013's squares; fitted as ``docs/box-calibration.md`` shows.

    Attributes:
        scale: Side of the square as a multiple of :attr:`RawFace.size`.
        right: How far the square's centre lies to the right of the box's, in multiples of that size.
        down: How far it lies below, likewise.
    """

    scale: float
    right: float = 0.0
    down: float = 0.0

    def square(self, face: RawFace) -> Box:
        """The square that FER2013 would have cropped for this face."""
        side = self.scale * face.size
        x, y = face.center
        return Box(x + self.right * face.size - side / 2, y + self.down * face.size - side / 2, side)
