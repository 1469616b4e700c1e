"""Drawn people laid over a picture."""

from __future__ import annotations

import numpy as np
import pytest

from edge_agent.simulate.person import person
from edge_agent.simulate.stamp import Stamp, StampCache, head_stamp


def square(side: int, level: int = 200) -> Stamp:
    """A wholly covering square, held by its middle."""
    colours = np.full((side, side, 3), level, np.uint8)
    return Stamp(colours, np.zeros((side, side), np.uint8), side / 2, side / 2, foot=side)


def covered(x: float, y: float, above: int = 20) -> int:
    """How many pixels of a 20 px picture a square of 6 px changes."""
    image = np.zeros((20, 20, 3), np.uint8)
    square(6).lay(image, x, y, above)
    return int((image[..., 0] == 200).sum())


@pytest.mark.parametrize(
    ("x", "y", "pixels"), [(10, 10, 36), (0, 10, 18), (20, 20, 9), (-3, 10, 0), (10, 23, 0), (99, -99, 0)]
)
def test_a_stamp_may_reach_over_every_edge(x: float, y: float, pixels: int) -> None:
    assert covered(x, y) == pixels


def test_a_stamp_stays_above_the_desk() -> None:
    assert covered(10, 10, above=9) == 2 * 6
    assert covered(10, 10, above=3) == 0


def test_what_a_stamp_does_not_cover_shows_through() -> None:
    image = np.full((4, 4, 3), 100, np.uint8)
    half = Stamp(np.full((4, 4, 3), 60, np.uint8), np.full((4, 4), 128, np.uint8), 2.0, 2.0, foot=4.0)
    half.lay(image, 2, 2, above=4)
    assert np.abs(image.astype(int) - 110).max() <= 1


def test_a_cache_draws_once_and_lets_go_of_what_was_used_least_lately() -> None:
    drawn: list[str] = []

    def draw(name: str) -> Stamp:
        drawn.append(name)
        return square(10)

    cache = StampCache(limit_bytes=2 * square(10).nbytes)
    for name in ("a", "b", "a", "c", "a", "b"):
        cache.get(name, lambda name=name: draw(name))  # type: ignore[misc]
    assert drawn == ["a", "b", "c", "b"]


def test_a_turned_stamp_keeps_its_foot_and_all_that_was_drawn() -> None:
    upright = square(20)
    turned = upright.rolled(30.0)
    assert turned.transparency.min() == 0
    assert int((turned.transparency < 128).sum()) == pytest.approx(20 * 20, rel=0.03)
    assert turned.foot - turned.y == upright.foot - upright.y


def test_a_head_is_kept_without_empty_edges() -> None:
    head = head_stamp(person(3), "happy", 1.0, 0.0, 60)
    drawn = head.transparency < 255
    assert drawn[0].any()
    assert drawn[-1].any()
    assert drawn[:, 0].any()
    assert drawn[:, -1].any()
