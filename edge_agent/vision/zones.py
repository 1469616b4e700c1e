"""Parts of the frame in which faces do not count: posters, screens, doorways, all but the desks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.config import DetectorSettings
from edge_agent.types import Box

Polygon = tuple[tuple[float, float], ...]
"""Corners ``(x, y)`` in shares of the frame's width and height, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Zones:
    """Where faces count.

    Attributes:
        ignore: Nowhere here.
        watch: Only here; everywhere where there are none.
    """

    ignore: tuple[Polygon, ...] = ()
    watch: tuple[Polygon, ...] = ()

    @classmethod
    def of(cls, settings: DetectorSettings) -> Zones:
        """The zones of the settings."""
        ignore, watch = (
            tuple(tuple((point[0], point[1]) for point in zone.points) for zone in zones)
            for zones in (settings.ignore, settings.watch)
        )
        return cls(ignore, watch)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.ignore or self.watch)

    def count(self, x: float, y: float) -> bool:
        """Whether a face with its middle here counts, in shares of the frame."""
        if any(_inside(polygon, x, y) for polygon in self.ignore):
            return False
        return not self.watch or any(_inside(polygon, x, y) for polygon in self.watch)

    def holds(self, box: Box, size: tuple[int, int]) -> bool:
        """Whether a face counts.

        Args:
            box: Where, in pixels of the frame.
            size: Width and height of the frame in pixels.
        """
        if not self:
            return True
        x, y = box.center
        return self.count(x / size[0], y / size[1])

    def grid(self, columns: int, rows: int) -> NDArray[np.uint8]:
        """1 for each cell of a grid over the frame whose middle counts, else 0; ``uint8 (rows, columns)``."""
        return np.array(
            [
                [self.count((column + 0.5) / columns, (row + 0.5) / rows) for column in range(columns)]
                for row in range(rows)
            ],
            np.uint8,
        ).reshape(rows, columns)


NO_ZONES = Zones()
"""Faces count in the whole frame."""


def _inside(polygon: Sequence[tuple[float, float]], x: float, y: float) -> bool:
    """Whether a ray to the right crosses the outline an odd number of times."""
    inside = False
    x0, y0 = polygon[-1]
    for x1, y1 in polygon:
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            inside = not inside
        x0, y0 = x1, y1
    return inside
