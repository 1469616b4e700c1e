"""How tracking is scored."""

from __future__ import annotations

import pytest

from edge_agent.types import Box
from qa.tracking import Score, table

LEFT, RIGHT = Box(100, 100, 80), Box(600, 100, 80)


def test_tracks_that_stay_with_their_people_have_a_perfect_score() -> None:
    score = Score()
    for frame in range(10):
        score.count({0: LEFT, 1: RIGHT}, {"a": LEFT, "b": RIGHT}, frame / 10)
    assert (score.idf1, score.switches, score.ghosts, score.seen) == (1.0, 0, 0, 20)


def test_a_swap_in_the_middle_halves_the_score_and_counts_two_switches() -> None:
    score = Score()
    for frame in range(10):
        tracks = {"a": LEFT, "b": RIGHT} if frame < 5 else {"a": RIGHT, "b": LEFT}
        score.count({0: LEFT, 1: RIGHT}, tracks, frame / 10)
    assert (score.idf1, score.switches) == (0.5, 2)


def test_a_track_at_no_face_is_a_ghost() -> None:
    score = Score()
    score.count({0: LEFT}, {"a": LEFT, "b": RIGHT}, 0.0)
    assert score.ghosts == 1
    assert score.idf1 == pytest.approx(2 / 3)


def test_the_wait_of_who_appears_is_counted_until_a_track_is_there() -> None:
    score = Score()
    score.count({}, {}, 0.0)
    score.count({0: LEFT}, {}, 0.1)
    score.count({0: LEFT}, {"a": LEFT}, 0.4)
    assert score.waits_s == [pytest.approx(0.3)]
    assert "| scene |" in table([("alone", "every frame", score)])
