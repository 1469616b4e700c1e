"""Where people sit: rows of seats seen by a camera above the board, larger to the front."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import ceil

DESK_BELOW = 0.95
"""How far a desk's edge lies under the middle of the face of who sits there, in sides of the face square."""

_MAX_SIDE = 0.22  # of the picture's height: a face nearer than that is no classroom
_PITCH = 1.45  # seats in a row stand this many face squares apart, so that no head hides its neighbour
_UNDER, _OVER = 0.66, 0.9  # free height under a chin and over the middle of the face in the next row
_DEPTH = 0.14  # how much larger than the mean the front row is drawn, and how much smaller the back row
_WALL, _FRONT = 0.06, 0.32  # of the height: wall above the last row; in face squares: desk under the first row


@dataclass(frozen=True, slots=True)
class Seat:
    """A place for one person, in pixels of the picture.

    Attributes:
        row: 0 is the last row, drawn first.
        x: Middle of the face square of who sits upright here.
        y: Likewise.
        side: Its side.
        desk_y: Upper edge of the desk in front.
    """

    row: int
    x: float
    y: float
    side: float
    desk_y: float


def arrange(faces: int, width_px: int, height_px: int) -> tuple[Seat, ...]:
    """Seats for so many people, in as many rows as let the faces be largest; the last row comes first."""
    if faces == 0:
        return ()
    rows = max(range(1, faces + 1), key=lambda rows: (_mean_side(faces, rows, width_px, height_px), -rows))
    mean = _mean_side(faces, rows, width_px, height_px)
    sides = [mean * _scale(row, rows) for row in range(rows)]
    spare = height_px * (1 - _WALL) - mean * _height(rows)
    y = height_px * _WALL + 0.6 * spare + _OVER * sides[0]
    seats = []
    for row, side in enumerate(sides):
        here = _in_row(faces, rows, row)
        pitch = min(width_px / (ceil(faces / rows) + (0.5 if rows > 1 else 0.0)), 2.4 * side)
        shift = 0.0 if rows == 1 else 0.25 * pitch * (-1) ** row
        for column in range(here):
            x = width_px / 2 + shift + (column - (here - 1) / 2) * pitch
            seats.append(Seat(row, x, y, side, y + DESK_BELOW * side))
        if row + 1 < rows:
            y += _UNDER * side + _OVER * sides[row + 1]
    return tuple(seats)


def _in_row(faces: int, rows: int, row: int) -> int:
    return faces // rows + (1 if row < faces % rows else 0)


def _scale(row: int, rows: int) -> float:
    return 1.0 if rows == 1 else 1 - _DEPTH + 2 * _DEPTH * row / (rows - 1)


def _height(rows: int) -> float:
    """Height of so many rows in mean face squares, from the hair of the last row to the foot of the first desk."""
    scales = [_scale(row, rows) for row in range(rows)]
    between = sum(_UNDER * behind + _OVER * before for behind, before in pairwise(scales))
    return _OVER * scales[0] + between + (DESK_BELOW + _FRONT) * scales[-1]


def _mean_side(faces: int, rows: int, width_px: int, height_px: int) -> float:
    """Side of the face square in the middle row when so many people sit in so many rows."""
    columns = ceil(faces / rows) + (0.5 if rows > 1 else 0.0)
    wide = width_px / (columns * _PITCH * _scale(rows - 1, rows))
    high = height_px * (1 - _WALL) / _height(rows)
    return min(wide, high, _MAX_SIDE * height_px)
