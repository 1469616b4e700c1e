"""What happens when."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np

from edge_agent.model_format.labels import FER2013
from edge_agent.simulate import script

SEED = 11


def changes(seat: int, until_s: float) -> list[tuple[float, str]]:
    """When a seat's expression changed, and to what, to a tenth of a second."""
    shown = [(t / 10, script.expression_at(SEED, seat, t / 10)[0]) for t in range(round(until_s * 10))]
    return [now for before, now in pairwise(shown) if now[1] != before[1]]


def test_each_expression_is_held_long_enough_to_settle_and_all_change_every_few_seconds() -> None:
    times = [t for t, _ in changes(seat=3, until_s=300.0)]
    held = np.diff(times)
    assert held.min() > 4.0
    assert held.max() < 12.0


def test_every_seat_shows_all_expressions_equally_often() -> None:
    for seat in range(3):
        shown = Counter(expression for _, expression in changes(seat, until_s=7 * script.EXPRESSION_S * 6))
        assert set(shown) == set(FER2013)
        assert max(shown.values()) - min(shown.values()) <= 1


def test_a_class_shows_all_expressions_within_twenty_seconds() -> None:
    shown = {script.expression_at(SEED, seat, float(t))[0] for seat in range(6) for t in range(20)}
    assert shown == set(FER2013)


def test_an_expression_comes_and_goes_through_rest() -> None:
    at = changes(seat=0, until_s=60.0)[1][0]
    around = [script.expression_at(SEED, 0, at + step)[1] for step in (-1.0, 0.0, 1.0)]
    assert around[1] < 0.5
    assert min(around[0], around[2]) >= 0.8


def test_eyes_are_closed_now_and_then_and_only_briefly() -> None:
    closed = [script.blinks_at(SEED, 2, t / 50) for t in range(50 * 120)]
    assert 0.01 < np.mean(closed) < 0.05


def test_heads_move_slowly_and_little() -> None:
    path = np.array([[m.x, m.y, m.roll_deg] for m in (script.motion_at(SEED, 1, t / 10) for t in range(600))])
    assert np.abs(path).max(0).tolist() <= [0.08, 0.03, 3.0]
    assert 0.0 < float(np.abs(np.diff(path[:, 0])).max()) < 0.03
