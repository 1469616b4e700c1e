"""Polygons: what lies within one, and whether its corners make an outline."""

from __future__ import annotations

from collections.abc import Sequence

Point = tuple[float, float]
Polygon = tuple[Point, ...]
"""Corners ``(x, y)``, one after the other around it; the last is joined to the first."""


def contains(polygon: Sequence[Point], x: float, y: float) -> bool:
    """Whether a point lies within: a ray to the right crosses the outline an odd number of times."""
    inside = False
    x0, y0 = polygon[-1]
    for x1, y1 in polygon:
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            inside = not inside
        x0, y0 = x1, y1
    return inside


def area(polygon: Sequence[Point]) -> float:
    """What it encloses, if its outline does not cross itself."""
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in _sides(polygon))) / 2


def crosses_itself(polygon: Sequence[Point]) -> bool:
    """Whether two of its sides cross. Sides that only touch do not count."""
    sides = _sides(polygon)
    return any(_cross(one, other) for at, one in enumerate(sides) for other in sides[:at])


def _sides(polygon: Sequence[Point]) -> list[tuple[Point, Point]]:
    return list(zip(polygon, (*polygon[1:], polygon[0]), strict=True))


def _cross(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    return _apart(one, other) and _apart(other, one)


def _apart(line: tuple[Point, Point], points: tuple[Point, Point]) -> bool:
    """Whether two points lie on different sides of a line, neither of them on it."""
    (x0, y0), (x1, y1) = line
    first, second = ((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) for x, y in points)
    return first * second < 0
