"""Several regions of a frame laid side by side on one canvas, so that one search of a fixed size serves them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge_agent.types import Image
from edge_agent.vision.box_calibration import RawFace
from edge_agent.vision.region import Region

CANVAS_SIDES_PX = (160, 320)
"""Sides a canvas may have, in pixels of the search: few, since a network is prepared for each."""

_GAP_PX = 6
"""Empty pixels between tiles, so that no face is made of two."""


@dataclass(frozen=True, slots=True)
class Tile:
    """Where a region lies on the canvas.

    Attributes:
        region: In pixels of the frame.
        x: Column of its left edge on the canvas.
        y: Row of its upper edge.
        width: In pixels of the canvas.
        height: Likewise.
    """

    region: Region
    x: int
    y: int
    width: int
    height: int

    def holds(self, x: float, y: float) -> bool:
        """Whether a point of the canvas lies on it."""
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height

    def to_frame(self, face: RawFace) -> RawFace:
        """A face found on the canvas, in pixels of the frame."""
        return (
            face.moved(-self.x, -self.y).times(self.region.width / self.width).moved(self.region.left, self.region.top)
        )


def arrange(regions: Sequence[Region], scale: float) -> tuple[int, list[Tile]]:
    """The side of the smallest canvas that has room for all regions, and their tiles.

    Where none has room for all, the largest holds those that find room, the most urgent first of all.

    Args:
        regions: In pixels of the frame, most urgent first.
        scale: From the frame to the canvas; a region that is larger than the largest canvas is shrunk further.
    """
    largest = CANVAS_SIDES_PX[-1]
    for side in CANVAS_SIDES_PX:
        if side == largest or all(max(region.width, region.height) * scale <= side for region in regions):
            tiles = _in_rows(regions, scale, side)
            if len(tiles) == len(regions):
                return side, tiles
    chosen: list[Region] = []
    for region in regions:
        if len(_in_rows([*chosen, region], scale, largest)) > len(chosen):
            chosen.append(region)
    return largest, _in_rows(chosen, scale, largest)


def _in_rows(regions: Sequence[Region], scale: float, side: int) -> list[Tile]:
    """Tiles for regions that find room on a canvas, in rows, the highest first."""
    sized = []
    for region in regions:
        fit = min(scale, side / max(region.width, region.height))
        sized.append((max(1, int(region.height * fit)), max(1, int(region.width * fit)), region))
    tiles: list[Tile] = []
    x = y = row_height = 0
    for height, width, region in sorted(sized, key=lambda one: -one[0]):
        if x + width > side:
            x, y, row_height = 0, y + row_height + _GAP_PX, 0
        if y + height > side:
            continue
        tiles.append(Tile(region, x, y, width, height))
        x += width + _GAP_PX
        row_height = max(row_height, height)
    return tiles


def draw(image: Image, side: int | None, tiles: Sequence[Tile]) -> Image:
    """The canvas, ``uint8 (side, side, 3)`` or without channels, as the frame is; ``None``: no larger than needed."""
    height = side or max(tile.y + tile.height for tile in tiles)
    width = side or max(tile.x + tile.width for tile in tiles)
    canvas = np.full((height, width, *image.shape[2:]), 127, np.uint8)
    for tile in tiles:
        region = tile.region
        part = image[int(region.top) : int(region.bottom), int(region.left) : int(region.right)]
        canvas[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width] = cv2.resize(
            part, (tile.width, tile.height), interpolation=cv2.INTER_AREA
        )
    return canvas
