"""Soft-edged shapes in the coordinates of a face: OpenCV's polygons and lines with sub-pixel corners."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]
"""Blue, green and red, 0 to 255."""

Canvas = NDArray[np.float32]
"""A picture being painted: ``float32 (H, W, 3)``, 0 to 255."""

Mask = NDArray[np.uint8]
"""How far each pixel belongs to a shape: ``uint8 (H, W)``, 255 for wholly."""

Points = NDArray[np.float64]
"""Corners of a shape: ``float64 (N, 2)``, x and y in sides of the face square from its middle."""

_SHIFT = 4  # OpenCV's corners carry this many bits after the point
_TURN = np.linspace(0, 2 * np.pi, 24, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], 1)
_WAY = np.linspace(0, 1, 9)[:, None]
_PARABOLA = np.concatenate([(1 - _WAY) * (1 - 2 * _WAY), 4 * _WAY * (1 - _WAY), _WAY * (2 * _WAY - 1)], 1)


class Pen:
    """Draws in the coordinates of the face square onto arrays of pixels.

    Args:
        unit: Pixels to a side of the face square.
        left: Coordinate of the arrays' left edge.
        top: Coordinate of their upper edge.
        width: Their width in sides of the face square.
        height: Their height likewise.
    """

    def __init__(self, unit: int, left: float, top: float, width: float, height: float) -> None:
        self.unit, self.left, self.top = unit, left, top
        self.shape = (round(height * unit), round(width * unit))
        self._scale = unit * (1 << _SHIFT)
        self._origin = np.array((-left, -top)) * self._scale - (1 << (_SHIFT - 1)) + 0.5

    def blank(self, level: int = 0) -> Mask:
        """An array of this pen's size."""
        return np.full(self.shape, level, np.uint8)

    def fill(self, target: Mask, points: Points, level: int = 255) -> Mask:
        """Fill a polygon."""
        cv2.fillPoly(target, [self._pixels(points)], level, cv2.LINE_AA, _SHIFT)
        return target

    def ellipse(self, target: Mask, middle: tuple[float, float], half: tuple[float, float], level: int = 255) -> Mask:
        """Fill an upright ellipse."""
        return self.fill(target, _CIRCLE * half + middle, level)

    def stroke(self, target: Mask, points: Points, thickness: float, level: int = 255, ground: int = 0) -> Mask:
        """Draw a line through points; one thinner than a pixel comes out closer to the ground it is drawn on."""
        wanted = thickness * self.unit
        level = round(ground + (level - ground) * min(wanted, 1.0))
        cv2.polylines(target, [self._pixels(points)], False, level, max(1, round(wanted)), cv2.LINE_AA, _SHIFT)
        return target

    def blur(self, target: Mask, sigma: float) -> Mask:
        """Blur by a share of the face square's side."""
        return cv2.GaussianBlur(target, (0, 0), max(sigma * self.unit, 0.3)).astype(np.uint8)

    def _pixels(self, points: Points) -> NDArray[np.int32]:
        return (points * self._scale + self._origin).astype(np.int32)


def paint(canvas: Canvas, mask: Mask, colour: Colour | Canvas, strength: float = 1.0) -> None:
    """Lay a colour, or another canvas, over the pixels of a mask."""
    x, y, width, height = cv2.boundingRect(mask)
    part = canvas[y : y + height, x : x + width]
    over = colour[y : y + height, x : x + width] if isinstance(colour, np.ndarray) else np.array(colour, np.float32)
    share = mask[y : y + height, x : x + width, None] * np.float32(strength / 255)
    part += share * (over - part)


def scaled(colour: Colour, factor: float, plus: float = 0.0) -> Colour:
    """A colour made darker or brighter."""
    blue, green, red = colour
    return factor * blue + plus, factor * green + plus, factor * red + plus


def line(*points: tuple[float, float]) -> Points:
    """A polyline."""
    return np.array(points, np.float64)


def curve(start: tuple[float, float], through: tuple[float, float], end: tuple[float, float]) -> Points:
    """The parabola from one point to another that passes through a third half way."""
    return np.asarray(_PARABOLA @ np.array((start, through, end)))


def mirrored(points: Points) -> Points:
    """The same points on the other side of the face, in reverse order, so that both make one outline."""
    return points[::-1] * (-1.0, 1.0)
