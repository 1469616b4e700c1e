"""Parts of the frame in which faces do not count: posters, screens, doorways, all but the desks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.config import DetectorSettings
from edge_agent.polygons import Polygon, contains
from edge_agent.types import Box


@dataclass(frozen=True, slots=True)
class Zones:
    """Where faces count. Corners are ``(x, y)`` in shares of the frame's width and height, 0 to 1.

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
        if any(contains(polygon, x, y) for polygon in self.ignore):
            return False
        return not self.watch or any(contains(polygon, x, y) for polygon in self.watch)

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
