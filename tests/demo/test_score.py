"""How a demonstration is scored against the scene's truth."""

from __future__ import annotations

import pytest

from edge_agent.demo.score import SETTLING_S, SceneScore
from edge_agent.simulate import SimulatedFace
from edge_agent.types import Box, TrackedFace

HERE, THERE = Box(100, 100, 60), Box(400, 100, 60)


def drawn(seat: int, box: Box, expression: str = "happy", *, present: bool = True) -> SimulatedFace:
    return SimulatedFace(seat=seat, box=box, expression=expression, intensity=1.0, present=present)


def tracked(box: Box, expression: str | None) -> tuple[TrackedFace, str | None]:
    return TrackedFace(f"at{box.left:.0f}", box, 0.0, 0.0), expression


def test_recognition_counts_only_settled_expressions() -> None:
    score = SceneScore()
    for step in range(41):
        score.add([drawn(0, HERE)], [tracked(HERE, "happy" if step >= 10 else "sad")], step * 0.1)
    assert SETTLING_S > 1.0
    assert score.recognised() == {"happy": 1.0}


def test_a_wrong_or_missing_answer_lowers_the_share() -> None:
    score = SceneScore()
    for step in range(61):
        score.add([drawn(0, HERE)], [tracked(HERE, "happy")] if step < 41 else [], step * 0.1)
    assert score.recognised()["happy"] == pytest.approx(21 / 41)


def test_a_change_of_expression_starts_the_settling_anew() -> None:
    score = SceneScore()
    for step in range(41):
        score.add([drawn(0, HERE, "happy" if step % 10 < 5 else "sad")], [tracked(HERE, "happy")], step * 0.1)
    assert score.recognised() == {}


def test_faces_are_seen_where_they_are_drawn() -> None:
    score = SceneScore()
    for step in range(10):
        score.add(
            [drawn(0, HERE), drawn(1, THERE), drawn(2, Box(700, 0, 60), present=False)], [tracked(HERE, None)], step
        )
    assert (score.faces_simulated, score.faces_seen, score.presence_share) == (2, 1, 0.5)
