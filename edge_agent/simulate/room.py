"""Draws the empty classroom: wall, windows, door, pinboard, floor, and a chair and a desk for every seat."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import cv2
import numpy as np

from edge_agent.simulate.seating import Seat
from edge_agent.types import Image

_WOOD, _WOOD_EDGE, _CHAIR = (92, 132, 168), (122, 164, 196), (96, 74, 58)


def draw_room(width_px: int, height_px: int, seats: Sequence[Seat], seed: int) -> Image:
    """The classroom without people, ``uint8 (height_px, width_px, 3)``."""
    rng = np.random.default_rng((seed, 0x400))
    image = np.empty((height_px, width_px, 3), np.float32)
    down = np.linspace(1.0, 0.86, height_px, dtype=np.float32)[:, None, None]
    image[:] = np.array(rng.uniform((150, 168, 176), (176, 192, 200)), np.float32) * down
    floor_y = round(seats[0].desk_y - 0.3 * seats[0].side) if seats else round(0.5 * height_px)
    image[floor_y:] = (98, 112, 124)
    image[floor_y:] *= np.linspace(0.8, 1.05, height_px - floor_y, dtype=np.float32)[:, None, None]
    picture = image.astype(np.uint8)
    _furnish_wall(picture, floor_y, rng)
    for _, row in groupby(seats, lambda seat: seat.row):
        _draw_row(picture, list(row), width_px)
    picture = cv2.GaussianBlur(picture, (0, 0), max(0.5, height_px / 900)).astype(np.uint8)
    from_windows = np.linspace(1.06, 0.94, width_px, dtype=np.float32)[None, :, None]
    return np.asarray(np.clip(picture * from_windows, 0, 255), np.uint8)


def _furnish_wall(picture: Image, floor_y: int, rng: np.random.Generator) -> None:
    """Windows on the left, a door on the right, a pinboard with notices between them."""
    height, width = picture.shape[:2]
    top = round(-0.1 * height)
    bottom = min(round(0.24 * height), floor_y - 4)
    for pane in range(2):
        left = round((0.03 + 0.13 * pane) * width)
        right = left + round(0.115 * width)
        cv2.rectangle(picture, (left, top), (right, bottom), (214, 220, 222), -1)
        cv2.rectangle(picture, (left, top), (right, bottom), (128, 136, 140), max(2, width // 320))
    left, right = round(0.42 * width), round(0.62 * width)
    board_bottom = min(round(0.15 * height), floor_y - 4)
    cv2.rectangle(picture, (left, 0), (right, board_bottom), (112, 140, 160), -1)
    for _ in range(5):
        x, y = int(rng.integers(left, right - width // 28)), int(rng.integers(0, max(1, board_bottom // 2)))
        shade = tuple(int(level) for level in rng.integers(190, 230, 3))
        cv2.rectangle(picture, (x, y), (x + width // 30, y + height // 16), shade, -1)
    cv2.rectangle(picture, (round(0.86 * width), 0), (round(0.95 * width), floor_y), (104, 122, 138), -1)


def _draw_row(picture: Image, row: Sequence[Seat], width_px: int) -> None:
    """Chairs, and one long desk in front of them."""
    for seat in row:
        left, right = round(seat.x - 0.42 * seat.side), round(seat.x + 0.42 * seat.side)
        top = round(seat.y + 0.35 * seat.side)
        cv2.rectangle(picture, (left, top), (right, round(seat.desk_y)), _CHAIR, -1)
    side, edge = row[0].side, round(row[0].desk_y)
    left = max(0, round(min(row[0].x, width_px - row[-1].x) - 0.95 * side))
    right, foot = width_px - left, edge + round(0.5 * side)
    cv2.rectangle(picture, (left, edge), (right, foot), _WOOD, -1)
    cv2.rectangle(picture, (left, edge), (right, edge + max(2, round(0.07 * side))), _WOOD_EDGE, -1)
