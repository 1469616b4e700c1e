"""A part of a frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge_agent.types import Box, Image


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a frame, in pixels of the frame."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def around(cls, box: Box, margin: float) -> Region:
        """The square and, on each side, ``margin`` times its side."""
        more = margin * box.side
        return cls(box.left - more, box.top - more, box.left + box.side + more, box.top + box.side + more)

    @property
    def width(self) -> float:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """In pixels."""
        return self.bottom - self.top

    def within(self, width: float, height: float) -> Region:
        """The part of it that lies in a frame of this size."""
        return Region(max(0.0, self.left), max(0.0, self.top), min(width, self.right), min(height, self.bottom))

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies in it."""
        return self.left <= x <= self.right and self.top <= y <= self.bottom


UNBOUNDED = Region(-math.inf, -math.inf, math.inf, math.inf)
"""Where edges do not matter."""


def edges_of(image: Image) -> Region:
    """The whole of a picture."""
    return Region(0.0, 0.0, float(image.shape[1]), float(image.shape[0]))
