"""What moved in a frame, and where tracked faces went: cheap looks at a small gray copy of it.

A search for faces costs tens of milliseconds, these looks about one. They decide where a search is worth its time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.types import Box, Image
from edge_agent.vision.region import Region
from edge_agent.vision.zones import NO_ZONES, Zones

_LONGEST_PX = 640
"""Longest side of the small copy, in pixels."""

_CELL_PX = 8
"""Side of a cell of the motion map, in pixels of the small copy."""

_COMPARED_AFTER_S = 0.25
"""A frame is compared with one this much older: what moves slowly is seen as well."""

_FORGOTTEN_AFTER_S = 0.6
"""Older frames are not compared: between them anything may have happened."""

_MOVED_LEVELS = 7.0
"""By how many gray levels a cell's mean must change; sensor noise changes it by less than two."""

_POINTS = 3
"""Points along each side of a face that are followed."""

_COHERENT = 0.08
"""How far from the common movement a point may end, in sides of the face, to agree with it."""

_AGREEING = 0.6
"""Share of the points that must agree for a face to count as followed."""

_ALIKE_LEVELS = 16.0
"""By how many gray levels a point's surroundings may differ, on average, from what they were a frame before."""

_LK_WINDOW_PX = 9
_LK_LEVELS = 3


@dataclass(frozen=True, slots=True)
class Look:
    """What a frame shows against earlier ones.

    Attributes:
        gap_s: Seconds since the frame before; ``None`` for the first, and after a change of size.
        moved: Where something moved, in pixels of the frame, apart from the faces that were named as known.
        moved_share: Share of the whole frame that moved, 0 to 1.
    """

    gap_s: float | None
    moved: tuple[Region, ...]
    moved_share: float


class MotionWatch:
    """Compares frames. Holds small gray copies of the last few; one thread only.

    Args:
        zones: Where faces count; what moves elsewhere is not seen.
    """

    def __init__(self, zones: Zones = NO_ZONES) -> None:
        self._zones = zones
        self._counting: NDArray[np.uint8] | None = None
        self._small: Image | None = None
        self._before: Image | None = None
        self._at = 0.0
        self._scale = 1.0
        self._cells: deque[tuple[float, NDArray[np.float32]]] = deque()

    def look(self, image: Image, known: Sequence[Box], now: float) -> Look:
        """Take in a frame.

        Args:
            image: ``uint8 (height, width, 3)`` or ``(height, width)``.
            known: Where tracked faces were last seen; what moves there is theirs.
            now: Monotonic seconds of the frame.
        """
        small, scale = _shrunk(image)
        same_size = self._small is not None and small.shape == self._small.shape
        gap_s = now - self._at if same_size else None
        if gap_s is None or gap_s > _FORGOTTEN_AFTER_S:
            self._cells.clear()
        self._before, self._small = (self._small if same_size else None), small
        self._at, self._scale = now, scale
        cells = np.asarray(cv2.resize(small, _cells_of(small), interpolation=cv2.INTER_AREA), np.float32)
        while len(self._cells) > 1 and now - self._cells[1][0] >= _COMPARED_AFTER_S:
            self._cells.popleft()
        moved: tuple[Region, ...] = ()
        share = 0.0
        if self._cells:
            mask = _moved(self._cells[0][1], cells)
            if self._zones:
                mask &= self._counting_cells(mask.shape[1], mask.shape[0])
            share = float(mask.mean())
            moved = self._regions(mask, known, image)
        self._cells.append((now, cells))
        return Look(gap_s, moved, share)

    def follow(self, faces: Mapping[str, tuple[Box, Box]]) -> dict[str, Box]:
        """Where faces of the frame before are in this one, by their keys; those that cannot be followed are left out.

        ``faces`` are the places where each was, and where it is expected.

        Sparse optical flow (Lucas & Kanade 1981, pyramids as in Bouguet 2001) of a few points of each face; the median
        moves the box, and a face whose points disagree is no longer the face that was there.
        """
        if self._before is None or self._small is None or not faces:
            return {}
        keys = list(faces)
        boxes = {key: box for key, (box, _) in faces.items()}
        steps = (np.arange(_POINTS) + 0.5) / _POINTS * 0.7 + 0.15
        grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
        sides = np.array([boxes[key].side for key in keys])
        corners = np.array([(boxes[key].left, boxes[key].top) for key in keys])
        points = (corners[:, None] + sides[:, None, None] * grid[None]) * self._scale
        start = points.reshape(-1, 1, 2).astype(np.float32)
        guess = np.array([(at.left - box.left, at.top - box.top) for box, at in faces.values()]) * self._scale
        expected = (points + guess[:, None]).reshape(-1, 1, 2).astype(np.float32)
        ends, status, unlike = cv2.calcOpticalFlowPyrLK(
            self._before,
            self._small,
            start,
            expected,
            winSize=(_LK_WINDOW_PX, _LK_WINDOW_PX),
            maxLevel=_LK_LEVELS,
            flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
            criteria=(cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 6, 0.05),
        )
        shifts = ((ends - start) / self._scale).reshape(len(keys), -1, 2)
        found = (status.astype(bool) & (unlike < _ALIKE_LEVELS)).reshape(len(keys), -1)
        common = np.median(shifts, axis=1)
        off = np.hypot(*np.moveaxis(shifts - common[:, None], -1, 0)) / sides[:, None]
        agreeing = ((off < _COHERENT) & found).mean(axis=1)
        followed = {}
        for key, (dx, dy), share in zip(keys, common, agreeing, strict=True):
            if share >= _AGREEING:
                box = boxes[key]
                followed[key] = Box(box.left + float(dx), box.top + float(dy), box.side)
        return followed

    def _counting_cells(self, columns: int, rows: int) -> NDArray[np.uint8]:
        if self._counting is None or self._counting.shape != (rows, columns):
            self._counting = self._zones.grid(columns, rows)
        return self._counting

    def _regions(self, mask: NDArray[np.uint8], known: Sequence[Box], image: Image) -> tuple[Region, ...]:
        """Connected areas that moved and belong to no known face."""
        cell = _CELL_PX / self._scale
        left = mask.copy()
        for box in known:
            x, y = box.center
            columns = slice(max(0, int((x - 0.75 * box.side) / cell)), max(0, int((x + 0.75 * box.side) / cell) + 1))
            rows = slice(max(0, int((y - 0.75 * box.side) / cell)), max(0, int((y + 0.85 * box.side) / cell) + 1))
            left[rows, columns] = 0
        if not left.any():
            return ()
        joined = cv2.dilate(left, np.ones((3, 3), np.uint8))
        count, _, boxes, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
        height, width = image.shape[:2]
        found = []
        for column, row, columns_, rows_, _ in boxes[1:count]:
            if left[row : row + rows_, column : column + columns_].sum() < 2:
                continue
            area = Region(column * cell, row * cell, (column + columns_) * cell, (row + rows_) * cell)
            found.append(area.within(width, height))
        return tuple(found)


def _shrunk(image: Image) -> tuple[Image, float]:
    """A gray copy whose longest side has at most ``_LONGEST_PX``, and by how much it is smaller."""
    height, width = image.shape[:2]
    factor = max(1, -(-max(height, width) // _LONGEST_PX))
    gray = image[:, :, 1] if image.ndim == 3 else image  # green carries most of a camera's detail
    size = (max(1, width // factor), max(1, height // factor))
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8), 1.0 / factor


def _cells_of(small: Image) -> tuple[int, int]:
    return max(1, small.shape[1] // _CELL_PX), max(1, small.shape[0] // _CELL_PX)


def _moved(before: NDArray[np.float32], cells: NDArray[np.float32]) -> NDArray[np.uint8]:
    """1 where a cell changed by more than the light of the whole picture did."""
    gain = float(np.median((cells + 8.0) / (before + 8.0)))
    return (np.abs(cells + 8.0 - gain * (before + 8.0)) > _MOVED_LEVELS).astype(np.uint8)
