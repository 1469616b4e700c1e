"""Drawn people at the size at which they are seen, ready to be laid over a picture, and kept for use again."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.simulate.head import ABOVE, HALF_WIDTH, SHOULDERS_BELOW, draw_head, draw_shoulders
from edge_agent.simulate.pen import Mask
from edge_agent.simulate.person import Person
from edge_agent.simulate.pose import pose_of
from edge_agent.types import Image

_UNIT = 128  # side of the face square in pixels at which heads are drawn before they are scaled; doubled for large ones


@dataclass(frozen=True, slots=True)
class Stamp:
    """A picture to lay over another one.

    Attributes:
        colours: ``uint8 (H, W, 3)``, blue-green-red, premultiplied by the coverage.
        transparency: ``uint8 (H, W)``, how much of what lies below stays visible, 255 for all.
        x: Column of the middle of the face square.
        y: Row of it; outside the picture for shoulders.
        foot: Row about which it turns.
    """

    colours: NDArray[np.uint8]
    transparency: NDArray[np.uint8]
    x: float
    y: float
    foot: float

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.colours.nbytes + self.transparency.nbytes

    def lay(self, image: Image, x: float, y: float, above: int) -> None:
        """Lay it over a picture, the face square's middle at ``(x, y)``, leaving rows from ``above`` on as they are."""
        left, top = round(x - self.x), round(y - self.y)
        height, width = self.colours.shape[:2]
        first_row, end_row = max(0, -top), min(height, above - top, image.shape[0] - top)
        first, end = max(0, -left), min(width, image.shape[1] - left)
        if first_row >= end_row or first >= end:
            return
        below = image[top + first_row : top + end_row, left + first : left + end]
        part = (slice(first_row, end_row), slice(first, end))
        cv2.multiply(below, cv2.merge([self.transparency[part]] * 3), dst=below, scale=1 / 255)
        cv2.add(below, self.colours[part], dst=below)

    def rolled(self, degrees: float) -> Stamp:
        """Turned clockwise about the foot of the neck."""
        margin = math.ceil(max(self.transparency.shape) * math.sin(math.radians(abs(degrees))))
        edges = (margin,) * 4
        colours = cv2.copyMakeBorder(self.colours, *edges, cv2.BORDER_CONSTANT, value=(0, 0, 0))
        transparency = cv2.copyMakeBorder(self.transparency, *edges, cv2.BORDER_CONSTANT, value=(255,))
        height, width = transparency.shape
        x, y, foot = self.x + margin, self.y + margin, self.foot + margin
        turn = cv2.getRotationMatrix2D((x, foot), -degrees, 1.0)
        colours = cv2.warpAffine(colours, turn, (width, height))
        transparency = cv2.warpAffine(transparency, turn, (width, height), borderValue=(255,))
        return _trimmed(Stamp(colours.astype(np.uint8), transparency.astype(np.uint8), x, y, foot))


class StampCache:
    """Keeps what was drawn lately, up to a number of bytes."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit, self._used = limit_bytes, 0
        self._stamps: OrderedDict[Hashable, Stamp] = OrderedDict()

    def get(self, key: Hashable, draw: Callable[[], Stamp]) -> Stamp:
        """The stamp with this key, drawn now if it is not there."""
        if key in self._stamps:
            self._stamps.move_to_end(key)
            return self._stamps[key]
        stamp = self._stamps[key] = draw()
        self._used += stamp.nbytes
        while self._used > self._limit and len(self._stamps) > 1:
            self._used -= self._stamps.popitem(last=False)[1].nbytes
        return stamp


def head_stamp(who: Person, expression: str, intensity: float, blink: float, side: float) -> Stamp:
    """A head whose face square measures ``side`` pixels."""
    unit = _UNIT
    while unit * 1.4 < side:
        unit *= 2
    colours, cover = draw_head(who, pose_of(expression, intensity), unit, blink)
    return _stamp(colours, cover, side / unit, HALF_WIDTH * unit, ABOVE * unit)


def shoulder_stamp(who: Person, side: float) -> Stamp:
    """The shoulders that belong under such a head."""
    unit = max(1, round(side))
    colours, cover = draw_shoulders(who, unit)
    return _stamp(colours, cover, side / unit, HALF_WIDTH * unit, -SHOULDERS_BELOW * unit)


def _stamp(colours: Image, cover: Mask, scale: float, x: float, y: float) -> Stamp:
    """Bring a drawing to its size and weight it by its coverage; ``(x, y)`` is the middle of its face square."""
    height, width = cover.shape
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    weighted = cv2.resize(cv2.multiply(colours, cv2.merge([cover] * 3), scale=1 / 255), size, interpolation=how)
    transparency = cv2.bitwise_not(cv2.resize(cover, size, interpolation=how))
    whole = Stamp(
        weighted.astype(np.uint8),
        transparency.astype(np.uint8),
        x * size[0] / width,
        y * size[1] / height,
        foot=size[1] * 0.9,
    )
    return _trimmed(whole)


def _trimmed(stamp: Stamp) -> Stamp:
    """Without rows and columns at the edges in which nothing is drawn."""
    x, y, width, height = cv2.boundingRect(cv2.bitwise_not(stamp.transparency))
    if not width:
        return stamp
    part = (slice(y, y + height), slice(x, x + width))
    colours, transparency = stamp.colours[part].copy(), stamp.transparency[part].copy()
    return Stamp(colours, transparency, stamp.x - x, stamp.y - y, stamp.foot - y)
